"""State of a training run, and its conversion to the arrays of a checkpoint.

A checkpoint is saved between two chunks of steps. It contains all variables (weights, optimiser
state and the running mean of the loss), the history, the state of the callbacks, the state of the
shuffler at the start of the epoch, and the number of chunks completed in that epoch. A resumed run
draws the order of that epoch again and skips the completed chunks.

All workers resume from one checkpoint, so their shufflers must have the same state. Shuffling in
blocks draws a number of random values that depends on the blocks, which differ between workers.
Each epoch therefore shuffles blocks with a new generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from latentmap.backend import Stepper, copy_value, training_variables
from latentmap.model_metadata import HISTORY_COLUMNS

if TYPE_CHECKING:
    import keras

    from latentmap.training.callbacks import Callback

Arrays = dict[str, np.ndarray]
History = dict[str, list[float]]


def empty_history() -> History:
    """Return a history without entries."""
    return {name: [] for name in HISTORY_COLUMNS}


@dataclass(eq=False)
class TrainingRun:
    """State of a training run, which changes with each chunk of steps.

    Attributes
    ----------
    objective : keras.Model
        Compiled model.
    stepper : Stepper
    shuffler : RandomState
        Generator of the order of the rows in each epoch.
    in_blocks : bool
        Whether this process or another one reads the rows in blocks.
    n_epochs, steps_per_epoch : int
    callbacks : sequence of Callback
    epoch : int
        Current epoch, from 1.
    chunks_done : int
        Number of chunks completed in the current epoch.
    history : dict of lists
    stop_training : bool
        Set by a callback to end the training after the current epoch.
    """

    objective: keras.Model
    stepper: Stepper
    shuffler: np.random.RandomState
    in_blocks: bool
    n_epochs: int
    steps_per_epoch: int
    callbacks: Sequence[Callback]
    epoch: int = 1
    chunks_done: int = 0
    history: History = field(default_factory=empty_history)
    stop_training: bool = False

    def __post_init__(self) -> None:
        self._epoch_start_state = self.shuffler.get_state(legacy=False)

    @property
    def epochs_per_evaluation(self) -> int:
        """Number of epochs between two evaluations; more than one if epochs have under 50 steps."""
        return max(1, 50 // self.steps_per_epoch)

    def begin_epoch(self) -> np.random.RandomState:
        """Store the state of the shuffler, and return the generator of this epoch's order."""
        self._epoch_start_state = self.shuffler.get_state(legacy=False)
        if not self.in_blocks:
            return self.shuffler
        return np.random.RandomState(self.shuffler.randint(2**32, dtype=np.uint32))

    def end_epoch(self) -> None:
        """Advance to the next epoch."""
        self.epoch, self.chunks_done = self.epoch + 1, 0

    def to_arrays(self) -> Arrays:
        """Return the state as named arrays."""
        self.stepper.sync_variables()
        generator = self._epoch_start_state
        shuffler_state = [generator["state"]["pos"], generator["has_gauss"], generator["gauss"]]
        arrays: Arrays = {
            "position": np.array([self.epoch, self.chunks_done], np.int64),
            "losses": np.array(self.stepper.losses, np.float64),
            "history": np.array(list(self.history.values()), np.float64),
            "shuffler_key": np.asarray(generator["state"]["key"], np.uint32),
            "shuffler_state": np.array(shuffler_state, np.float64),
            **to_numbered_arrays("variable", map(copy_value, self._variables())),
        }
        for i, callback in enumerate(self.callbacks):
            state = callback.to_arrays()
            arrays |= {f"callback_{i}/{name}": array for name, array in state.items()}
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Continue from the state that `to_arrays` returned."""
        self.epoch, self.chunks_done = arrays["position"].tolist()
        self.history = dict(zip(self.history, arrays["history"].tolist(), strict=True))
        self.history["epoch"] = [int(epoch) for epoch in self.history["epoch"]]
        self.stepper.losses[:] = arrays["losses"].tolist()
        position, has_gauss, gauss = arrays["shuffler_state"].tolist()
        self._epoch_start_state = {
            "bit_generator": "MT19937",
            "state": {"key": arrays["shuffler_key"], "pos": int(position)},
            "has_gauss": int(has_gauss),
            "gauss": gauss,
        }
        self.shuffler.set_state(self._epoch_start_state)
        assign_values(self._variables(), from_numbered_arrays("variable", arrays))
        for i, callback in enumerate(self.callbacks):
            prefix = f"callback_{i}/"
            callback.restore(
                {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            )

    def _variables(self) -> list[keras.Variable]:
        return [variable for kind in training_variables(self.objective) for variable in kind]


def assign_values(variables: Iterable[keras.Variable], values: Iterable[np.ndarray]) -> None:
    """Assign one value to each variable."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def from_numbered_arrays(name: str, arrays: Arrays) -> list[np.ndarray]:
    """Return the arrays of `to_numbered_arrays` in their order."""
    return [arrays[key] for key in sorted(arrays) if key.startswith(name + "/")]


def to_numbered_arrays(name: str, arrays: Iterable[np.ndarray]) -> Arrays:
    """Return arrays under the names ``name/0000``, ``name/0001``, ..."""
    return {f"{name}/{i:04d}": array for i, array in enumerate(arrays)}
