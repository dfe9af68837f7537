"""Callbacks of the training loop: early stopping, checkpoints and progress."""

import contextlib
import math
from collections.abc import Callable

import numpy as np

from latentmap.progress import Advance, progress
from latentmap.training.run import Arrays, TrainingRun, assign_all, copy_value, numbered_arrays


class Callback:
    """Hooks of the training loop. Each does nothing unless a subclass overrides it."""

    def on_train_begin(self, run: TrainingRun) -> None:
        """Prepare; the first evaluation has not been made yet."""

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """React to a chunk of steps; steps that a checkpoint has skipped are reported as well."""

    def on_evaluation(self, run: TrainingRun) -> None:
        """React to the newest entry of ``run.history``."""

    def on_train_end(self, run: TrainingRun) -> None:
        """Clean up; called after a failure as well."""

    def to_arrays(self) -> Arrays:
        """Return the callback's state for a checkpoint."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Restore the state that `to_arrays` returned."""


class EarlyStopping(Callback):
    """Keeps the weights with the least validation loss, and stops when it no longer decreases.

    It needs a validation set.

    Parameters
    ----------
    patience : int or None
        Number of evaluations without improvement after which training stops; None never stops.
    """

    def __init__(self, patience: int | None = None) -> None:
        self.patience = patience
        self.best_loss = math.inf
        self.epochs_without_improvement = 0.0
        self.best_weights: list[np.ndarray] = []

    def on_evaluation(self, run: TrainingRun) -> None:
        """Compare the validation loss with the least one so far."""
        loss, epochs = run.history["val_loss"][-1], run.history["epoch"]
        if loss < self.best_loss:
            self.best_loss, self.epochs_without_improvement = loss, 0
            self.best_weights = [copy_value(weight) for weight in run.objective.weights]
        elif len(epochs) > 1:
            self.epochs_without_improvement += epochs[-1] - epochs[-2]
        if self.patience is not None:
            most = self.patience * run.epochs_per_evaluation
            run.stop_training = self.epochs_without_improvement >= most

    def on_train_end(self, run: TrainingRun) -> None:
        """Put the best weights into the objective."""
        if self.best_weights:
            assign_all(run.objective.weights, self.best_weights)

    def to_arrays(self) -> Arrays:
        """Return the best weights and when they were reached."""
        weights = {f"weight/{i:04d}": value for i, value in enumerate(self.best_weights)}
        state = [self.best_loss, self.epochs_without_improvement]
        return {"state": np.array(state, np.float64), **weights}

    def restore(self, arrays: Arrays) -> None:
        """Restore the best weights and when they were reached."""
        self.best_loss, self.epochs_without_improvement = arrays["state"].tolist()
        self.best_weights = numbered_arrays("weight", arrays)


class Checkpoint(Callback):
    """Resumes from a checkpoint, and saves one after each chunk of steps.

    Parameters
    ----------
    load : callable
        Returns the arrays of a checkpoint, or None to start from the beginning.
    save : callable
        Receives the arrays.
    """

    def __init__(self, load: Callable[[], Arrays | None], save: Callable[[Arrays], None]) -> None:
        self.load, self.save = load, save

    def on_train_begin(self, run: TrainingRun) -> None:
        """Restore the run if there is a checkpoint."""
        if (arrays := self.load()) is not None:
            run.restore(arrays)

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """Save a checkpoint."""
        self.save(run.to_arrays())


class ProgressBar(Callback):
    """Shows the progress of the training on standard error."""

    def __init__(self, visible: bool = True) -> None:
        self.visible = visible
        self._shown = contextlib.ExitStack()
        self._advance: Advance = lambda steps, note="": None

    def on_train_begin(self, run: TrainingRun) -> None:
        """Open the bar."""
        total = run.n_epochs * run.steps_per_epoch
        self._advance = self._shown.enter_context(progress("fitting", total, self.visible))
        self._advance((run.epoch - 1) * run.steps_per_epoch)

    def on_chunk_end(self, run: TrainingRun, n_steps: int) -> None:
        """Advance the bar."""
        self._advance(n_steps)

    def on_evaluation(self, run: TrainingRun) -> None:
        """Show the losses."""
        self._advance(0, note=progress_note(run))

    def on_train_end(self, run: TrainingRun) -> None:
        """Close the bar."""
        if run.stop_training:
            remaining = (run.n_epochs - run.epoch + 1) * run.steps_per_epoch
            self._advance(remaining, note=f"stopped early after epoch {run.epoch - 1}")
        self._shown.close()


def progress_note(run: TrainingRun) -> str:
    """Return the newest losses as text."""
    loss, validation_loss = run.history["loss"][-1], run.history["val_loss"][-1]
    parts = []
    if not math.isnan(loss):
        parts.append(f"loss {loss:.4f}")
    if not math.isnan(validation_loss):
        parts.append(f"validation loss {validation_loss:.4f}")
    return " · ".join(parts)
