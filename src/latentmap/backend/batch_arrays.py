"""Batches of rows: one array, or a tuple of arrays with the same number of rows."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from latentmap.backend.engine import has_accelerator

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
