"""Training handed over to workers: the driver's side, in the place of the loop in one process.

The driver has checked, scaled and counted the rows and built the networks. Workers get the parts to
build them again and a handle on the rows; the driver waits, shows how far they are, and fills its
own networks with the weights that they found.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from latentmap.data.sources import Source
from latentmap.distributed.worker import TrainingJob, TrialJob
from latentmap.distributed.worker_group import Group
from latentmap.errors import SettingError
from latentmap.progress import Advance
from latentmap.training.checkpoints import empty_history
from latentmap.training.strategy import Trial

__all__ = ["OnWorkers"]


class OnWorkers:
    """A `latentmap.training.strategy.Trainer` whose steps workers take.

    Those that are hired for a trial wait for the training, which needs not follow: the fit may fail
    before, or find that it needs none. Then they are let go at the next trial, or when the block of
    workers ends or wants the cluster for something else.

    Parameters
    ----------
    workers : Workers
    """

    def __init__(self, workers: Any) -> None:
        self.workers = workers
        self.waiting: Group | None = None

    def pace(
        self,
        advance: Advance,
        objective: Any,
        some: Source,
        n_rows: int,
        settings: Any,
        epochs: int,
        seconds: float,
    ) -> Trial:
        """Start workers, have them take some steps, and wait."""
        _check(self.workers, objective, n_rows)
        self.let_go(visible=False)  # a bar is shown already
        with self._group() as group:
            group.gather(advance)
            advance(0, note="taking some steps")
            told = (some, n_rows, settings, epochs, seconds)
            return group.outcome_of(TrialJob(objective.remade, *told))

    def train(
        self,
        objective: Any,
        rows: Source,
        held_out: Any,
        epochs: int,
        settings: Any,
        seed: int,
        visible: bool = False,
    ) -> dict[str, list[float]]:
        """Have the workers train, fill the objective's weights, and give the history."""
        _check(self.workers, objective, len(rows))
        told = (rows, held_out, epochs, settings, seed)
        steps = len(rows) // max(1, settings.rows_a_step(len(rows))) * epochs
        with self._group() as group:
            job = TrainingJob(objective.remade, *told)
            arrays = group.outcome_of(job, steps if visible else None)
        self.let_go(visible)
        return _taken_over(objective, arrays)

    def let_go(self, visible: bool) -> None:
        """Let workers go that wait."""
        group, self.waiting = self.waiting, None
        if group is not None:
            group.let_go(visible)

    @contextlib.contextmanager
    def _group(self) -> Iterator[Group]:
        """Give the workers that wait, or new ones; they are given up if what they do fails."""
        if self.waiting is not None and not self.waiting.alive:
            self.let_go(visible=False)
        group = self.waiting = self.waiting or Group(self.workers)
        try:
            yield group
        except BaseException:
            self.waiting = None
            group.give_up()
            raise


def _check(workers: Any, objective: Any, n_rows: int) -> None:
    if isinstance(objective.remade.parts.network, tuple):
        raise SettingError(
            "network: expected a network of latentmap's own with workers, which build it anew, "
            "found a pair of your models"
        )
    if workers.count > n_rows:
        raise SettingError(
            f"workers: expected at most {n_rows}, the number of rows, found {workers.count}"
        )


def _taken_over(objective: Any, arrays: dict[str, Any]) -> dict[str, list[float]]:
    """Fill the driver's networks; give the history."""
    weights = [arrays[name] for name in sorted(arrays) if name.startswith("weight/")]
    for variable, value in zip(objective.weights, weights, strict=True):
        variable.assign(value)
    history = dict(zip(empty_history(), arrays["history"].tolist(), strict=True))
    return {**history, "epoch": [int(epoch) for epoch in history["epoch"]]}
