"""What all tests share: scikit-learn's checks complete, and the faces where they are at hand."""

import dataclasses
import fcntl
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from latentmap.cli import app

# Without it scikit-learn skips one of its checks; it must be set before SciPy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# Some tests import Keras before latentmap could choose its engine.
os.environ.setdefault("KERAS_BACKEND", "jax")
# Several processes test beside each other: a thread that waits leaves the core to others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Thousands of small networks are compiled, and that is most of the time: XLA shall try less hard.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false",
)

FACES = Path(__file__).parents[1].parent / "shared" / "data" / "faces"


@pytest.fixture(scope="session")
def faces():
    """The folder of 400 faces, ten a person, beside the checkout."""
    if not FACES.is_dir():
        pytest.skip(f"the faces are not at {FACES}")
    return FACES


@pytest.fixture
def set_memory_use(monkeypatch):
    """Replace the bytes that consumers of memory use without a limit, by name."""

    def set_memory_use(**sizes):
        from latentmap.data import memory

        shares = {
            name: dataclasses.replace(getattr(memory.BUDGET, name), usual=size)
            for name, size in sizes.items()
        }
        monkeypatch.setattr(memory, "BUDGET", dataclasses.replace(memory.BUDGET, **shares))

    return set_memory_use


@pytest.fixture(scope="session")
def run():
    """Run a verb in this process; arguments are texts or paths."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(
            app, [str(a) for a in arguments], env={"COLUMNS": "100"}, catch_exceptions=False
        )
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture(scope="session")
def digits_map(tmp_path_factory):
    """The file of a map of all fitted digits, which one process makes for all."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    place = shared / "digits-map.safetensors"
    with (shared / "digits-map.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            from latentmap import LatentMap
            from latentmap.data import load_dataset

            LatentMap(random_state=0).fit(load_dataset("mnist")).save(place)
    return place
