"""Data-parallel training: every worker computes the gradient of its slice of each batch."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.data.caching import copy_to_cache
from latentmap.distributed.sharding import worker_shard
from latentmap.training.targets import Paired

if TYPE_CHECKING:
    from latentmap.data import Source
    from latentmap.progress import Advance
    from latentmap.training.strategy import Arrays

CHECKPOINT_FILE = "checkpoint.safetensors"


class DataParallel:
    """Strategy of the training loop for one of several workers.

    Saving a checkpoint is collective: every worker must call Ray Train at the same step. So worker
    0 derives from its clock after how many chunks the next checkpoint is due, and broadcasts it.

    Parameters
    ----------
    coordinator : ray.actor.ActorHandle
        Handle of a `Coordinator`.
    rank, n_workers : int
        Index of this worker, from 0, and number of workers.
    checkpoint_seconds : float
        Time between two checkpoints.
    """

    def __init__(
        self, coordinator: Any, rank: int, n_workers: int, checkpoint_seconds: float
    ) -> None:
        self.coordinator, self.rank, self.n_workers = coordinator, rank, n_workers
        self.checkpoint_seconds = checkpoint_seconds
        self._interval_start: float | None = None
        self._chunks, self._chunks_until_checkpoint = 0, 1

    def share(self, rows: Source, batch: int) -> tuple[Source, int]:
        """Return the shard of this worker, cached on its disk if it must be decoded."""
        shard, size = worker_shard(rows, batch, self.rank, self.n_workers)
        if rows.block_starts is None:
            return shard, size
        if self.rank == 0:
            self.coordinator.report.remote(None, "reading")
        if isinstance(shard, Paired):
            return Paired(copy_to_cache(shard.rows), shard.beside), size
        return copy_to_cache(shard), size

    @contextlib.contextmanager
    def progress(self, text: str, steps: int, visible: bool) -> Iterator[Advance]:
        """Report the progress of worker 0 to the coordinator, and stop if training must end."""
        import ray

        done, notes, reply = 0, iter(["compiling", "training"]), None

        def advance(steps: int, note: str = "") -> None:
            nonlocal done, reply
            done += steps
            if self.rank:
                return
            error = None if reply is None else ray.get(reply)
            if error is not None:
                raise error
            reply = self.coordinator.report.remote(done, note or next(notes, ""))

        yield advance

    def kept(self) -> Arrays | None:
        """Return the last checkpoint of the previous group of workers, or None."""
        from ray import train

        from latentmap.autoencoders.model_file import read_model

        checkpoint = train.get_checkpoint()
        if checkpoint is None:
            return None
        with checkpoint.as_directory() as folder:
            arrays = read_model(Path(folder) / CHECKPOINT_FILE)[1]
        if self.rank == 0:
            self.coordinator.resume.remote(int(arrays["place"][0]))
        return arrays

    def keep(self, checkpoint: Callable[[], Arrays]) -> None:
        """Save a checkpoint if one is due; the first chunk is not timed, because it compiles."""
        if self._interval_start is None:
            self._interval_start = time.monotonic()
            return
        self._chunks += 1
        if self._chunks < self._chunks_until_checkpoint:
            return
        _save(checkpoint() if self.rank == 0 else None)
        chunk_seconds = (time.monotonic() - self._interval_start) / self._chunks
        self._chunks_until_checkpoint = self.agreed(
            max(1, int(self.checkpoint_seconds / chunk_seconds))
        )
        self._chunks, self._interval_start = 0, time.monotonic()

    def agreed(self, number: int) -> int:
        """Return the number of worker 0 on every worker."""
        from ray.train.collective import broadcast_from_rank_zero

        return broadcast_from_rank_zero(number)


def _save(arrays: Arrays | None) -> None:
    """Pass a checkpoint to Ray Train; only worker 0 has arrays, but all workers must call this."""
    from ray import train

    from latentmap.autoencoders.model_file import write_model

    if arrays is None:
        train.report({})
        return
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / CHECKPOINT_FILE, {}, arrays)
        train.report({}, checkpoint=train.Checkpoint.from_directory(folder))
