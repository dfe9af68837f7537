"""Number of threads of a computation."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext

from threadpoolctl import threadpool_limits

# Threads wait for each other in a loop, which takes longer than a computation of fewer
# multiplications if other processes use the cores.
MIN_MULTIPLICATIONS = 1 << 31


def limit_threads(n_multiplications: int) -> AbstractContextManager:
    """Compute with one thread in the block, unless it has many multiplications.

    Examples
    --------
    >>> import numpy as np
    >>> with limit_threads(100**3):
    ...     singular_values = np.linalg.svd(np.eye(100), compute_uv=False)
    """
    return nullcontext() if n_multiplications >= MIN_MULTIPLICATIONS else threadpool_limits(1)


def _use_one_thread() -> None:
    """Let faiss use one thread in a forked process, where the other threads do not exist."""
    if "faiss" in sys.modules:
        sys.modules["faiss"].omp_set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_use_one_thread)
