"""Choice of the engine that runs Keras, and the cache of its compiled programs."""

import hashlib
import json
import os
import platform
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType

from latentmap.files import user_cache_folder


def start_engine() -> ModuleType:
    """Import Keras on its engine, and return the module.

    The engine is JAX, unless the environment variable ``KERAS_BACKEND`` or Keras's settings file
    names another, or Keras has been imported already.

    Examples
    --------
    >>> start_engine().backend.backend() in ("jax", "torch", "tensorflow")
    True
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", _chosen_engine())
    import keras

    if keras.backend.backend() == "jax":
        _keep_compiled_programs()
    return keras


def _chosen_engine() -> str:
    """Return the engine of Keras's settings file; Keras itself writes "tensorflow" to it."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        engine = json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "jax"
    return engine if engine in ("torch", "openvino") else "jax"


def _keep_compiled_programs() -> None:
    """Set the folder in which JAX stores compiled programs for later processes."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        place = user_cache_folder() / f"jax-{_processor()}"
        jax.config.update("jax_compilation_cache_dir", str(place))
        # Short compilations count, because a fit has some thirty of them.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _processor() -> str:
    """Return a name of the processor type: compiled programs do not run on all types."""
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
    """Compute float32 products in full precision; NVIDIA GPUs round the factors to ten bits.

    Distances between close landmarks need the full precision. A user's own setting of
    ``jax_default_matmul_precision`` is kept.
    """
    import jax

    if jax.config.jax_default_matmul_precision is not None:
        return nullcontext()
    return jax.default_matmul_precision("float32")


def join_processes(coordinator: str, processes: int, number: int) -> None:
    """Join the processes that train one model, before any network is built.

    All processes have the same weights, and each supplies its part of every batch. The result is
    that of one process on the whole batch.

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
