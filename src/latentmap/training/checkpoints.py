"""A training under way, and its checkpoints: arrays from which it goes on as if never stopped.

A checkpoint is taken between two chunks of steps. It holds every variable (the network's, the
optimizer's, the running mean of the loss), the best weights so far, the history, and where in which
order of rows the training stands: the state of the shuffler at the start of the epoch, and how many
chunks of that epoch are done. Going on, the epoch's order is drawn again and those are left out.

One checkpoint serves all workers, so their shufflers must stand alike. How much is drawn to shuffle
rows in blocks depends on the blocks, and each worker has its own: it is drawn of a shuffler that is
new each epoch.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from latentmap.backend import Steps, variables_of
from latentmap.training.strategy import Arrays

__all__ = ["Best", "Run", "empty_history"]


def empty_history() -> dict[str, list[float]]:
    """Give a history with nothing in it.

    Examples
    --------
    >>> list(empty_history())
    ['epoch', 'loss', 'val_loss', 'val_mse']
    """
    return {"epoch": [], "loss": [], "val_loss": [], "val_mse": []}


class Best:
    """The weights that did best on the held-out rows, and how long ago that was."""

    def __init__(self, model: Any) -> None:
        self.model, self.loss = model, math.inf
        self.epochs_ago: float = 0
        self.weights: list[np.ndarray] | None = None

    def look(self, loss: float, epochs: float) -> None:
        """Note a loss, measured so many epochs after the last."""
        if loss < self.loss:
            self.loss, self.epochs_ago = loss, 0
            self.weights = [_copied(variable) for variable in self.model.weights]
        else:
            self.epochs_ago += epochs

    def restore(self) -> None:
        """Put the best weights back into the model."""
        if self.weights is not None:
            _fill(self.model.weights, self.weights)


class Run:
    """A training under way: all of it that changes from step to step.

    Parameters
    ----------
    objective : Objective
        Compiled.
    trainer : Steps
        Of this objective.
    rng : RandomState
        Draws the order of the rows, epoch by epoch.
    in_blocks : bool
        The rows, of whomever, are read in blocks.
    """

    def __init__(
        self, objective: Any, trainer: Steps, rng: np.random.RandomState, in_blocks: bool
    ) -> None:
        self.objective, self.trainer, self.rng = objective, trainer, rng
        self.in_blocks = in_blocks
        self.best, self.history = Best(objective), empty_history()
        self.epoch, self.chunks = 1, 0
        self.drawn: Any = rng.get_state()

    def begin_epoch(self) -> np.random.RandomState:
        """Give what draws the epoch's order, and note from which state."""
        self.drawn = self.rng.get_state()
        if not self.in_blocks:
            return self.rng
        return np.random.RandomState(self.rng.randint(2**32, dtype=np.uint32))

    def end_epoch(self) -> None:
        """Go on to the next epoch."""
        self.epoch, self.chunks = self.epoch + 1, 0

    def checkpoint(self) -> Arrays:
        """Give all that `go_on` needs."""
        self.trainer.settle()
        _, keys, *drawn = self.drawn
        return {
            "place": np.array([self.epoch, self.chunks], np.int64),
            "history": np.array(list(self.history.values()), np.float64),
            "order": np.asarray(keys, np.uint32),
            "drawn": np.array(drawn, np.float64),
            "best": np.array([self.best.loss, self.best.epochs_ago], np.float64),
            **_numbered("variable", map(_copied, self._variables())),
            **_numbered("best", self.best.weights or ()),
        }

    def go_on(self, kept: Arrays) -> None:
        """Become the training that a checkpoint was taken of."""
        self.epoch, self.chunks = kept["place"].tolist()
        self.history = dict(zip(self.history, kept["history"].tolist(), strict=True))
        position, has_gauss, gauss = kept["drawn"].tolist()
        self.drawn = ("MT19937", kept["order"], int(position), int(has_gauss), gauss)
        self.rng.set_state(self.drawn)
        loss, epochs_ago = kept["best"].tolist()
        self.best.loss, self.best.epochs_ago = loss, int(epochs_ago)
        self.best.weights = _all_of("best", kept) or None
        _fill(self._variables(), _all_of("variable", kept))

    def _variables(self) -> list[Any]:
        return [variable for kind in variables_of(self.objective) for variable in kind]


def _copied(variable: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(variable.value))


def _fill(variables: Any, values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _numbered(name: str, arrays: Any) -> Arrays:
    return {f"{name}/{i:04d}": array for i, array in enumerate(arrays)}


def _all_of(name: str, arrays: Arrays) -> list[np.ndarray]:
    return [arrays[key] for key in sorted(arrays) if key.startswith(name + "/")]
