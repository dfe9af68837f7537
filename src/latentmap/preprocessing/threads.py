"""Number of threads of a computation."""

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
