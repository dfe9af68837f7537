import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import latentmap

PUBLIC_NAMES = [
    "AutoEncoder",
    "Checkpoints",
    "LatentMap",
    "Training",
    "VariationalAutoEncoder",
    "load_model",
]
HEAVY_PACKAGES = [
    "keras",
    "jax",
    "torch",
    "tensorflow",
    "sklearn",
    "scipy",
    "numpy",
    "pandas",
    "matplotlib",
]


def test_public_names_are_exported():
    assert latentmap.__all__ == PUBLIC_NAMES
    assert set(PUBLIC_NAMES) <= set(dir(latentmap))


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_names_have_docstrings(name):
    member = getattr(latentmap, name)
    assert member.__name__ == name
    assert member.__doc__


def test_unknown_name_raises():
    with pytest.raises(AttributeError, match="no attribute 'AutoEncodr'"):
        latentmap.AutoEncodr  # noqa: B018


def test_star_import_gives_the_public_names():
    namespace = {}
    exec("from latentmap import *", namespace)
    assert sorted(set(namespace) - {"__builtins__"}) == PUBLIC_NAMES


def test_import_is_fast_and_loads_no_heavy_package():
    code = (
        "import sys, time; start = time.perf_counter(); import latentmap;"
        "print(time.perf_counter() - start); import latentmap.errors; print(*sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    seconds, modules = result.stdout.splitlines()
    assert float(seconds) < 0.5
    assert not set(HEAVY_PACKAGES) & set(modules.split())


def test_the_python_reference_contains_every_public_name():
    page = (Path(latentmap.__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    entries = {line.split(".")[-1] for line in page.splitlines() if line.startswith("::: ")}
    packages = ("", ".data", ".analysis", ".metrics", ".plots", ".explorer")
    modules = [importlib.import_module(f"latentmap{package}") for package in packages]
    assert entries >= {name for module in modules for name in module.__all__}
