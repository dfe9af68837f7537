"""Number of threads of a computation."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from importlib import import_module
from typing import Any

from threadpoolctl import ThreadpoolController

# Threads wait for each other in a loop, which takes longer than a computation of fewer
# multiplications if other processes use the cores.
MIN_MULTIPLICATIONS = 1 << 31
MAX_SERIAL_MULTIPLICATIONS = 1 << 13  # BLAS uses one thread for so few multiplications.

_LOCK = threading.Lock()
_active_limits: list[Any] = []  # One entry for each block of `use_one_thread` that is running.


def limit_threads(n_multiplications: int) -> AbstractContextManager[None]:
    """Compute with one thread in the block, unless it has many multiplications.

    Examples
    --------
    >>> import numpy as np
    >>> with limit_threads(100**3):
    ...     singular_values = np.linalg.svd(np.eye(100), compute_uv=False)
    """
    is_limited = MAX_SERIAL_MULTIPLICATIONS < n_multiplications < MIN_MULTIPLICATIONS
    return use_one_thread() if is_limited else nullcontext()


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Let BLAS and OpenMP use one thread in the block.

    The number of threads belongs to the process. Of the Python threads that are in such a block at
    the same time, the first one sets it, and the last one restores it.
    """
    with _LOCK:
        if not _active_limits:
            _active_limits.append(_controller(len(sys.modules)).limit(limits=1))
        else:
            _active_limits.append(_active_limits[0])
    try:
        yield
    finally:
        with _LOCK:
            limit = _active_limits.pop()
            if not _active_limits:
                limit.restore_original_limits()


@contextmanager
def use_one_faiss_thread() -> Iterator[None]:
    """Let faiss use one thread in the block, for calls of the current Python thread.

    This takes less time than `use_one_thread`. Some functions of faiss start all threads even for a
    single row, and wait for each of them.
    """
    faiss: Any = import_module("faiss")
    n_threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(n_threads)


@lru_cache(maxsize=1)
def _controller(n_modules: int) -> ThreadpoolController:
    """Return the controller of the loaded libraries.

    The search for libraries takes milliseconds. It is repeated only after the import of a module,
    which may load a library.
    """
    return ThreadpoolController()


def _use_one_thread_after_fork() -> None:
    """Let faiss use one thread in a forked process, where the other threads do not exist."""
    global _LOCK
    _LOCK = threading.Lock()  # The old lock may be held by a thread that a fork does not copy.
    _active_limits.clear()
    if "faiss" in sys.modules:
        sys.modules["faiss"].omp_set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_use_one_thread_after_fork)
