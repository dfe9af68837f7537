"""Actor that holds the progress and the result of one training, also if a worker dies."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class TrainingStatus:
    """Steps done, a note for the progress bar, epochs of each restart, and the error, if any."""

    steps: int = 0
    note: str = ""
    resumed_epochs: tuple[int, ...] = ()
    error: Exception | None = None
    result: dict[str, np.ndarray] | None = None

    @property
    def ended(self) -> bool:
        """Whether there is a result or an error."""
        return self.error is not None or self.result is not None


class Coordinator:
    """Holder of the status of one training."""

    def __init__(self) -> None:
        self._status = TrainingStatus()

    def status(self) -> TrainingStatus:
        """Return the current status."""
        return self._status

    def report(self, steps: int, note: str = "") -> Exception | None:
        """Record the number of steps done and a note; return the error that ends the training."""
        status = self._status
        self._status = replace(status, steps=steps, note=note or status.note)
        return status.error

    def resume(self, epoch: int) -> None:
        """Record the epoch in which new workers resume."""
        epochs = (*self._status.resumed_epochs, epoch)
        self._status = replace(self._status, resumed_epochs=epochs)

    def fail(self, error: Exception) -> None:
        """Record an error that new workers would meet again; only the first one is stored."""
        self._status = replace(self._status, error=self._status.error or error)

    def finish(self, result: dict[str, np.ndarray]) -> None:
        """Store the result."""
        self._status = replace(self._status, result=result)
