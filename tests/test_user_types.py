"""The types of the public names, as a user's type checker sees them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

SCRIPT = """
import numpy as np
from latentmap import AutoEncoder, LatentMap, load_model

model = AutoEncoder(n_components=2, random_state=0).fit(np.zeros((10, 3)))
reveal_type(model)
reveal_type(model.transform(np.zeros((1, 3))))
reveal_type(LatentMap().fit(np.zeros((10, 3))).embedding_)
reveal_type(load_model("model.safetensors").history_)
AutoEncoder(n_component=2)
model.transform()
"""


def test_the_package_is_marked_as_typed():
    assert resources.files("latentmap").joinpath("py.typed").is_file()


@pytest.mark.slow
def test_a_type_checker_knows_the_public_names(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--no-incremental"]
    result = subprocess.run(
        [*command, "--follow-imports=silent", script.name],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.partition(": ")[2] for line in result.stdout.splitlines()]
    types = [line for line in lines if "Revealed type" in line]
    errors = [line for line in lines if line.startswith("error")]
    assert "latentmap.autoencoders.autoencoder.AutoEncoder" in types[0]
    assert "ndarray" in types[1]
    assert "ndarray" in types[2]
    assert "dict[" in types[3].lower()
    assert len(errors) == 2, result.stdout
    assert 'Unexpected keyword argument "n_component"' in errors[0]
    assert 'Missing positional argument "X"' in errors[1]
