"""Choice of the engine that runs Keras, the cache of its compiled programs, and their release."""

import gc
import hashlib
import itertools
import json
import os
import platform
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType

from latentmap.backend.postponed_imports import postpone_imports
from latentmap.errors import ForkError
from latentmap.files import user_cache_folder

# Whether this process is the fork of one in which the engine had started.
_STATE = {"is_forked": False}


def choose_engine() -> None:
    """Set the environment variable from which Keras reads its engine when it is imported.

    The variable is not changed if it is set already, or if Keras is imported already.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", _engine_name())


def engine_name() -> str:
    """Return the name of the engine that runs Keras, or will run it: "jax" by default."""
    keras = sys.modules.get("keras")
    return os.environ["KERAS_BACKEND"] if keras is None else keras.backend.backend()


def is_engine_lost() -> bool:
    """Return whether this process is the fork of one in which the engine had started."""
    return _STATE["is_forked"]


def is_engine_running() -> bool:
    """Return whether this process has imported Keras and can use it."""
    return "keras" in sys.modules and not is_engine_lost()


def check_process() -> None:
    """Raise ForkError in a forked process, in which an engine would wait forever for lost threads.

    Examples
    --------
    >>> check_process()
    """
    if _STATE["is_forked"]:
        raise ForkError(
            "latentmap: expected a new process, found the fork of a process that had started "
            f"{engine_name()}, in which {engine_name()} hangs: start processes with "
            "multiprocessing.get_context('spawn')"
        )


@cache
def start_engine() -> ModuleType:
    """Import Keras on its engine, and return the module.

    The engine is JAX, unless the environment variable ``KERAS_BACKEND`` or Keras's settings file
    names another, or Keras has been imported already. Raise ForkError in the fork of a process in
    which the engine had started.

    Examples
    --------
    >>> start_engine().backend.backend() in ("jax", "torch", "tensorflow")
    True
    """
    check_process()
    choose_engine()
    with postpone_imports():
        import keras

    if keras.backend.backend() == "jax":
        _set_compilation_cache()
    return keras


def _record_fork() -> None:
    """Record in a forked process whether an engine had started its threads in the parent."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    uses_other_engine = "keras" in sys.modules and engine_name() != "jax"
    _STATE["is_forked"] = uses_other_engine or bool(getattr(bridge, "_backends", None))


if hasattr(os, "register_at_fork"):  # Windows has no fork.
    os.register_at_fork(after_in_child=_record_fork)


def _engine_name() -> str:
    """Return "torch" or "openvino" if Keras's settings file names it, and "jax" otherwise.

    Keras writes "tensorflow" to the file by default, so this name does not express a choice.
    """
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        engine = json.loads((keras_home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "jax"
    return engine if engine in ("torch", "openvino") else "jax"


def _set_compilation_cache() -> None:
    """Set the folder in which JAX stores compiled programs."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        folder = user_cache_folder() / f"jax-{_processor_name()}"
        jax.config.update("jax_compilation_cache_dir", str(folder))
        # A fit compiles about thirty small programs, so short compilations are stored as well.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _processor_name() -> str:
    """Return a name for the processor type, because a compiled program may not run on another."""
    text = platform.machine() + platform.processor()
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
        text += next(line for line in cpuinfo.splitlines() if line.startswith(("flags", "Feat")))
    except (OSError, StopIteration):
        pass
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def has_accelerator() -> bool:
    """Return whether JAX computes on a device with its own memory, such as an NVIDIA GPU."""
    if start_engine().backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() != "cpu"


def full_float32_precision() -> AbstractContextManager:
    """Compute matrix products of float32 numbers in full precision within the block.

    By default NVIDIA GPUs round the factors to ten bits, which is too few for distances between
    close landmarks. A ``jax_default_matmul_precision`` that the user has set takes precedence.
    """
    import jax

    if jax.config.jax_default_matmul_precision is not None:
        return nullcontext()
    return jax.default_matmul_precision("float32")


def join_processes(coordinator: str, processes: int, number: int) -> None:
    """Join the processes that train one model; call it before any network is built.

    All processes have the same weights, and each supplies its part of every batch. The trained
    weights are those of one process with whole batches.

    Parameters
    ----------
    coordinator : str
        ``"host:port"`` of process 0, the same in all processes.
    processes, number : int
        Number of processes, and index of this one.
    """
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    distribution = start_engine().distribution
    distribution.initialize(coordinator, processes, number)
    distribution.set_distribution(distribution.DataParallel(auto_shard_dataset=False))


# A release takes about as long as the fit of a few rows, because later calls compile again.
FITS_PER_RELEASE = 32

_FIT_NUMBERS = itertools.count(1)


def count_fit() -> None:
    """Count a fit of this process, and release unused programs after every 32 fits.

    Examples
    --------
    >>> count_fit()
    """
    if next(_FIT_NUMBERS) % FITS_PER_RELEASE == 0:
        release_programs()


def release_programs() -> None:
    """Free the compiled programs of deleted models, and clear JAX's caches in memory.

    Models refer to themselves, so that only a garbage collection frees a model and its compiled
    programs, and JAX stores the traces of programs until its caches are cleared. Many fits in one
    process would therefore need more and more memory. Every layer must define
    ``compute_output_shape``: for other layers, Keras determines the shape of the output by a JAX
    trace, which stays in caches that cannot be cleared.

    Programs that are still used are loaded again from JAX's cache on the disk.
    """
    gc.collect()
    if start_engine().backend.backend() == "jax":
        import jax

        jax.clear_caches()
