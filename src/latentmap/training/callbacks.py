"""Callbacks of the training loop: early stopping and progress."""

import contextlib
import math

import numpy as np

from latentmap.backend import copy_value
from latentmap.progress import Advance, progress
from latentmap.training.run import (
    Arrays,
    TrainingRun,
    assign_values,
    from_numbered_arrays,
    to_numbered_arrays,
)


class Callback:
    """Base class of callbacks: hooks of the training loop that do nothing by default."""

    def on_train_begin(self, run: TrainingRun) -> None:
        """Prepare for the training, before the first evaluation."""

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """React to a chunk of ``n_steps`` steps."""

    def on_evaluation(self, run: TrainingRun) -> None:
        """React to an evaluation, which is the last entry of ``run.history``."""

    def on_train_end(self, run: TrainingRun) -> None:
        """Clean up after the training, even if it failed."""

    def to_arrays(self) -> Arrays:
        """Return the callback's state for a checkpoint."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Restore the state that `to_arrays` returned."""


class EarlyStopping(Callback):
    """Restores the weights with the lowest validation loss, and stops when it no longer decreases.

    The training task needs validation rows.

    Parameters
    ----------
    patience : int or None
        Number of evaluations without improvement after which training stops. None trains for all
        epochs.
    """

    def __init__(self, patience: int | None = None) -> None:
        self.patience = patience
        self.best_loss = math.inf
        self.epochs_without_improvement = 0.0
        self.best_weights: list[np.ndarray] = []

    def on_evaluation(self, run: TrainingRun) -> None:
        """Compare the validation loss with the lowest one so far."""
        loss, epochs = run.history["val_loss"][-1], run.history["epoch"]
        if loss < self.best_loss:
            self.best_loss, self.epochs_without_improvement = loss, 0
            self.best_weights = [copy_value(weight) for weight in run.objective.weights]
        elif len(epochs) > 1:
            self.epochs_without_improvement += epochs[-1] - epochs[-2]
        if self.patience is not None:
            max_epochs = self.patience * run.epochs_per_evaluation
            run.stop_training = self.epochs_without_improvement >= max_epochs

    def on_train_end(self, run: TrainingRun) -> None:
        """Assign the best weights to the objective."""
        if self.best_weights:
            assign_values(run.objective.weights, self.best_weights)

    def to_arrays(self) -> Arrays:
        """Return the best weights, their loss, and the epochs without improvement."""
        state = np.array([self.best_loss, self.epochs_without_improvement], np.float64)
        return {"state": state, **to_numbered_arrays("weight", self.best_weights)}

    def restore(self, arrays: Arrays) -> None:
        """Restore the best weights, their loss, and the epochs without improvement."""
        self.best_loss, self.epochs_without_improvement = arrays["state"].tolist()
        self.best_weights = from_numbered_arrays("weight", arrays)


class ProgressBar(Callback):
    """Shows the progress of the training on standard error."""

    def __init__(self, verbose: bool = True) -> None:
        self.verbose = verbose
        self._open_bar = contextlib.ExitStack()
        self._advance: Advance = lambda steps, note="": None

    def on_train_begin(self, run: TrainingRun) -> None:
        """Open the progress bar."""
        total = run.n_epochs * run.steps_per_epoch
        self._advance = self._open_bar.enter_context(progress("fitting", total, self.verbose))
        self._advance((run.epoch - 1) * run.steps_per_epoch)

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """Advance the progress bar."""
        self._advance(n_steps)

    def on_evaluation(self, run: TrainingRun) -> None:
        """Show the losses next to the progress bar."""
        self._advance(0, note=progress_note(run))

    def on_train_end(self, run: TrainingRun) -> None:
        """Close the progress bar."""
        if run.stop_training:
            n_remaining = (run.n_epochs - run.epoch + 1) * run.steps_per_epoch
            self._advance(n_remaining, note=f"stopped early after epoch {run.epoch - 1}")
        self._open_bar.close()


def progress_note(run: TrainingRun) -> str:
    """Return the losses of the last evaluation as text."""
    loss, validation_loss = run.history["loss"][-1], run.history["val_loss"][-1]
    parts = []
    if not math.isnan(loss):
        parts.append(f"loss {loss:.4f}")
    if not math.isnan(validation_loss):
        parts.append(f"validation loss {validation_loss:.4f}")
    return " · ".join(parts)
