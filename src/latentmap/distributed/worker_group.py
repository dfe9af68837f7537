"""Train on a group of workers by Ray Train, which runs in a thread of this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from latentmap.distributed import ray_connection
from latentmap.distributed.checkpoint_storage import open_storage
from latentmap.distributed.serialization import put_object
from latentmap.distributed.worker import TrainingJob, WorkerConfig, run_worker
from latentmap.errors import ClusterError
from latentmap.progress import progress

if TYPE_CHECKING:
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    from latentmap.distributed.workers import Workers

MAX_FAILURES = 3
POLL_SECONDS = 0.5


class WorkerGroup:
    """Workers that execute one training job."""

    def __init__(self, workers: Workers, job: TrainingJob, verbose: bool) -> None:
        self.workers, self.job, self.verbose = workers, job, verbose
        self.name = f"{workers.count} worker" + "s" * (workers.count > 1)

    def run(self, total_steps: int) -> dict[str, np.ndarray]:
        """Train, and return the arrays of `TrainingJob.run` or raise its error."""
        import ray

        with open_storage(self.workers.storage) as storage:
            actor = ray.remote(Coordinator).options(**ray_connection.local_node_options())
            self._coordinator = actor.remote()
            job, seconds = put_object(self.job, "loss"), self.workers.checkpoint_seconds
            config = WorkerConfig(self.workers.settings, self._coordinator, job, seconds)
            self._thread = _TrainerThread(_make_trainer(self.workers.count, config, storage))
            self._thread.start()
            try:
                result = self._wait(total_steps)
            except BaseException:
                with contextlib.suppress(ray.exceptions.RayError):
                    interruption = ClusterError("workers: the training was interrupted")
                    self._coordinator.fail.remote(interruption)
                raise
            with progress(f"stopping {self.name}", 1, self.verbose) as advance:
                self._thread.join()
                advance(1)
        return result

    def _wait(self, total_steps: int) -> dict[str, np.ndarray]:
        import ray

        try:
            self._watch(total_steps)
            status = ray.get(self._coordinator.status.remote())
        except ray.exceptions.RayError as error:
            reason = ray_connection.summarize_error(error)
            raise ClusterError(
                f"workers: the cluster was lost during training ({reason})"
            ) from None
        if status.error is not None:
            raise status.error
        if status.result is None:
            raise ClusterError(f"workers: training failed ({self._thread.failure()})")
        return status.result

    def _watch(self, total_steps: int) -> None:
        """Show the progress of the start and then of the steps until the training ends."""
        updates = self._updates()
        with progress(f"starting {self.name}", 1, self.verbose) as advance:
            for status in updates:
                advance(0, note=_note(status))
                if status.steps:
                    break
            advance(1)
        steps = 0
        with progress(f"fitting on {self.name}", total_steps, self.verbose) as advance:
            for status in updates:
                advance(status.steps - steps, note=_note(status))
                steps = status.steps

    def _updates(self) -> Iterator[TrainingStatus]:
        """Yield the status of the training regularly until it has ended."""
        import ray

        while self._thread.is_alive():
            status = ray.get(self._coordinator.status.remote())
            self.workers.resumed_epochs = list(status.resumed_epochs)
            yield status
            if status.has_ended:
                return
            self._thread.join(POLL_SECONDS)


def _note(status: TrainingStatus) -> str:
    if not status.resumed_epochs:
        return status.note
    return f"{status.note} · new workers resumed in epoch {status.resumed_epochs[-1]}"


class _TrainerThread(threading.Thread):
    """Thread that waits for a run of Ray Train and stores its error."""

    def __init__(self, trainer: DataParallelTrainer) -> None:
        super().__init__(daemon=True)
        self.trainer = trainer
        self.errors: list[BaseException] = []

    def run(self) -> None:
        try:
            self.trainer.fit()
        except (Exception, SystemExit) as error:  # Ray raises SystemExit when it is shut down.
            self.errors = [*getattr(error, "worker_failures", {}).values(), error]

    def failure(self) -> str:
        """Return the last line of the error of a worker, or of Ray Train."""
        return ray_connection.summarize_error([*self.errors, Exception("no result")][0])


def _make_trainer(n_workers: int, config: WorkerConfig, storage: str) -> DataParallelTrainer:
    from ray import train
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    failures = {"max_failures": MAX_FAILURES, "controller_failure_limit": MAX_FAILURES}
    return DataParallelTrainer(
        run_worker,
        train_loop_config={"worker": config},
        scaling_config=train.ScalingConfig(
            num_workers=n_workers, resources_per_worker={"CPU": config.settings.cores}
        ),
        run_config=train.RunConfig(
            name="training",
            storage_path=storage,
            failure_config=train.FailureConfig(**failures),
            checkpoint_config=train.CheckpointConfig(num_to_keep=1),
        ),
    )


@dataclass(frozen=True)
class TrainingStatus:
    """Completed steps, note for the progress bar, epochs of restarts, and error or result."""

    steps: int = 0
    note: str = ""
    resumed_epochs: tuple[int, ...] = ()
    error: Exception | None = None
    result: dict[str, np.ndarray] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the training has ended with a result or an error."""
        return self.error is not None or self.result is not None


class Coordinator:
    """Store of the status of one training, which the driver and the workers share."""

    def __init__(self) -> None:
        self._status = TrainingStatus()

    def status(self) -> TrainingStatus:
        """Return the current status."""
        return self._status

    def report(self, steps: int, note: str = "") -> Exception | None:
        """Record the completed steps and a note, and return the error that ends the training."""
        status = self._status
        self._status = replace(status, steps=steps, note=note or status.note)
        return status.error

    def resume(self, epoch: int) -> None:
        """Record the epoch in which new workers resume the training."""
        epochs = (*self._status.resumed_epochs, epoch)
        self._status = replace(self._status, resumed_epochs=epochs)

    def fail(self, error: Exception) -> None:
        """Record an error that new workers would raise again; only the first error is stored."""
        self._status = replace(self._status, error=self._status.error or error)

    def finish(self, result: dict[str, np.ndarray]) -> None:
        """Store the result of the training."""
        self._status = replace(self._status, result=result)
