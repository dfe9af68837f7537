"""Which rows each worker reads.

Rows in memory are divided batch by batch: each worker takes its slice of every batch that a single
process would take, so the weights are those of a single process. Rows that are read in blocks from
a disk are divided once: each worker reads one contiguous range and shuffles within it. Ranges have
equal length, so all workers take the same number of steps without communicating.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.batching import Rng, read_ahead
from latentmap.data.sources import Source
from latentmap.training.targets import RowNumbers

MAX_PART_BYTES = 1 << 28
MIN_PART_ROWS = 128
PARTS_PER_WORKER = 4


def worker_shard(rows: Source, batch_size: int, worker: int, n_workers: int) -> tuple[Source, int]:
    """Return the rows that one worker reads, and how many of them it takes in each step."""
    size = rows_per_worker(len(rows), batch_size, n_workers)
    if rows.block_starts is None:
        return BatchShard(rows, size, worker, n_workers), size
    length = len(rows) // n_workers
    return rows.subset(np.arange(worker * length, (worker + 1) * length)), size


def rows_per_worker(n_rows: int, batch_size: int, n_workers: int) -> int:
    """Return the number of rows that each worker takes in a step."""
    return min(-(-batch_size // n_workers), n_rows // n_workers)


class BatchShard(Source):
    """The slice of ``step_rows`` rows that one worker takes of every batch of rows in memory."""

    def __init__(self, rows: Source, step_rows: int, worker: int, n_workers: int) -> None:
        self.rows, self.step_rows = rows, step_rows
        self.worker, self.n_workers = worker, n_workers
        self.row_shape, self.dtype, self.name = rows.row_shape, rows.dtype, rows.name

    def __len__(self) -> int:
        return len(self.rows) // (self.step_rows * self.n_workers) * self.step_rows

    def take(self, indices: ArrayLike) -> Any:
        """Return rows by their index among all rows, not by their index in the shard."""
        return self.rows.take(indices)

    def batches(self, size: int, *, rng: Rng | None = None) -> Iterator[Any]:
        """Iterate over the slices; with equal generators the order is the same on every worker."""
        slices = self._slices(size, rng)
        return slices if self.rows.in_memory else read_ahead(slices)

    def _slices(self, size: int, rng: Rng | None) -> Iterator[Any]:
        step_rows = self.step_rows * self.n_workers
        for indices in RowNumbers(self.rows).batches(size * self.n_workers, rng=rng):
            steps = len(indices) // step_rows
            if steps:
                grid = indices[: steps * step_rows].reshape(steps, self.n_workers, self.step_rows)
                yield self.rows.take(grid[:, self.worker].ravel())


def partition(rows: Source, n_workers: int) -> list[tuple[int, int]]:
    """Return the bounds of contiguous parts for inference, at block borders if possible."""
    count = min(PARTS_PER_WORKER * n_workers, -(-len(rows) // MIN_PART_ROWS))
    count = max(count, -(-rows.nbytes // MAX_PART_BYTES))
    cuts = np.linspace(0, len(rows), min(count, len(rows)) + 1).round().astype(int)
    if rows.block_starts is not None and len(rows.block_starts) >= count:
        cuts = _nearest_block_borders(np.append(rows.block_starts, len(rows)), cuts)
    return [(int(first), int(end)) for first, end in itertools.pairwise(cuts)]


def _nearest_block_borders(borders: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Move each cut to the nearest border; keep the outer cuts, and drop duplicates."""
    following = np.searchsorted(borders, cuts).clip(1, len(borders) - 1)
    lower, upper = borders[following - 1], borders[following]
    moved = np.where(cuts - lower < upper - cuts, lower, upper)
    moved[[0, -1]] = cuts[[0, -1]]
    return np.unique(moved)
