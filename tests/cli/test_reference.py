from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "cli_reference.py"


@pytest.fixture
def reference():
    spec = importlib.util.spec_from_file_location("cli_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_equals_the_help(reference):
    written = reference.PAGE.read_text(encoding="utf-8")
    assert written == reference.page(), "run scripts/cli_reference.py"


def test_the_check_finds_a_difference(reference, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["cli_reference.py", "--check"])
    assert reference.main() == 0
    monkeypatch.setattr(reference, "PAGE", tmp_path / "old.md")
    assert reference.main() == 1
