"""Who reads which rows.

Rows in memory are dealt step by step: each worker takes its slice of every batch that one process
would take, so that the weights are those of one process. Rows that are read in blocks from a disk
are dealt once: each worker reads a stretch of its own, of as many rows as anyone else's, and
shuffles within it; so each byte is read by one worker (but for the blocks at the borders), and all
take the same number of steps, without a word between them. What is slow to decode, or can only be
decoded from the start of a large group, it copies to a raw file on its disk, and shuffles that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from latentmap.data.batching import Rng, in_order, read_ahead, shuffled
from latentmap.data.sources import Source

__all__ = ["Dealt", "own_rows", "parts_of", "share_of"]

PART_BYTES = 1 << 28
PART_ROWS = 128
PARTS_A_WORKER = 4


def share_of(rows: Source, batch: int, number: int, workers: int) -> tuple[Source, int]:
    """Give one worker's share of the rows, and of each step.

    Parameters
    ----------
    rows : Source
    batch : int
        Rows of a step. Where workers cannot share them evenly, there will be a few more.
    number, workers : int
        Which worker, from 0, of how many.

    Returns
    -------
    Source, int

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.arange(9).reshape(9, 1))
    >>> shares = [share_of(rows, 4, number, 2) for number in range(2)]
    >>> [(own, next(share.batches(4))[:, 0].tolist()) for share, own in shares]
    [(2, [0, 1, 4, 5]), (2, [2, 3, 6, 7])]
    """
    own = own_rows(len(rows), batch, workers)
    if rows.block_starts is None:
        return Dealt(rows, own, number, workers), own
    even = len(rows) // workers
    return rows.subset(np.arange(number * even, (number + 1) * even)), own


def own_rows(n_rows: int, batch: int, workers: int) -> int:
    """Tell how many rows of a step are one worker's.

    Examples
    --------
    >>> own_rows(1000, 64, 3), own_rows(10, 64, 3)
    (22, 3)
    """
    return min(-(-batch // workers), n_rows // workers)


class Dealt(Source):
    """One worker's slice of every batch of rows that lie in memory.

    Parameters
    ----------
    rows : Source
    own : int
        Rows of a step that are this worker's.
    number, workers : int
    """

    def __init__(self, rows: Source, own: int, number: int, workers: int) -> None:
        self.rows, self.own, self.number, self.workers = rows, own, number, workers
        self.row_shape, self.dtype, self.name = rows.row_shape, rows.dtype, rows.name

    def __len__(self) -> int:
        return len(self.rows) // (self.own * self.workers) * self.own

    def take(self, indices: Any) -> Any:
        """Give any of the rows: of all, not of the share."""
        return self.rows.take(indices)

    def batches(self, size: int, *, rng: Rng | None = None) -> Iterator[Any]:
        """Iterate over the slices; the order is drawn for all rows, alike on every worker."""
        slices = self._slices(size, rng)
        return slices if self.rows.in_memory else read_ahead(slices)

    def _slices(self, size: int, rng: Rng | None) -> Iterator[Any]:
        whole = (lambda places: places), len(self.rows), size * self.workers
        for places in in_order(*whole) if rng is None else shuffled(*whole, rng):
            steps = len(places) // (self.own * self.workers)
            dealt = places[: steps * self.own * self.workers].reshape(steps, self.workers, self.own)
            if steps:
                yield self.rows.take(dealt[:, self.number].ravel())


def parts_of(rows: Source, workers: int) -> list[tuple[int, int]]:
    """Cut rows into stretches that workers take one after another, where blocks start if they can.

    Parameters
    ----------
    rows : Source
    workers : int

    Returns
    -------
    list of (int, int)
        First row and the row after the last of each part: together all rows, in order, once.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> parts_of(ArraySource(np.zeros((5000, 2))), 1)
    [(0, 1250), (1250, 2500), (2500, 3750), (3750, 5000)]
    """
    few = min(PARTS_A_WORKER * workers, -(-len(rows) // PART_ROWS))
    count = max(few, -(-rows.nbytes // PART_BYTES))
    cuts = np.linspace(0, len(rows), min(count, len(rows)) + 1).round().astype(int)
    if rows.block_starts is not None and len(rows.block_starts) >= count:
        bounds = np.append(rows.block_starts, len(rows))
        after = np.searchsorted(bounds, cuts).clip(1, len(bounds) - 1)
        before = bounds[after - 1]
        cuts = np.where(cuts - before < bounds[after] - cuts, before, bounds[after])
        cuts[[0, -1]] = 0, len(rows)
        cuts = np.unique(cuts)
    return [(int(first), int(end)) for first, end in itertools.pairwise(cuts)]
