"""Rows held on the accelerator while a network is trained on them.

Where all rows fit there, they go there once, as they were read (a byte stays a byte), and a batch
is the numbers of its rows: a few kilobytes in place of megabytes, gathered inside the compiled
loop. The order is the same, and so are the weights. Rows that do not fit are sent chunk by chunk,
the next one while one computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.backend.batch_arrays import Rows, each, narrow
from latentmap.backend.engine import accelerator

__all__ = ["free_bytes", "hold"]

SHARE = 0.5
"""Of the memory that is free: the rest is for weights, their gradients and hidden numbers."""
PIECE_BYTES = 1 << 26
"""Rows are sent in pieces, so that rows on a disk are never in memory all at once."""


def free_bytes() -> int:
    """Tell how much of the accelerator's memory is free.

    Returns
    -------
    int
        0 where there is no accelerator, or where it does not tell.
    """
    if not accelerator():
        return 0
    import jax

    told = jax.local_devices()[0].memory_stats() or {}
    return max(0, told.get("bytes_limit", 0) - told.get("bytes_in_use", 0))


def hold(take: Callable[[np.ndarray], Rows], count: int) -> Any:
    """Put rows on the accelerator if they fit into half of its free memory.

    Parameters
    ----------
    take : callable
        Gives the rows at an array of numbers, or a tuple of arrays: a source's ``take``.
    count : int
        How many rows there are.

    Returns
    -------
    array of shape (count, ...), or a tuple of them, or None
        On the device, in the rows' own dtype (64 bits become float32); None where they stay.

    Examples
    --------
    >>> hold(np.zeros((3, 2)).take, 3) is None or accelerator()
    True
    """
    free = free_bytes()
    if not free:
        return None
    row_bytes = _size(each(narrow, take(np.arange(1))))
    if row_bytes * count > SHARE * free or count >= 2**31:
        return None
    return _put(take, count, max(1, PIECE_BYTES // row_bytes))


def _size(rows: Any) -> int:
    sizes = each(lambda a: int(a.nbytes), rows)
    return sum(sizes) if isinstance(sizes, tuple) else sizes


def _put(take: Callable[[np.ndarray], Rows], count: int, size: int) -> Any:
    """Fill arrays on the device piece by piece, in place."""
    import jax
    import jax.numpy as jnp

    def fill(held: Any, piece: Any, start: Any) -> Any:
        return jax.tree.map(
            lambda h, p: jax.lax.dynamic_update_slice_in_dim(h, p, start, 0), held, piece
        )

    filled = jax.jit(fill, donate_argnums=0)
    held: Any = None
    for start in range(0, count, size):
        piece = each(narrow, take(np.arange(start, min(start + size, count))))
        if held is None:
            held = each(lambda a: jnp.zeros((count, *a.shape[1:]), a.dtype), piece)
        held = filled(held, piece, start)
    return held
