"""Environment variables and fixtures of all tests."""

import dataclasses
import fcntl
import gc
import importlib.metadata
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from latentmap.cli import app

# Garbage collections take up to a tenth of the time by default, because JAX creates many objects.
GC_THRESHOLDS = (20_000, 20, 20)

# Without this variable scikit-learn skips one of its checks. SciPy reads it when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# Some tests import Keras before latentmap chooses its engine.
os.environ.setdefault("KERAS_BACKEND", "jax")
# Several processes run tests at the same time, so a waiting thread must not occupy a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Compilation takes most of the time, and small networks do not need highly optimised code. Without
# any optimisation, the training steps of MNIST take twice as long.
# All workers and subprocesses share the compilation cache in the user's cache folder.
XLA_FLAGS = [
    "--xla_backend_optimization_level=1",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_parallel_codegen_split_count=1",
]
# Newer versions of JAX end the process if this flag is set.
if tuple(map(int, importlib.metadata.version("jax").split(".")[:2])) < (0, 11):
    XLA_FLAGS.append("--xla_cpu_use_fusion_emitters=false")
os.environ.setdefault("XLA_FLAGS", " ".join(XLA_FLAGS))

# Usual times of the measurements of `slowdown` on two cores of 2024.
LOOP_SECONDS = 0.1
PRODUCT_SECONDS = 0.1
NOBODY = 65534  # The user without rights.
FACES = Path(__file__).parents[1].parent / "shared" / "data" / "faces"


def pytest_collection_finish():
    """Exclude the collected tests and imported modules from later garbage collections."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file together, except the pages of documentation, which share nothing."""
    from xdist.scheduler import LoadScopeScheduling

    class PageScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            is_page = "test_commands_of_a_page" in nodeid
            return nodeid if is_page else super()._split_scope(nodeid)

    return PageScheduling(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def faces():
    """Return the folder of 400 faces, ten of each person, or skip the test if it is missing."""
    if not FACES.is_dir():
        pytest.skip(f"the faces are not at {FACES}")
    return FACES


@pytest.fixture
def set_memory_use(monkeypatch):
    """Replace the bytes that consumers of memory use without a limit, by name."""

    def set_memory_use(**sizes):
        from latentmap.data import memory

        shares = {
            name: dataclasses.replace(getattr(memory.BUDGET, name), default_bytes=size)
            for name, size in sizes.items()
        }
        monkeypatch.setattr(memory, "BUDGET", dataclasses.replace(memory.BUDGET, **shares))

    return set_memory_use


@pytest.fixture(scope="session")
def run():
    """Return a function that runs a command in this process."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(
            app, [str(a) for a in arguments], env={"COLUMNS": "100"}, catch_exceptions=False
        )
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def run_onnx(tmp_path):
    """Return a function that exports a part of a model and runs it in onnxruntime."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

    def run_onnx(model, part, inputs):
        model.export(tmp_path / "model.onnx", part)
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    return run_onnx


@pytest.fixture(scope="session")
def make_once(tmp_path_factory):
    """Return a function that fills a named folder once for all workers, and returns the folder."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    def make_once(name, write_files):
        target = shared / f"once-{name}"
        with (shared / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                unfinished = tmp_path_factory.mktemp("unfinished")
                write_files(unfinished)
                unfinished.rename(target)
        return target

    return make_once


@pytest.fixture(scope="session")
def digits_map(make_once):
    """Return the file of a map of MNIST, which one worker fits for all workers."""

    def fit(folder):
        from latentmap import LatentMap
        from latentmap.data import load_dataset

        LatentMap(random_state=0).fit(load_dataset("mnist")).save(folder / "map.safetensors")

    return make_once("digits-map", fit) / "map.safetensors"


@pytest.fixture
def user_folder():
    """A folder in which a test runs as a user without the rights of root."""
    folder = Path(tempfile.mkdtemp())
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, -1)
        os.setresuid(NOBODY, NOBODY, 0)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o700)
    if is_root:
        os.setresuid(0, 0, 0)
    shutil.rmtree(folder)


@pytest.fixture
def slowdown():
    """Return how many times slower this machine is than the one for which time limits are set.

    The factor is the time of a loop or of matrix products, whichever is slower, divided by its
    usual time, and limited to values from 1 to 6.
    """
    start = time.perf_counter()
    for _ in range(4_000_000):
        pass
    loop = time.perf_counter() - start
    matrix = np.ones((1_000, 1_000), np.float32)
    matrix @ matrix
    start = time.perf_counter()
    for _ in range(10):
        matrix @ matrix
    products = time.perf_counter() - start
    return min(6.0, max(1.0, loop / LOOP_SECONDS, products / PRODUCT_SECONDS))
