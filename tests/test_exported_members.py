import subprocess
import sys

import pytest

import latentmap

PUBLIC = ["AutoEncoder", "LatentMap", "Training", "VariationalAutoEncoder", "load_model"]
HEAVY = ["keras", "jax", "torch", "tensorflow", "sklearn", "scipy", "numpy", "pandas", "matplotlib"]


def test_the_public_names():
    assert latentmap.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(latentmap))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_told(name):
    member = getattr(latentmap, name)
    assert member.__name__ == name
    assert member.__doc__


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'AutoEncodr'"):
        latentmap.AutoEncodr  # noqa: B018


def test_star_gives_the_public_names():
    found = {}
    exec("from latentmap import *", found)
    assert sorted(set(found) - {"__builtins__"}) == PUBLIC


def test_importing_starts_nothing():
    code = (
        "import sys, time; start = time.perf_counter(); import latentmap;"
        "print(time.perf_counter() - start); import latentmap.errors; print(*sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, modules = told.stdout.splitlines()
    assert float(seconds) < 0.5
    assert not set(HEAVY) & set(modules.split())
