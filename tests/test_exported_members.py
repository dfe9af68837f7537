import subprocess
import sys

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
