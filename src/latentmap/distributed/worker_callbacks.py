"""Callbacks of the training loop in a worker: progress reports and shared checkpoints."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.training.callbacks import Callback, progress_note

if TYPE_CHECKING:
    from latentmap.training.run import Arrays, TrainingRun

CHECKPOINT_FILE = "checkpoint.safetensors"


class ReportProgress(Callback):
    """Reports the steps of worker 0 to the coordinator, and raises the error that it returns."""

    def __init__(self, coordinator: Any) -> None:
        self.coordinator = coordinator
        self._steps, self._reply = 0, None

    def on_train_begin(self, run: TrainingRun) -> None:
        """Report the steps that were completed before the checkpoint."""
        self._report((run.epoch - 1) * run.steps_per_epoch, "compiling")

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """Report the steps of a chunk."""
        self._report(n_steps, "training" if not run.history["epoch"][1:] else "")

    def on_evaluation(self, run: TrainingRun) -> None:
        """Report the losses."""
        self._report(0, progress_note(run))

    def _report(self, n_steps: int, note: str) -> None:
        import ray

        self._steps += n_steps
        error = None if self._reply is None else ray.get(self._reply)
        if error is not None:
            raise error
        self._reply = self.coordinator.report.remote(self._steps, note)


class SharedCheckpoint(Callback):
    """Resumes from the checkpoint of an earlier group of workers, and saves checkpoints.

    Every worker must save at the same step. Therefore, worker 0 measures the time of a chunk and
    broadcasts the number of chunks until the next checkpoint.
    """

    def __init__(self, coordinator: Any, rank: int, seconds: float) -> None:
        self.coordinator, self.rank, self.seconds = coordinator, rank, seconds
        self._interval_start: float | None = None
        self._chunks, self._chunks_until_save = 0, 1

    def on_train_begin(self, run: TrainingRun) -> None:
        """Restore the run from the last checkpoint, if there is one."""
        if (arrays := _load()) is not None:
            run.restore(arrays)
            if self.rank == 0:
                self.coordinator.resume.remote(run.epoch)

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """Save a checkpoint if it is due; the time of the first chunk includes compilation."""
        if self._interval_start is None:
            self._interval_start = time.monotonic()
            return
        self._chunks += 1
        if self._chunks < self._chunks_until_save:
            return
        from ray.train.collective import broadcast_from_rank_zero

        _save(run.to_arrays() if self.rank == 0 else None)
        chunk_seconds = (time.monotonic() - self._interval_start) / self._chunks
        chunks = max(1, int(self.seconds / chunk_seconds))
        self._chunks_until_save = broadcast_from_rank_zero(chunks)
        self._chunks, self._interval_start = 0, time.monotonic()


def _load() -> Arrays | None:
    """Return the arrays of Ray Train's last checkpoint, or None."""
    from ray import train

    from latentmap.model_file import read_model

    checkpoint = train.get_checkpoint()
    if checkpoint is None:
        return None
    with checkpoint.as_directory() as folder:
        return read_model(Path(folder) / CHECKPOINT_FILE)[1]


def _save(arrays: Arrays | None) -> None:
    """Pass a checkpoint to Ray Train; all workers must call this, but only worker 0 has arrays."""
    from ray import train

    from latentmap.model_file import write_model

    if arrays is None:
        train.report({})
        return
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / CHECKPOINT_FILE, {}, arrays)
        train.report({}, checkpoint=train.Checkpoint.from_directory(folder))
