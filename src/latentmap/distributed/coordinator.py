"""Actor through which the workers of one training and the driver exchange progress and results.

It runs in a process of its own, so its state survives the death of a worker. It also stores the
first error that latentmap raised on purpose: a replacement of the failed worker would meet the same
error again, so training ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Coordinator", "TrainingStatus"]


@dataclass(frozen=True)
class TrainingStatus:
    """State of a training on workers.

    Attributes
    ----------
    all_present : bool
        Whether all workers of the current group have started.
    steps : int
        Number of steps done.
    note : str
        Short text for the progress bar.
    resumed_epochs : tuple of int
        Epochs in which a new group resumed the training.
    error : Exception or None
        Why the training cannot succeed.
    finished : bool
        Whether the result is available.
    """

    all_present: bool
    steps: int
    note: str
    resumed_epochs: tuple[int, ...]
    error: Exception | None
    finished: bool


class Coordinator:
    """Progress, first error and result of one training.

    Parameters
    ----------
    n_workers : int
    """

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._present: set[int] = set()
        self._steps, self._note = 0, ""
        self._resumed_epochs: tuple[int, ...] = ()
        self._error: Exception | None = None
        self._result: dict[str, np.ndarray] | None = None

    def register(self, worker: int) -> None:
        """Record that a worker has started; a worker that registers again is of a new group."""
        self._present = (set() if worker in self._present else self._present) | {worker}

    def report(self, steps: int | None, note: str = "") -> Exception | None:
        """Record the number of steps done and a note; return the error that ends the training."""
        self._steps = self._steps if steps is None else steps
        self._note = note or self._note
        return self._error

    def resume(self, epoch: int) -> None:
        """Record the epoch in which a new group resumes."""
        self._resumed_epochs += (epoch,)

    def fail(self, error: Exception) -> None:
        """Record an error that a new group would meet again; only the first one is stored."""
        self._error = self._error or error

    def finish(self, result: dict[str, np.ndarray]) -> None:
        """Store the result."""
        self._result = result

    def status(self) -> TrainingStatus:
        """Return the current state."""
        return TrainingStatus(
            all_present=len(self._present) == self._n_workers,
            steps=self._steps,
            note=self._note,
            resumed_epochs=self._resumed_epochs,
            error=self._error,
            finished=self._result is not None,
        )

    def result(self) -> dict[str, np.ndarray] | None:
        """Return the result, or None before the training has finished."""
        return self._result
