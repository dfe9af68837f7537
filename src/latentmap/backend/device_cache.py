"""Cache of the training rows on an accelerator.

If all rows fit into the memory of the accelerator, they are copied once, in the type in which they
were read. A batch then consists of row numbers, and the compiled loop gathers the rows. The order
of the rows and the trained weights are the same as without the cache. Rows that do not fit are sent
in chunks, each while the previous chunk is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from latentmap.backend.batch_arrays import BatchArrays, map_arrays, to_32_bit
from latentmap.backend.engine import has_accelerator

if TYPE_CHECKING:
    import jax

# The rest of the free memory is for weights, gradients and hidden units.
MAX_MEMORY_SHARE = 0.5
# Rows are copied in chunks, because rows on a disk may not fit into memory.
CHUNK_BYTES = 1 << 26


def free_bytes() -> int:
    """Return the free memory of the accelerator in bytes, or 0 if it is unknown."""
    if not has_accelerator():
        return 0
    import jax

    statistics = jax.local_devices()[0].memory_stats() or {}
    return max(0, statistics.get("bytes_limit", 0) - statistics.get("bytes_in_use", 0))


def cache_on_device(
    take: Callable[[np.ndarray], BatchArrays], count: int
) -> jax.Array | tuple | None:
    """Copy rows to the accelerator if they fit into half of its free memory.

    Parameters
    ----------
    take : callable
        Function from an array of row numbers to their rows: an array or a tuple of arrays.
    count : int
        Number of rows.

    Returns
    -------
    array of shape (count, ...), or a tuple of them, or None
        Rows on the accelerator, with 64-bit numbers as float32; None if the rows do not fit.
    """
    n_free_bytes = free_bytes()
    if not n_free_bytes:
        return None
    row_bytes = _count_bytes(map_arrays(to_32_bit, take(np.arange(1))))
    if row_bytes * count > MAX_MEMORY_SHARE * n_free_bytes or count >= 2**31:
        return None
    return _copy_to_device(take, count, max(1, CHUNK_BYTES // row_bytes))


def _count_bytes(rows: BatchArrays) -> int:
    sizes = map_arrays(lambda a: int(a.nbytes), rows)
    return sum(sizes) if isinstance(sizes, tuple) else sizes


def _copy_to_device(
    take: Callable[[np.ndarray], BatchArrays], count: int, size: int
) -> jax.Array | tuple:
    """Copy rows to arrays on the device, ``size`` rows at a time."""
    import jax
    import jax.numpy as jnp

    def write(rows: jax.Array | tuple, chunk: BatchArrays, start: int) -> jax.Array | tuple:
        return jax.tree.map(
            lambda r, p: jax.lax.dynamic_update_slice_in_dim(r, p, start, 0), rows, chunk
        )

    compiled_write = jax.jit(write, donate_argnums=0)
    rows: jax.Array | tuple | None = None
    for start in range(0, count, size):
        chunk = map_arrays(to_32_bit, take(np.arange(start, min(start + size, count))))
        if rows is None:
            rows = map_arrays(lambda a: jnp.zeros((count, *a.shape[1:]), a.dtype), chunk)
        rows = compiled_write(rows, chunk, start)
    return rows
