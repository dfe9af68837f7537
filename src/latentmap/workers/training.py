"""Training handed over to workers: the driver's side, in the place of the loop in one process.

The driver has checked, scaled and counted the rows and built the networks. Workers get the parts to
build them again and a handle on the rows; the driver waits, shows how far they are, and fills its
own networks with the weights that they found.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from latentmap.data.sources import Source
from latentmap.errors import ClusterError, LatentmapError, SettingError
from latentmap.fitting.checkpoints import empty_history
from latentmap.progress import progress
from latentmap.workers import cluster
from latentmap.workers.desk import Desk
from latentmap.workers.member import Job, work
from latentmap.workers.shipping import ship

__all__ = ["check_storage", "train_on"]

TRIES = 3
"""So often is a group of workers replaced."""
GLANCE = 0.5
"""Seconds between two looks at the desk."""


def train_on(workers: Any) -> Callable[..., dict[str, list[float]]]:
    """Give what trains, called as `train` is, on a crew of workers."""

    def train(
        objective: Any,
        rows: Source,
        held_out: Any,
        epochs: int,
        settings: Any,
        seed: int,
        visible: bool = False,
    ) -> dict[str, list[float]]:
        _check(workers, objective, rows)
        job = Job(objective.remade, rows, held_out, epochs, settings, seed)
        steps = len(rows) // max(1, settings.rows_a_step(len(rows))) * epochs
        with _storage(workers.storage) as storage:
            arrays = _hired(workers, job, storage, steps if visible else None)
        return _taken_over(objective, arrays)

    return train


def _check(workers: Any, objective: Any, rows: Source) -> None:
    if isinstance(objective.remade.parts.network, tuple):
        raise SettingError(
            "network: expected a network of latentmap's own with workers, which build it anew, "
            "found a pair of your models"
        )
    if workers.count > len(rows):
        raise SettingError(
            f"workers: expected at most {len(rows)}, the number of rows, found {workers.count}"
        )


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
        about = getattr(error, "strerror", None) or cluster.reason_of(error)
        raise SettingError(
            f"storage: expected a folder or URL for checkpoints, found {str(wanted)!r} ({about})"
        ) from None


@contextlib.contextmanager
def _storage(wanted: Any) -> Iterator[str]:
    """Give a place for checkpoints that is gone afterwards."""
    if wanted is None:
        if cluster.machines() > 1:
            raise SettingError(
                "storage: expected a folder or URL for checkpoints that all "
                f"{cluster.machines()} machines of the cluster see, found none"
            )
        folder = tempfile.mkdtemp(prefix="latentmap-")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    yield str(wanted) if "://" in str(wanted) else str(Path(wanted).absolute())


def _hired(workers: Any, job: Job, storage: str, shown: int | None) -> dict[str, Any]:
    """Have a job done, and show how far it is of so many steps; give its outcome."""
    import ray

    desk = ray.remote(Desk).options(**cluster.nearby()).remote()
    order = {
        "job": ship(job, "loss"),
        "desk": desk,
        **workers.order,
        "seconds": workers.seconds,
    }
    trainer, run = _trainer(workers, order, storage)
    failed: list[BaseException] = []
    at_work = threading.Thread(target=_fit, args=(trainer, failed), daemon=True)
    at_work.start()
    try:
        _watch(workers, desk, at_work, shown)
        outcome, reason = ray.get([desk.delivered.remote(), desk.reason.remote()])
    except ray.exceptions.RayError as error:
        about = cluster.reason_of(error)
        raise ClusterError(f"workers: the cluster was lost while training ({about})") from None
    except BaseException:
        desk.give_up.remote(ClusterError("workers: the training was interrupted"))
        raise
    finally:
        _remove(storage, run)
    if isinstance(reason, LatentmapError):
        raise reason
    if failed or outcome is None:
        raise ClusterError(f"workers: training failed ({_why(failed)})")
    return outcome


def _watch(workers: Any, desk: Any, at_work: threading.Thread, shown: int | None) -> None:
    """Show how far the workers are for as long as they are at work; their start takes no share."""
    crew = f"{workers.count} worker" + "s" * (workers.count > 1)
    told, visible = _news(workers, desk, at_work), shown is not None
    with progress(f"starting {crew}", 1, visible) as advance:
        for now, note in told:
            advance(0, note=note)
            if now:
                break
    done = 0
    with progress(f"fitting on {crew}", shown or 1, visible) as advance:
        for now, note in told:
            advance(now - done, note=note)
            done = now


def _news(workers: Any, desk: Any, at_work: threading.Thread) -> Iterator[tuple[int, str]]:
    """Give the steps done and a note, again and again until the work is done."""
    import ray

    while at_work.is_alive():
        at_work.join(GLANCE)
        done, note, workers.replaced = ray.get(desk.told.remote())
        yield done, _with_replaced(note, workers.replaced)


def _with_replaced(note: str, epochs: list[int]) -> str:
    return f"{note} · new workers went on in epoch {epochs[-1]}" if epochs else note


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
            failure_config=train.FailureConfig(max_failures=TRIES),
            checkpoint_config=train.CheckpointConfig(num_to_keep=1),
        ),
    )
    return trainer, run


def _fit(trainer: Any, failed: list[BaseException]) -> None:
    try:
        trainer.fit()
    except (Exception, SystemExit) as error:  # whatever it is, the driver tells it
        failed.append(error)  # Ray raises SystemExit in whoever waits where it is shut down


def _why(failed: list[BaseException]) -> str:
    """Give the last line of what workers said."""
    errors = [*getattr(failed[0], "worker_failures", {}).values(), *failed] if failed else []
    return cluster.reason_of(errors[0]) if errors else "no worker delivered a model"


def _remove(storage: str, run: str) -> None:
    """Remove a run's checkpoints; what cannot be removed is left."""
    from pyarrow import fs

    with contextlib.suppress(Exception):
        if "://" in storage:
            system, path = fs.FileSystem.from_uri(storage)
            system.delete_dir(f"{path}/{run}")
        else:
            shutil.rmtree(Path(storage) / run)


def _taken_over(objective: Any, arrays: dict[str, Any]) -> dict[str, list[float]]:
    """Fill the driver's networks; give the history."""
    weights = [arrays[name] for name in sorted(arrays) if name.startswith("weight/")]
    for variable, value in zip(objective.weights, weights, strict=True):
        variable.assign(value)
    history = dict(zip(empty_history(), arrays["history"].tolist(), strict=True))
    return {**history, "epoch": [int(epoch) for epoch in history["epoch"]]}
