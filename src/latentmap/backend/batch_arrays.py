"""Batches of rows, one array or a tuple of arrays of equal length, and their cache on a device.

If all training rows fit into the memory of an accelerator, they are copied once, in the type in
which they were read. A batch then consists of row numbers, and the compiled loop gathers the rows.
The order of the rows and the trained weights are the same as without the cache. Rows that do not
fit are sent in chunks, each while the previous chunk is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from latentmap.backend.engine import has_accelerator

if TYPE_CHECKING:
    import jax

# A tuple holds rows and their targets, or the inputs of a model with several inputs.
BatchArrays = np.ndarray | tuple[np.ndarray, ...]
Input = TypeVar("Input")
Output = TypeVar("Output")


def map_arrays(
    function: Callable[[Input], Output], rows: Input | tuple[Input, ...]
) -> Output | tuple[Output, ...]:
    """Apply a function to an array, or to each array of a tuple.

    Examples
    --------
    >>> map_arrays(len, (np.zeros(3), np.zeros(3)))
    (3, 3)
    """
    if isinstance(rows, tuple):
        return tuple(function(array) for array in rows)
    return function(rows)


def to_32_bit(rows: np.ndarray) -> np.ndarray:
    """Convert 64-bit numbers to float32, because JAX reduces 64-bit integers modulo 2³².

    Examples
    --------
    >>> to_32_bit(np.array([5_000_000_000])).tolist(), to_32_bit(np.array([7], "uint8")).dtype
    ([5000000000.0], dtype('uint8'))
    """
    if rows.dtype.itemsize < 8:
        return rows
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def index_arrays(rows: BatchArrays, index: int | slice | np.ndarray) -> BatchArrays:
    """Index an array, or each array of a tuple."""
    return map_arrays(lambda array: array[index], rows)


def first_array(rows: BatchArrays) -> np.ndarray:
    """Return the array, or the first array of a tuple."""
    return rows[0] if isinstance(rows, tuple) else rows


def pad_block(rows: BatchArrays, n_rows: int) -> BatchArrays:
    """Return 32-bit rows with zeros appended up to a number of rows.

    Examples
    --------
    >>> pad_block(np.ones(2), 3).tolist()
    [1.0, 1.0, 0.0]
    """

    def pad(array: np.ndarray) -> np.ndarray:
        padding = [(0, n_rows - len(array)), *[(0, 0)] * (array.ndim - 1)]
        return to_32_bit(np.pad(array, padding) if len(array) < n_rows else array)

    return map_arrays(pad, rows)


def send_to_device(rows: BatchArrays) -> BatchArrays:
    """Start copying rows to the accelerator, and do not wait until the copy is complete."""
    if not has_accelerator():
        return rows
    import jax

    return jax.device_put(rows)


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
