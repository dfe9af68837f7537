"""How rows are grouped into batches, apart from where they come from.

A file that is read row group by row group must not be shuffled by picking single rows: every batch
would touch every group. So such sources are shuffled in two steps, random blocks into a buffer,
then random rows out of it, and each block is read once a pass. Arrays in memory get a plain
permutation. These functions know only ``take``, so they serve every source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["Rng", "in_order", "read_ahead", "rebatch", "shuffled", "shuffled_in_blocks"]

Take = Callable[[np.ndarray], np.ndarray]
Rng = np.random.Generator | np.random.RandomState
"""What draws an order: NumPy's generators, new or old."""


def read_ahead(batches: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the same batches, the next one being read while the caller works on the last.

    Examples
    --------
    >>> list(read_ahead(iter([1, 2, 3])))
    [1, 2, 3]
    """
    with ThreadPoolExecutor(1, "reading") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def in_order(take: Take, length: int, size: int) -> Iterator[np.ndarray]:
    """Yield rows 0 to ``length`` in batches of ``size``, the last one perhaps shorter."""
    for start in range(0, length, size):
        yield take(np.arange(start, min(start + size, length)))


def shuffled(take: Take, length: int, size: int, rng: Rng) -> Iterator[np.ndarray]:
    """Yield every row once in a uniformly random order."""
    order = rng.permutation(length)
    for start in range(0, length, size):
        yield take(order[start : start + size])


def shuffled_in_blocks(
    take: Take,
    bounds: np.ndarray,
    size: int,
    rng: Rng,
    blocks_at_once: int,
) -> Iterator[np.ndarray]:
    """Yield every row once, shuffled among ``blocks_at_once`` random blocks at a time.

    Parameters
    ----------
    take : callable
        Gives the rows at an array of indices.
    bounds : ndarray of shape (n_blocks + 1,)
        Where each block starts, and the number of rows at the end.
    size : int
        Rows a batch; the last may be shorter.
    rng : numpy.random.Generator
        Chooses the order of the blocks and of the rows in the buffer.
    blocks_at_once : int
        How many blocks the buffer holds: more shuffle better, and take more memory.

    Yields
    ------
    ndarray of shape (size, ...)

    Examples
    --------
    >>> rows, rng = np.arange(6), np.random.default_rng(0)
    >>> bounds = np.array([0, 2, 4, 6])
    >>> parts = list(shuffled_in_blocks(rows.take, bounds, 4, rng, blocks_at_once=2))
    >>> [len(part) for part in parts], sorted(np.concatenate(parts).tolist())
    ([4, 2], [0, 1, 2, 3, 4, 5])
    """
    return rebatch(_shuffled_pieces(take, bounds, size, rng, blocks_at_once), size)


def _shuffled_pieces(
    take: Take, bounds: np.ndarray, size: int, rng: Rng, blocks_at_once: int
) -> Iterator[np.ndarray]:
    blocks = rng.permutation(len(bounds) - 1)
    for first in range(0, len(blocks), blocks_at_once):
        # Ascending inside the buffer: the disk is read forwards.
        chosen = np.sort(blocks[first : first + blocks_at_once])
        buffer = take(np.concatenate([np.arange(bounds[b], bounds[b + 1]) for b in chosen]))
        order = rng.permutation(len(buffer))
        for start in range(0, len(order), size):
            yield buffer[order[start : start + size]]
        del buffer  # before the next one is read


def rebatch(arrays: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Cut a stream of arrays of any length into batches of exactly ``size`` rows, but for the last.

    Examples
    --------
    >>> [part.tolist() for part in rebatch([np.arange(3), np.arange(3, 5)], 2)]
    [[0, 1], [2, 3], [4]]
    """
    held: list[np.ndarray] = []
    room = size
    for rows in arrays:
        while len(rows) >= room:
            yield _joined([*held, rows[:room]])
            rows, held, room = rows[room:], [], size
        if len(rows):
            held.append(rows)
            room -= len(rows)
    if held:
        yield _joined(held)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
