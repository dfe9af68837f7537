"""Actor that stores the progress and result of one training, even if a worker dies."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class TrainingStatus:
    """Completed steps, note for the progress bar, epochs of restarts, and error or result."""

    steps: int = 0
    note: str = ""
    resumed_epochs: tuple[int, ...] = ()
    error: Exception | None = None
    result: dict[str, np.ndarray] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the training has ended with a result or an error."""
        return self.error is not None or self.result is not None


class Coordinator:
    """Store of the status of one training, which the driver and the workers share."""

    def __init__(self) -> None:
        self._status = TrainingStatus()

    def status(self) -> TrainingStatus:
        """Return the current status."""
        return self._status

    def report(self, steps: int, note: str = "") -> Exception | None:
        """Record the completed steps and a note, and return the error that ends the training."""
        status = self._status
        self._status = replace(status, steps=steps, note=note or status.note)
        return status.error

    def resume(self, epoch: int) -> None:
        """Record the epoch in which new workers resume the training."""
        epochs = (*self._status.resumed_epochs, epoch)
        self._status = replace(self._status, resumed_epochs=epochs)

    def fail(self, error: Exception) -> None:
        """Record an error that new workers would raise again; only the first error is stored."""
        self._status = replace(self._status, error=self._status.error or error)

    def finish(self, result: dict[str, np.ndarray]) -> None:
        """Store the result of the training."""
        self._status = replace(self._status, result=result)
