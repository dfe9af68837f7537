"""With whom a process trains: alone, or as one of several that each read their share of the rows.

The training loop asks its team five things and knows nothing else of other processes. Who works
alone is here; members of a group are in `latentmap.distributed`, which also says, by `trained_by`,
that a fit shall be handed over to them. Estimators know of neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from latentmap.context import ContextValue
from latentmap.data.sources import Source
from latentmap.progress import Advance, progress

__all__ = ["ALONE", "Alone", "Arrays", "Team", "Trainer", "chosen_trainer", "trained_by"]

Arrays = dict[str, np.ndarray]
"""A checkpoint: all that a training needs to go on, by name."""


class Team(Protocol):
    """What the training loop asks of the processes that train together."""

    def share(self, rows: Source, batch: int) -> tuple[Source, int]:
        """Give the rows that this process reads, and how many of them make its part of a step."""

    def progress(self, text: str, steps: int, visible: bool) -> AbstractContextManager[Advance]:
        """Show how far the training has come."""

    def kept(self) -> Arrays | None:
        """Give the checkpoint to go on from, or None at the start."""

    def keep(self, checkpoint: Callable[[], Arrays]) -> None:
        """Hear that a chunk of steps is done; make and keep a checkpoint if one is due."""


class Alone:
    """One process: all rows are its own, and nothing is kept.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.zeros((6, 2)))
    >>> ALONE.share(rows, 3) == (rows, 3), ALONE.kept() is None
    (True, True)
    """

    def share(self, rows: Source, batch: int) -> tuple[Source, int]:
        """Give all rows, and the whole step."""
        return rows, batch

    def progress(self, text: str, steps: int, visible: bool) -> AbstractContextManager[Advance]:
        """Show it here."""
        return progress(text, steps, visible)

    def kept(self) -> Arrays | None:
        """Start from the start."""
        return None

    def keep(self, checkpoint: Callable[[], Arrays]) -> None:
        """Keep nothing."""


ALONE = Alone()


class Trainer(Protocol):
    """Whom fits are handed over to."""

    def train(self, *told: Any) -> dict[str, list[float]]:
        """Train, called as `latentmap.training.loop.train` is."""


_TRAINER: ContextValue[Trainer | None] = ContextValue("trainer", None)


@contextlib.contextmanager
def trained_by(trainer: Trainer) -> Iterator[None]:
    """Hand over every training within the block.

    Examples
    --------
    >>> class Nobody:
    ...     train = print
    >>> with trained_by(Nobody()):
    ...     chosen_trainer().train("three epochs")
    three epochs
    """
    with _TRAINER.set_to(trainer):
        yield


def chosen_trainer() -> Trainer | None:
    """Give the trainer of the block that this is in, or None outside of any."""
    return _TRAINER.get()
