"""Which engine runs Keras, and where its compiled programs are kept.

The engine is JAX, unless the user chose another.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from latentmap.files import user_cache_folder

__all__ = ["accelerator", "full_precision", "join", "start"]


def start() -> Any:
    """Import Keras on its engine, once, and return the module.

    JAX is the engine unless the environment variable ``KERAS_BACKEND`` or Keras's own settings file
    names another, or Keras is running already.

    Returns
    -------
    module
        ``keras``.

    Examples
    --------
    >>> start().backend.backend() in ("jax", "torch", "tensorflow")
    True
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", _chosen_engine())
    import keras

    if keras.backend.backend() == "jax":
        _keep_compiled_programs()
    return keras


def _chosen_engine() -> str:
    """Read the engine from Keras's settings; "tensorflow" there is what Keras writes by itself."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        engine = json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "jax"
    return engine if engine in ("torch", "openvino") else "jax"


def _keep_compiled_programs() -> None:
    """Let JAX find, in later runs, what it compiled in earlier ones."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        place = user_cache_folder() / f"jax-{_processor()}"
        jax.config.update("jax_compilation_cache_dir", str(place))
        # All of them: a fit needs some thirty small ones, of a few hundredths of a second each.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _processor() -> str:
    """Name this kind of processor: a program compiled for one may not run on another."""
    about = platform.machine() + platform.processor()
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
        about += next(line for line in cpuinfo.splitlines() if line.startswith(("flags", "Feat")))
    except (OSError, StopIteration):
        pass
    return hashlib.sha256(about.encode()).hexdigest()[:12]


def accelerator() -> bool:
    """Tell whether JAX computes on a device with a memory of its own, such as an NVIDIA GPU."""
    if start().backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() != "cpu"


def full_precision() -> AbstractContextManager:
    """Keep float32 products whole: an NVIDIA GPU otherwise rounds their factors to ten bits.

    Distances to landmarks that lie close together would not survive that. Whoever has set JAX's
    own ``jax_default_matmul_precision`` gets what was asked for.
    """
    import jax

    if jax.config.jax_default_matmul_precision is not None:
        return nullcontext()
    return jax.default_matmul_precision("float32")


def join(coordinator: str, processes: int, number: int) -> None:
    """Make this process one of several that train one model, before any network is built.

    Weights are then the same everywhere, and each process gives its part of every batch; what is
    computed is what one process would compute for the whole batch.

    Parameters
    ----------
    coordinator : str
        ``"host:port"`` of process 0, the same for all.
    processes, number : int
        How many there are, and which this is.
    """
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    distribution = start().distribution
    distribution.initialize(coordinator, processes, number)
    distribution.set_distribution(distribution.DataParallel(auto_shard_dataset=False))
