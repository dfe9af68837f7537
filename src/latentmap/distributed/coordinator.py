"""Where workers and the process that hired them meet: jobs, progress, what went wrong, outcomes.

It runs as a Ray actor of its own, so that a worker that dies takes no news with it. The first error
that latentmap raised on purpose stays here: whoever is put in the failed worker's place finds it,
and gives up at once, for the rows and the settings will be the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Desk", "News"]


class News(NamedTuple):
    """How far the workers are."""

    ready: bool
    """Whether all of them have come."""
    done: int
    """Steps of the job."""
    note: str
    replaced: list[int]
    """Epochs in which new groups went on."""
    over: bool
    """Whether the job has an outcome."""


class Desk:
    """Jobs for one group of workers, one after another, and news of them.

    A job has a number, so that a worker that is done with one waits for the next, and a new group
    takes up the one that is under way; all of a group do the same jobs in the same order.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        self.workers, self.present = workers, set[int]()
        self.number, self.job, self.closed = 0, None, False
        self.done, self.note = 0, ""
        self.replaced: list[int] = []
        self.error: BaseException | None = None
        self.outcome: Any = None

    def post(self, job: Any) -> None:
        """Put up a job, as a list with Ray's handle on it."""
        self.number, self.job = self.number + 1, job
        self.done, self.note, self.outcome, self.replaced = 0, "", None, []

    def close(self) -> None:
        """Let workers go: there is no further job."""
        self.closed = True

    def arrive(self, worker: int) -> None:
        """See a worker come, of a new group if it has come before."""
        self.present = {worker} if worker in self.present else self.present | {worker}

    def ask(self, last: int) -> tuple[int, Any, bool]:
        """Give a worker that is done with a job the next one, or none yet; tell if it may go."""
        return self.number, self.job if self.number > last else None, self.closed

    def tell(self, done: int | None, note: str) -> BaseException | None:
        """Hear from a worker: steps done since the start, if any; give a reason to stop."""
        self.done, self.note = self.done if done is None else done, note or self.note
        return self.error

    def go_on(self, epoch: int) -> None:
        """Hear from a new group of workers in which epoch it goes on."""
        self.replaced.append(epoch)

    def told(self) -> News:
        """Give the last news."""
        ready, over = len(self.present) == self.workers, self.outcome is not None
        return News(ready, self.done, self.note, self.replaced, over)

    def give_up(self, error: BaseException) -> None:
        """Keep the reason why the job cannot succeed; who waits for one may go."""
        self.error = self.error or error
        self.job, self.closed = None, True

    def reason(self) -> BaseException | None:
        """Give that reason."""
        return self.error

    def deliver(self, outcome: Any) -> None:
        """Take the outcome; nobody shall begin the job again."""
        self.outcome, self.job = outcome, None

    def delivered(self) -> Any:
        """Give the outcome, or None."""
        return self.outcome
