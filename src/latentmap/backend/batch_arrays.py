"""Rows on their way to the engine: one array, or a tuple of arrays that are cut alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from latentmap.backend.engine import accelerator

__all__ = ["Rows", "at", "block_of", "each", "first", "narrow", "sent"]

Rows = np.ndarray | tuple[np.ndarray, ...]
"""Rows, or rows with something beside each: what a model of several inputs takes."""
Made = TypeVar("Made")


def each(make: Callable[[Any], Made], rows: Any) -> Made | tuple[Made, ...]:
    """Do something with rows, or with each array of a tuple of them.

    Examples
    --------
    >>> each(len, (np.zeros(3), np.zeros(3)))
    (3, 3)
    """
    return tuple(make(array) for array in rows) if isinstance(rows, tuple) else make(rows)


def narrow(rows: np.ndarray) -> np.ndarray:
    """Make float32 of 64-bit numbers, which JAX would otherwise cut: integers modulo 2³².

    Examples
    --------
    >>> narrow(np.array([5_000_000_000])).tolist(), narrow(np.array([7], "uint8")).dtype
    ([5000000000.0], dtype('uint8'))
    """
    if rows.dtype.itemsize < 8:
        return rows
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def at(rows: Any, index: Any) -> Any:
    """Pick from rows, or from each array of a tuple of them.

    Examples
    --------
    >>> at((np.arange(3), np.arange(5)), 2)
    (np.int64(2), np.int64(2))
    """
    return each(lambda array: array[index], rows)


def first(rows: Rows) -> np.ndarray:
    """Give rows without what stands beside them.

    Examples
    --------
    >>> first((np.arange(3), np.ones(3))).tolist()
    [0, 1, 2]
    """
    return rows[0] if isinstance(rows, tuple) else rows


def filled(array: np.ndarray, size: int) -> np.ndarray:
    """Add zeros to an array up to its length ``size``."""
    missing = size - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])


def block_of(rows: Rows, size: int) -> Rows:
    """Make a block of rows: narrow, and filled up with zeros to its size.

    Examples
    --------
    >>> block_of(np.ones(2), 3).tolist()
    [1.0, 1.0, 0.0]
    """
    return each(lambda a: narrow(filled(a, size)), rows)


def sent(rows: Any) -> Any:
    """Send rows to an accelerator without waiting until they have arrived."""
    if not accelerator():
        return rows
    import jax

    return jax.device_put(rows)
