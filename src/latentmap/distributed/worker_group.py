"""One training as a run of Ray Train: the workers start, train, and end.

The run is a thread of the driver, because Ray Train returns only when all workers have ended.
Progress and results arrive through the `Coordinator`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from latentmap.distributed import ray_connection
from latentmap.distributed.coordinator import Coordinator, TrainingStatus
from latentmap.distributed.serialization import put_object
from latentmap.distributed.worker import TrainingJob, WorkerConfig, run_worker
from latentmap.errors import ClusterError, SettingError
from latentmap.progress import progress

if TYPE_CHECKING:
    from latentmap.distributed.workers import Workers

MAX_FAILURES = 3
POLL_SECONDS = 0.5


class WorkerGroup:
    """Workers that execute one training job; a context manager.

    The end of the block waits for the workers. An error in the block makes them stop at their next
    report. Both remove the checkpoints.
    """

    def __init__(self, workers: Workers, job: TrainingJob, visible: bool) -> None:
        self.workers, self.job, self.visible = workers, job, visible
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        import ray

        with contextlib.ExitStack() as stack:
            storage = stack.enter_context(_storage(self.workers.storage))
            actor = ray.remote(Coordinator).options(**ray_connection.local_node_options())
            self._coordinator = actor.remote()
            run = _Run(f"training-{uuid.uuid4().hex}", storage)
            trainer = run.trainer(self.workers, self._config())
            stack.callback(run.remove_checkpoints)
            self._thread = threading.Thread(target=self._fit, args=(trainer,), daemon=True)
            self._thread.start()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        import ray

        with self._cleanup, contextlib.suppress(ray.exceptions.RayError):
            if error is not None:
                self._coordinator.fail.remote(ClusterError("workers: the training was interrupted"))
                return
            with progress(f"stopping {self._name}", 1, self.visible) as advance:
                self._thread.join()
                advance(1)

    @property
    def _name(self) -> str:
        return f"{self.workers.count} worker" + "s" * (self.workers.count > 1)

    def result(self, total_steps: int) -> dict[str, np.ndarray]:
        """Wait for the training, and return the arrays of `TrainingJob.run`.

        Raise ClusterError if the workers or the cluster fail, and the error that a worker has
        raised about the rows or the settings.
        """
        import ray

        try:
            self._watch(total_steps)
            status = ray.get(self._coordinator.status.remote())
        except ray.exceptions.RayError as error:
            reason = ray_connection.summarize_error(error)
            raise ClusterError(f"workers: the cluster was lost in training ({reason})") from None
        if status.error is not None:
            raise status.error
        if status.result is None:
            raise self._failure()
        return status.result

    def _watch(self, total_steps: int) -> None:
        """Show progress until the training ends; starting and compiling have a bar of their own."""
        updates = self._updates()
        with progress(f"starting {self._name}", 1, self.visible) as advance:
            for status in updates:
                advance(0, note=_note(status))
                if status.steps:
                    break
            advance(1)
        done = 0
        with progress(f"fitting on {self._name}", total_steps, self.visible) as advance:
            for status in updates:
                advance(status.steps - done, note=_note(status))
                done = status.steps

    def _updates(self) -> Iterator[TrainingStatus]:
        """Yield the status every half second until the training has ended."""
        import ray

        while self._thread.is_alive():
            status = ray.get(self._coordinator.status.remote())
            self.workers.resumed_epochs = list(status.resumed_epochs)
            yield status
            if status.ended:
                return
            self._thread.join(POLL_SECONDS)

    def _config(self) -> WorkerConfig:
        return WorkerConfig(
            self.workers.settings,
            self._coordinator,
            put_object(self.job, "loss"),
            self.workers.checkpoint_seconds,
        )

    def _fit(self, trainer: Any) -> None:
        try:
            trainer.fit()
        except (Exception, SystemExit) as error:  # Ray raises SystemExit when it is shut down
            self._errors.append(error)

    def _failure(self) -> ClusterError:
        """Return an error with the last line of what a worker, or Ray Train, raised."""
        causes = list(self._errors)
        if causes:
            causes = [*getattr(causes[0], "worker_failures", {}).values(), *causes]
        summary = ray_connection.summarize_error(causes[0]) if causes else "no result was returned"
        return ClusterError(f"workers: training failed ({summary})")


def _note(status: TrainingStatus) -> str:
    if not status.resumed_epochs:
        return status.note
    return f"{status.note} · new workers resumed in epoch {status.resumed_epochs[-1]}"


@dataclass(frozen=True)
class _Run:
    """A run of Ray Train, and the folder or URL of its checkpoints."""

    name: str
    storage: str

    def trainer(self, workers: Workers, config: WorkerConfig) -> Any:
        from ray import train
        from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

        failures = {"max_failures": MAX_FAILURES, "controller_failure_limit": MAX_FAILURES}
        return DataParallelTrainer(
            run_worker,
            train_loop_config={"worker": config},
            scaling_config=train.ScalingConfig(
                num_workers=workers.count, resources_per_worker={"CPU": config.settings.cores}
            ),
            run_config=train.RunConfig(
                name=self.name,
                storage_path=self.storage,
                failure_config=train.FailureConfig(**failures),
                checkpoint_config=train.CheckpointConfig(num_to_keep=1),
            ),
        )

    def remove_checkpoints(self) -> None:
        """Remove the checkpoints; errors are ignored."""
        from pyarrow import fs

        with contextlib.suppress(Exception):
            if "://" in self.storage:
                system, path = fs.FileSystem.from_uri(self.storage)
                system.delete_dir(f"{path}/{self.name}")
            else:
                shutil.rmtree(Path(self.storage) / self.name)


def check_storage(storage: str | os.PathLike[str] | None) -> None:
    """Raise SettingError if checkpoints cannot be stored at a folder or URL."""
    from pyarrow import ArrowException, fs

    try:
        if "://" in str(storage):
            fs.FileSystem.from_uri(str(storage))
        elif storage is not None:
            Path(storage).mkdir(parents=True, exist_ok=True)
    except (OSError, ArrowException) as error:
        reason = getattr(error, "strerror", None) or ray_connection.summarize_error(error)
        raise SettingError(
            f"storage: expected a folder or URL for checkpoints, found {str(storage)!r} ({reason})"
        ) from None


@contextlib.contextmanager
def _storage(storage: str | os.PathLike[str] | None) -> Iterator[str]:
    """Yield the folder or URL for checkpoints; a temporary folder is removed afterwards."""
    if storage is None:
        machines = ray_connection.count_machines()
        if machines > 1:
            raise SettingError(
                "storage: expected a folder or URL for checkpoints that all "
                f"{machines} machines of the cluster can read, found none"
            )
        folder = tempfile.mkdtemp(prefix="latentmap-")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    else:
        yield str(storage) if "://" in str(storage) else str(Path(storage).absolute())
