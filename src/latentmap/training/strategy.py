"""Strategies divide the training rows among processes."""

from typing import Protocol

from latentmap.data.sources import Source


class Strategy(Protocol):
    """Division of the training rows among the processes that train together.

    Attributes
    ----------
    holds_rows_on_device : bool
        Whether the rows may be copied to an accelerator for the whole training.
    """

    holds_rows_on_device: bool

    def shard(self, rows: Source, batch_size: int) -> tuple[Source, int]:
        """Return the rows of this process, and its number of rows in each batch."""


class SingleProcess:
    """Strategy of one process, which reads all rows."""

    holds_rows_on_device = True

    def shard(self, rows: Source, batch_size: int) -> tuple[Source, int]:
        """Return all rows and the whole batch size."""
        return rows, batch_size
