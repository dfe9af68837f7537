"""The wheel, installed with its declared dependencies alone and without network."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import latentmap

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
MAX_WHEEL_BYTES = 15e6


def test_a_release_has_one_version_and_date():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, date = re.findall(r"^## \[([\d.]+)\] - ([\d-]{10})$", changelog, re.MULTILINE)[0]
    assert version == latentmap.__version__
    assert f"\nversion: {version}\ndate-released: {date}\n" in citation


def test_all_extras_are_declared():
    engines, data = {"torch", "tensorflow", "cuda"}, {"text", "cells", "excel"}
    assert engines | data | {"ray", "notebook", "onnx", "benchmarks", "dev"} <= EXTRAS.keys()
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    texts += [path.read_text(encoding="utf-8") for path in pages]
    named = set(re.findall(r"latentmap\[(\w+)\]", "\n".join(texts)))
    assert {"onnx", "notebook", "ray"} <= named <= EXTRAS.keys()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel with the build backend that is installed."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, ROOT], check=True)
    return next(folder.glob("*.whl"))


REFUSE_NETWORK = """
import socket

def refuse(*arguments):
    raise OSError("no network")

socket.getaddrinfo = socket.socket.connect = refuse
"""


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Return the Python of an environment with the wheel and its dependencies, without network.

    The files of the dependencies are links to the installed ones.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    site_packages = next(folder.glob("lib/python*/site-packages"))
    for package in load_benchmark().installed_requirements(PROJECT["dependencies"]).values():
        for file in package.files:
            path, target = site_packages / file, Path(file.locate())
            if ".." not in file.parts and target.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(target)
    (site_packages / "sitecustomize.py").write_text(REFUSE_NETWORK)
    python = folder / "bin" / "python"
    options = ["install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *options], check=True)
    return python


def load_benchmark():
    folder = ROOT / "benchmarks"
    spec = importlib.util.spec_from_file_location("dependencies", folder / "dependencies.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


FIT = """
import importlib.util
import sys

import numpy as np
import latentmap
from latentmap import LatentMap, load_model

assert latentmap.__file__.startswith(sys.prefix)
assert importlib.util.find_spec("pandas") is None
rows = np.random.default_rng(0).integers(0, 17, (200, 8, 8))
LatentMap(epochs=1, random_state=0).fit(rows).save("map.safetensors")
model = load_model("map.safetensors")
assert model.transform(rows).shape == (200, 2)
try:
    model.export("map.onnx")
except latentmap.errors.SettingError as error:
    assert str(error) == "onnx is not installed; run pip install latentmap[onnx]"
else:
    raise AssertionError("expected an error without onnx")
"""


def run(*command, folder):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < MAX_WHEEL_BYTES
    assert wheel.name == f"latentmap-{latentmap.__version__}-py3-none-any.whl"


@pytest.mark.slow
def test_the_wheel_needs_only_its_dependencies(python, tmp_path):
    run(python, "-c", FIT, folder=tmp_path)
    command = python.with_name("latentmap")
    assert "LatentMap" in run(command, "info", "map.safetensors", folder=tmp_path)
    assert "mnist" in run(command, "datasets", folder=tmp_path)
    run(command, "datasets", "penguins", "-o", "penguins.csv", folder=tmp_path)
    run(command, "fit", "penguins.csv", "--label", "species", "--epochs", "1", folder=tmp_path)
    run(command, "impute", "penguins.safetensors", "penguins.csv", "-o", "a.csv", folder=tmp_path)
    table = (tmp_path / "a.csv").read_text()
    assert table.startswith('"island","bill_length_mm"')
    assert ",," not in table


SCRIPT = """
import numpy as np
from latentmap import AutoEncoder, LatentMap, load_model
from latentmap.analysis import score_outliers
from latentmap.data import load_dataset

rows = load_dataset("digits")[:]
model = AutoEncoder(n_components=2, random_state=0).fit(rows)
reveal_type(model)
reveal_type(model.transform(rows))
reveal_type(LatentMap().fit(rows).embedding_)
reveal_type(load_model("model.safetensors").history_)
model.export("model.onnx", part="decoder")
AutoEncoder(n_component=2)
model.transform()


def errors(model: AutoEncoder, rows: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> float:
    return float(model.reconstruction_error(rows).mean())
"""


@pytest.mark.slow
def test_a_strict_type_checker_accepts_a_script_of_a_user(python, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental"]
    result = subprocess.run(
        [*command, "--python-executable", python, "script.py"],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")},
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
