"""Table of commands with bad input and the sentence that each one prints.

``bad_commands.txt`` holds a command and, indented in the next line, its error. An error that ends
with an ellipsis continues with a text of a library or with a size of this machine.
"""

import importlib.util
import shlex
from pathlib import Path

import pytest

LINES = Path(__file__).with_name("bad_commands.txt").read_text().splitlines()
CASES = [(LINES[i], LINES[i + 1].strip()) for i in range(0, len(LINES), 2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = Path(__file__).with_name("bad_files.py")
    spec = importlib.util.spec_from_file_location("bad_files", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("bad")
    module.write_bad_files(folder)
    return folder


def test_the_table_has_at_least_150_commands():
    assert len(set(CASES)) >= 150


@pytest.mark.parametrize(("command", "error"), CASES)
def test_a_bad_command_prints_its_sentence(run, folder, monkeypatch, command, error):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    printed = run(*shlex.split(command), code=2).stderr.splitlines()[-1]
    expected = f"error: {error}"
    if error.endswith("…"):
        printed, expected = printed[: len(expected) - 1], expected[:-1]
    assert printed == expected
    assert sorted(folder.iterdir()) == before
