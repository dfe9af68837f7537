"""Where workers and the process that hired them meet: progress, what went wrong, the outcome.

It runs as a Ray actor of its own, so that a worker that dies takes no news with it. The first error
that latentmap raised on purpose stays here: whoever is put in the failed worker's place finds it,
and gives up at once, for the rows and the settings will be the same.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Desk"]


class Desk:
    """News of one training."""

    def __init__(self) -> None:
        self.done, self.note = 0, ""
        self.replaced: list[int] = []
        self.error: BaseException | None = None
        self.arrays: dict[str, Any] | None = None

    def tell(self, done: int | None, note: str) -> BaseException | None:
        """Hear from a worker: steps done since the start, if any; give a reason to stop."""
        self.done, self.note = self.done if done is None else done, note or self.note
        return self.error

    def go_on(self, epoch: int) -> None:
        """Hear from a new group of workers in which epoch it goes on."""
        self.replaced.append(epoch)

    def told(self) -> tuple[int, str, list[int]]:
        """Give the last news, and the epochs in which new groups went on."""
        return self.done, self.note, self.replaced

    def give_up(self, error: BaseException) -> None:
        """Keep the reason why the training cannot succeed."""
        self.error = self.error or error

    def reason(self) -> BaseException | None:
        """Give that reason."""
        return self.error

    def deliver(self, arrays: dict[str, Any]) -> None:
        """Take the outcome."""
        self.arrays = arrays

    def delivered(self) -> dict[str, Any] | None:
        """Give the outcome."""
        return self.arrays
