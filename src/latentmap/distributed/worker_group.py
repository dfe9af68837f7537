"""Workers as one run of Ray Train: hired, given jobs, watched, and let go.

The run is a thread of the driver's, for Ray Train does not return before all workers do. What they
say comes by the desk.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentmap.distributed import ray_connection
from latentmap.distributed.coordinator import Desk, News
from latentmap.distributed.serialization import ship
from latentmap.distributed.worker import work
from latentmap.errors import ClusterError, LatentmapError, SettingError
from latentmap.progress import Advance, progress

__all__ = ["Group", "check_storage"]

TRIES = 3
"""So often is a group of workers replaced, and so often another one started that does not start."""
GLANCE = 0.5
"""Seconds between two looks at the desk."""


class Group:
    """So many workers, who start at once and wait for jobs.

    Parameters
    ----------
    workers : Workers

    Raises
    ------
    SettingError
        If checkpoints need a place that all machines see, and none is named.
    """

    def __init__(self, workers: Any) -> None:
        import ray

        self.workers = workers
        self.failed: list[BaseException] = []
        with contextlib.ExitStack() as leaving:
            storage = leaving.enter_context(_storage(workers.storage))
            desk = ray.remote(Desk).options(**ray_connection.nearby())
            self.desk = desk.remote(workers.count)
            order = {"desk": self.desk, **workers.order, "seconds": workers.seconds}
            trainer, run = _trainer(workers, order, storage)
            leaving.callback(_remove, storage, run)
            self.at_work = threading.Thread(target=_fit, args=(trainer, self.failed), daemon=True)
            self.at_work.start()
            self.leaving = leaving.pop_all()

    @property
    def name(self) -> str:
        """What it is called on a bar."""
        return f"{self.workers.count} worker" + "s" * (self.workers.count > 1)

    @property
    def alive(self) -> bool:
        """Whether it can do a job."""
        return self.at_work.is_alive()

    def gather(self, advance: Advance) -> None:
        """Wait until all workers are there, and note it on a bar.

        Raises
        ------
        ClusterError
            If they cannot be had.
        """
        with _cluster_lost_while("starting"):
            for news in self._news():
                if news.ready:
                    return
                advance(0, note=f"starting {self.name}")
        raise self._failure()

    def outcome_of(self, job: Any, shown: int | None = None) -> Any:
        """Have a job done, and show how far it is of so many steps; give its outcome.

        Raises
        ------
        SettingError
            If it holds something that cannot be sent.
        ClusterError
            If the workers, or the cluster, did not survive it.
        LatentmapError
            What a worker found wrong with the rows or the settings.
        """
        import ray

        with _cluster_lost_while("training"):
            ray.get(self.desk.post.remote([ship(job, "loss")]))
            self._watch(shown)
            outcome, reason = ray.get([self.desk.delivered.remote(), self.desk.reason.remote()])
        if isinstance(reason, LatentmapError):
            raise reason
        if outcome is None:
            raise self._failure()
        return outcome

    def let_go(self, visible: bool) -> None:
        """Have the workers end, and remove their checkpoints."""
        import ray

        bar = progress(f"letting {self.name} go", 1, visible)
        with self.leaving, contextlib.suppress(ray.exceptions.RayError), bar as advance:
            ray.get(self.desk.close.remote())
            self.at_work.join()
            advance(1)

    def give_up(self) -> None:
        """Have the workers end as soon as they hear of it, and remove their checkpoints."""
        with self.leaving:
            self.desk.give_up.remote(ClusterError("workers: the training was interrupted"))

    def _watch(self, shown: int | None) -> None:
        """Show how far the workers are for as long as they work; their start takes no share."""
        news, visible = self._news(), shown is not None
        first = next(news, None)
        text = "compiling on" if first is not None and first.ready else "starting"
        with progress(f"{text} {self.name}", 1, visible) as advance:
            for now in news:
                advance(0, note=_note(now))
                if now.done:
                    break
            advance(1)
        done = 0
        with progress(f"fitting on {self.name}", shown or 1, visible) as advance:
            for now in news:
                advance(now.done - done, note=_note(now))
                done = now.done

    def _news(self) -> Iterator[News]:
        """Give the news again and again until the job is done, or the workers are gone."""
        import ray

        while self.at_work.is_alive():
            told = ray.get(self.desk.told.remote())
            self.workers.replaced = told.replaced
            yield told
            if told.over:
                return
            self.at_work.join(GLANCE)

    def _failure(self) -> ClusterError:
        """Give the last line of what workers said."""
        failed = self.failed
        errors = [*getattr(failed[0], "worker_failures", {}).values(), *failed] if failed else []
        why = ray_connection.reason_of(errors[0]) if errors else "no worker delivered a model"
        return ClusterError(f"workers: training failed ({why})")


@contextlib.contextmanager
def _cluster_lost_while(doing: str) -> Iterator[None]:
    """Say in one sentence that the cluster is there no more."""
    import ray

    try:
        yield
    except ray.exceptions.RayError as error:
        about = ray_connection.reason_of(error)
        raise ClusterError(f"workers: the cluster was lost while {doing} ({about})") from None


def _note(news: News) -> str:
    if not news.replaced:
        return news.note
    return f"{news.note} · new workers went on in epoch {news.replaced[-1]}"


def check_storage(wanted: Any) -> None:
    """Refuse what is no place for checkpoints, before anything starts.

    Raises
    ------
    SettingError
        If it is no folder, or a URL of a kind that nobody knows.
    """
    from pyarrow import ArrowException, fs

    try:
        if "://" in str(wanted):
            fs.FileSystem.from_uri(str(wanted))
        elif wanted is not None:
            Path(wanted).mkdir(parents=True, exist_ok=True)
    except (OSError, ArrowException) as error:
        about = getattr(error, "strerror", None) or ray_connection.reason_of(error)
        raise SettingError(
            f"storage: expected a folder or URL for checkpoints, found {str(wanted)!r} ({about})"
        ) from None


@contextlib.contextmanager
def _storage(wanted: Any) -> Iterator[str]:
    """Give a place for checkpoints that is gone afterwards."""
    if wanted is None:
        if ray_connection.machines() > 1:
            raise SettingError(
                "storage: expected a folder or URL for checkpoints that all "
                f"{ray_connection.machines()} machines of the cluster see, found none"
            )
        folder = tempfile.mkdtemp(prefix="latentmap-")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    yield str(wanted) if "://" in str(wanted) else str(Path(wanted).absolute())


def _trainer(workers: Any, order: dict[str, Any], storage: str) -> tuple[Any, str]:
    from ray import train
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    run = f"training-{uuid.uuid4().hex}"
    trainer = DataParallelTrainer(
        work,
        train_loop_config=order,
        scaling_config=train.ScalingConfig(
            num_workers=workers.count, resources_per_worker={"CPU": workers.cores}
        ),
        run_config=train.RunConfig(
            name=run,
            storage_path=storage,
            failure_config=train.FailureConfig(max_failures=TRIES, controller_failure_limit=TRIES),
            checkpoint_config=train.CheckpointConfig(num_to_keep=1),
        ),
    )
    return trainer, run


def _fit(trainer: Any, failed: list[BaseException]) -> None:
    try:
        trainer.fit()
    except (Exception, SystemExit) as error:  # whatever it is, the driver tells it
        failed.append(error)  # Ray raises SystemExit in whoever waits where it is shut down


def _remove(storage: str, run: str) -> None:
    """Remove a run's checkpoints; what cannot be removed is left."""
    from pyarrow import fs

    with contextlib.suppress(Exception):
        if "://" in storage:
            system, path = fs.FileSystem.from_uri(storage)
            system.delete_dir(f"{path}/{run}")
        else:
            shutil.rmtree(Path(storage) / run)
