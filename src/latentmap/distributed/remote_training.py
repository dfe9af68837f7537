"""Train on workers, and copy the weights into the networks of the calling process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentmap.distributed.worker import TrainingJob
from latentmap.distributed.worker_group import WorkerGroup
from latentmap.errors import SettingError
from latentmap.training.checkpoint_folder import current_checkpoints
from latentmap.training.run import History, empty_history

if TYPE_CHECKING:
    from latentmap.distributed.workers import Workers
    from latentmap.networks.assembly import Objective
    from latentmap.training.task import TrainingTask


class RemoteLauncher:
    """Launcher that trains on a group of workers instead of in this process."""

    in_this_process = False

    def __init__(self, workers: Workers) -> None:
        self.workers = workers

    def run(self, objective: Objective, task: TrainingTask, verbose: bool = False) -> History:
        """Train on the workers, copy the weights into the objective, and return the history."""
        n_rows = len(task.rows)
        _check(self.workers, objective, n_rows)
        n_steps = n_rows // max(1, task.config.batch_size_for(n_rows)) * task.epochs
        job = TrainingJob(objective.builder, task)
        return _copy_result(objective, WorkerGroup(self.workers, job, verbose).run(n_steps))


def _check(workers: Workers, objective: Objective, n_rows: int) -> None:
    if current_checkpoints() is not None:
        raise SettingError(
            "checkpoint: expected a fit in one process, found workers, which save checkpoints in "
            "their storage: use Workers(storage=...)"
        )
    if isinstance(objective.builder.spec.network, tuple):
        raise SettingError(
            "network: expected a network of latentmap, because each worker builds it, found a pair "
            "of Keras models"
        )
    if workers.count > n_rows:
        raise SettingError(
            f"workers: expected at most {n_rows}, the number of rows, found {workers.count}"
        )


def _copy_result(objective: Objective, arrays: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Assign the weights to the variables of the objective, and return the history."""
    weights = [arrays[name] for name in sorted(arrays) if name.startswith("weight/")]
    for variable, value in zip(objective.weights, weights, strict=True):
        variable.assign(value)
    history = dict(zip(empty_history(), arrays["history"].tolist(), strict=True))
    return {**history, "epoch": [int(epoch) for epoch in history["epoch"]]}
