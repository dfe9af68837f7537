"""Data-parallel training: every worker computes the gradient of its slice of each batch.

Rows in memory are divided batch by batch: each worker takes its slice of every batch that a single
process would take, so the weights are those of a single process. Rows that are read in blocks from
a disk are divided once: each worker reads one contiguous range and shuffles within it. Ranges have
equal length, so all workers take the same number of steps without communicating.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.batching import Rng, read_ahead
from latentmap.data.caching import copy_to_cache
from latentmap.data.sources import Source
from latentmap.training.task import RowNumbers, RowsWithTargets


class DataParallel:
    """Strategy that trains one of several workers on its shard of the rows."""

    holds_rows_on_device = False

    def __init__(self, rank: int, n_workers: int) -> None:
        self.rank, self.n_workers = rank, n_workers

    def shard(self, rows: Source, batch_size: int) -> tuple[Source, int]:
        """Return the rows that this worker reads, and how many of them it takes in each step.

        Rows that must be decoded are copied to the disk of the worker.
        """
        size = min(-(-batch_size // self.n_workers), len(rows) // self.n_workers)
        if rows.block_starts is None:
            return BatchShard(rows, size, self.rank, self.n_workers), size
        length = len(rows) // self.n_workers
        shard = rows.subset(np.arange(self.rank * length, (self.rank + 1) * length))
        if isinstance(shard, RowsWithTargets):
            return RowsWithTargets(copy_to_cache(shard.rows), shard.targets), size
        return copy_to_cache(shard), size


class BatchShard(Source):
    """Rows of one worker: a slice of ``step_rows`` rows of every batch of rows in memory."""

    def __init__(self, rows: Source, step_rows: int, worker: int, n_workers: int) -> None:
        self.rows, self.step_rows = rows, step_rows
        self.worker, self.n_workers = worker, n_workers
        self.row_shape, self.dtype, self.name = rows.row_shape, rows.dtype, rows.name

    def __len__(self) -> int:
        return len(self.rows) // (self.step_rows * self.n_workers) * self.step_rows

    def take(self, indices: ArrayLike) -> Any:
        """Return rows by their indices among all rows, not by their indices in the shard."""
        return self.rows.take(indices)

    def batches(self, size: int, *, rng: Rng | None = None) -> Iterator[Any]:
        """Yield the slices; equal random generators give the same order on every worker."""
        slices = self._slices(size, rng)
        return slices if self.rows.in_memory else read_ahead(slices)

    def _slices(self, size: int, rng: Rng | None) -> Iterator[Any]:
        step_rows = self.step_rows * self.n_workers
        for indices in RowNumbers(self.rows).batches(size * self.n_workers, rng=rng):
            steps = len(indices) // step_rows
            if steps:
                grid = indices[: steps * step_rows].reshape(steps, self.n_workers, self.step_rows)
                yield self.rows.take(grid[:, self.worker].ravel())
