"""Training task: the rows, the number of epochs and the settings of a training run."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from latentmap.backend import BatchArrays
from latentmap.data.sources import ArraySource, Source
from latentmap.training.config import Training
from latentmap.training.targets import RowsWithTargets


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
