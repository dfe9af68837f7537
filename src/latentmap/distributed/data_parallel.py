"""Data-parallel training: every worker computes the gradient of its slice of each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentmap.data.caching import copy_to_cache
from latentmap.distributed.sharding import worker_shard
from latentmap.training.targets import RowsWithTargets

if TYPE_CHECKING:
    from latentmap.data import Source


class DataParallel:
    """Strategy that trains one of several workers on its shard of the rows."""

    holds_rows_on_device = False

    def __init__(self, rank: int, n_workers: int) -> None:
        self.rank, self.n_workers = rank, n_workers

    def shard(self, rows: Source, batch_size: int) -> tuple[Source, int]:
        """Return the shard of this worker, copied to its disk if it must be decoded."""
        shard, size = worker_shard(rows, batch_size, self.rank, self.n_workers)
        if rows.block_starts is None:
            return shard, size
        if isinstance(shard, RowsWithTargets):
            return RowsWithTargets(copy_to_cache(shard.rows), shard.targets), size
        return copy_to_cache(shard), size
