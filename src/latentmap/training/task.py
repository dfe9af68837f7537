"""Training task: the rows and targets, the number of epochs and the settings of a training run."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latentmap.backend import BatchArrays
from latentmap.data.batching import Rng
from latentmap.data.sources import ArraySource, Source
from latentmap.training.config import Training


@dataclass(frozen=True)
class TrainingTask:
    """Training rows, validation rows and settings of a training run.

    Attributes
    ----------
    rows : Source
        Training rows; `RowsWithTargets` if each row has a target.
    validation_rows : ndarray of shape (n, ...), pair of ndarray (rows and targets), or None
    epochs : int
    config : Training
    seed : int
        Seed of the order of the rows in each epoch.
    """

    rows: Source
    validation_rows: BatchArrays | None
    epochs: int
    config: Training
    seed: int

    def with_targets(self, targets: np.ndarray) -> TrainingTask:
        """Return the task with a target for each row, in the order of the rows before the split."""
        if self.validation_rows is None:
            return replace(self, rows=RowsWithTargets(self.rows, targets))
        assert isinstance(self.validation_rows, np.ndarray)
        training_targets, validation_targets = ArraySource(targets).split(
            len(self.validation_rows), self.seed
        )
        rows = RowsWithTargets(self.rows, training_targets[:])
        return replace(
            self, rows=rows, validation_rows=(self.validation_rows, validation_targets[:])
        )


class RowsWithTargets(Source):
    """Source of rows with a target for each row.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> source = ArraySource(np.array([[1.0], [2.0], [3.0]]))
    >>> pairs = RowsWithTargets(source, np.array([10, 20, 30]))
    >>> rows, targets = next(pairs.batches(3, rng=np.random.default_rng(0)))
    >>> bool((10 * rows[:, 0] == targets).all())
    True
    """

    def __init__(self, rows: Source, targets: np.ndarray) -> None:
        self.rows, self.targets = rows, targets
        self.row_shape, self.dtype, self.name = rows.row_shape, rows.dtype, rows.name
        self.block_starts = rows.block_starts

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Any) -> Any:
        """Return a pair: the rows at ``indices`` and their targets."""
        return self.rows.take(indices), self.targets[np.asarray(indices, dtype=np.intp)]

    def subset(self, indices: Any) -> RowsWithTargets:
        """Return a source of the rows at ``indices`` with their targets."""
        indices = self._as_indices(indices)
        return RowsWithTargets(self.rows.subset(indices), self.targets[indices])

    def batches(self, size: int, *, rng: Rng | None = None) -> Iterator[Any]:
        """Yield batches of rows and targets, in the order in which `rows` yields its batches."""
        row_numbers = RowNumbers(self.rows).batches(size, rng=copy.deepcopy(rng))
        for rows, indices in zip(self.rows.batches(size, rng=rng), row_numbers, strict=True):
            yield rows, self.targets[indices]


class RowNumbers(Source):
    """Source of the row numbers of another source, shuffled in the same order as its rows.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.array([[10.0], [20.0], [30.0]]))
    >>> alone, numbers = (next(source.batches(3, rng=np.random.default_rng(0)))
    ...                   for source in (rows, RowNumbers(rows)))
    >>> bool((rows.take(numbers) == alone).all())
    True
    """

    in_memory = True

    def __init__(self, rows: Source) -> None:
        self.rows = rows
        self.row_shape, self.dtype, self.name = (), np.dtype(np.intp), rows.name
        self.block_starts = rows.block_starts

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Size of the rows in bytes, which determines how many blocks are shuffled at a time."""
        return self.rows.nbytes

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        return np.asarray(indices, dtype=np.intp)
