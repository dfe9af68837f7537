"""Batches for the engine: one array, or a tuple of arrays with the same number of rows."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from latentmap.backend.engine import has_accelerator

__all__ = [
    "BatchArrays",
    "first_array",
    "index_arrays",
    "map_arrays",
    "padded_block",
    "send_to_device",
    "to_32_bit",
]

# Rows, or rows and their targets, for a model with several inputs.
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
    """Convert 64-bit numbers to float32. JAX would take 64-bit integers modulo 2³².

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
    """Index an array, or each array of a tuple.

    Examples
    --------
    >>> index_arrays((np.arange(3), np.arange(5)), 2)
    (np.int64(2), np.int64(2))
    """
    return map_arrays(lambda array: array[index], rows)


def first_array(rows: BatchArrays) -> np.ndarray:
    """Return the array, or the first array of a tuple.

    Examples
    --------
    >>> first_array((np.arange(3), np.ones(3))).tolist()
    [0, 1, 2]
    """
    return rows[0] if isinstance(rows, tuple) else rows


def padded(array: np.ndarray, size: int) -> np.ndarray:
    """Append zeros to an array up to a length."""
    missing = size - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])


def padded_block(rows: BatchArrays, size: int) -> BatchArrays:
    """Return rows as 32-bit numbers, padded with zeros to a number of rows.

    Examples
    --------
    >>> padded_block(np.ones(2), 3).tolist()
    [1.0, 1.0, 0.0]
    """
    return map_arrays(lambda a: to_32_bit(padded(a, size)), rows)


def send_to_device(rows: BatchArrays) -> BatchArrays:
    """Start copying rows to the accelerator, and return without waiting."""
    if not has_accelerator():
        return rows
    import jax

    return jax.device_put(rows)
