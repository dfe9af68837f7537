"""Function of each worker process, which joins the other workers and trains on its shard."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentmap.distributed.data_parallel import DataParallel
    from latentmap.networks.assembly import Objective
    from latentmap.training.callbacks import Callback
    from latentmap.training.run import Arrays
    from latentmap.training.task import TrainingTask


@dataclass(frozen=True)
class WorkerSettings:
    """Number of cores that a worker may use, and the driver's working directory."""

    cores: int
    folder: str

    def apply(self) -> None:
        """Change the working directory, and configure Keras and JAX before they are imported."""
        # The current directory of the driver may not exist on this machine.
        with contextlib.suppress(OSError):
            os.chdir(self.folder)
        os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", NPROC=str(self.cores))


@dataclass(frozen=True)
class TrainingJob:
    """A training task, and a function that builds its objective."""

    build_objective: Callable[[], Objective]
    task: TrainingTask

    def run(self, strategy: DataParallel, callbacks: Sequence[Callback]) -> Arrays:
        """Train, and return the history and the weights as arrays."""
        import numpy as np

        from latentmap.backend import copy_value
        from latentmap.training.launcher import standard_callbacks
        from latentmap.training.loop import train

        objective = self.build_objective()
        all_callbacks = [*standard_callbacks(self.task), *callbacks]
        history = train(objective, self.task, all_callbacks, strategy)
        return {
            "history": np.array(list(history.values()), np.float64),
            **{f"weight/{i:04d}": copy_value(w) for i, w in enumerate(objective.weights)},
        }


@dataclass(frozen=True)
class WorkerConfig:
    """Configuration of a worker; ``coordinator`` and ``job`` are Ray handles."""

    settings: WorkerSettings
    coordinator: Any
    job: Any
    checkpoint_seconds: float


def run_worker(config: dict[str, WorkerConfig]) -> None:
    """Train as one of several workers; Ray Train calls this function in each process."""
    import ray
    from ray import train

    worker = config["worker"]
    worker.settings.apply()
    if ray.get(worker.coordinator.status.remote()).has_ended:
        return  # An earlier group of workers has completed the training.
    from latentmap.backend import join_processes
    from latentmap.distributed.data_parallel import DataParallel
    from latentmap.distributed.worker_callbacks import ReportProgress, SharedCheckpoint
    from latentmap.errors import LatentmapError

    context = train.get_context()
    rank, n_workers = context.get_world_rank(), context.get_world_size()
    if n_workers > 1:
        join_processes(_broadcast_address(rank), n_workers, rank)
    checkpoint = SharedCheckpoint(worker.coordinator, rank, worker.checkpoint_seconds)
    callbacks = [checkpoint] if rank else [checkpoint, ReportProgress(worker.coordinator)]
    try:
        result = ray.get(worker.job).run(DataParallel(rank, n_workers), callbacks)
    except LatentmapError as error:
        ray.get(worker.coordinator.fail.remote(error))
        raise
    if rank == 0:
        ray.get(worker.coordinator.finish.remote(result))


def _broadcast_address(rank: int) -> str:
    """Return the address at which all workers connect to worker 0."""
    from ray import util
    from ray.train.collective import broadcast_from_rank_zero

    if rank:
        return broadcast_from_rank_zero("")
    with socket.socket() as probe:
        probe.bind(("", 0))  # The system chooses a free port.
        address = f"{util.get_node_ip_address()}:{probe.getsockname()[1]}"
    return broadcast_from_rank_zero(address)
