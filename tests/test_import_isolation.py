"""Analysis, metrics and plots work with any estimator, so they must not import a network engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys

package = importlib.import_module(sys.argv[1])
names = [m.name for m in pkgutil.walk_packages(getattr(package, "__path__", []), sys.argv[1] + ".")]
for name in [sys.argv[1], *names]:
    importlib.import_module(name)
    engines = {"keras", "jax", "torch", "tensorflow"} & set(sys.modules)
    assert not engines, f"{name} imports {sorted(engines)}"
print(len(names))
"""


@pytest.mark.parametrize(
    ("package", "min_modules"),
    [
        ("latentmap.analysis", 10),
        ("latentmap.metrics", 5),
        ("latentmap.plots", 10),
        ("latentmap.inference", 3),
        ("latentmap.autoencoders", 10),
    ],
)
def test_no_module_imports_an_engine(package, min_modules):
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) >= min_modules
