"""Preparation of the rows of a fit: caching, scaling and a split of validation rows."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from latentmap.data import memory
from latentmap.data.caching import load_or_cache
from latentmap.data.sources import Source
from latentmap.preprocessing.pca_projection import scale_rows
from latentmap.preprocessing.scaling import Scale, choose_scale, row_statistics
from latentmap.training.config import Training, check_epochs, check_training, integer_seed
from latentmap.training.launcher import current_launcher
from latentmap.training.task import TrainingTask

SAMPLE_NUMBERS = 1 << 20


@dataclass(frozen=True)
class PreparedData:
    """Rows of a fit, their scale, and the training task on them.

    Attributes
    ----------
    rows : Source
        All rows.
    sample_rows : Source
        All rows if they are in memory, otherwise a uniform sample that is in memory.
    scale : Scale
    task : TrainingTask
    """

    rows: Source
    sample_rows: Source
    scale: Scale
    task: TrainingTask

    @property
    def seed(self) -> int:
        """Seed of all random numbers of the fit."""
        return self.task.seed

    def sample(self, max_rows: int) -> Source:
        """Return a uniform sample of at most ``max_rows`` rows, from memory if possible."""
        is_large_enough = len(self.sample_rows) >= min(max_rows, len(self.rows))
        return (self.sample_rows if is_large_enough else self.rows).sample(max_rows, self.seed)

    def scaled_sample(self) -> np.ndarray:
        """Return a sample of 10 to 1,000 flat, scaled rows; wide rows have a smaller sample."""
        width = int(np.prod(self.rows.row_shape))
        sample = self.sample(int(np.clip(SAMPLE_NUMBERS // width, 10, 1000)))
        return scale_rows(sample[:], self.scale)

    def rescale_by_median(self) -> Self:
        """Scale by the median row if a few extreme rows determine the scale.

        The root mean square of a scaled row is usually about 1. If the root mean square of the
        median row is below 0.5, rows are shifted by the column medians and divided by it, so that
        typical rows differ from each other again.
        """
        if self.scale.in_unit_range or self.scale.allow_nan:
            return self
        sample = self.scaled_sample().astype(np.float64)
        medians = np.median(sample, axis=0)
        size = float(np.sqrt(np.median(np.mean((sample - medians) ** 2, axis=1))))
        if not 0.0 < size < 0.5:
            return self
        offset = self.scale.offset + medians * self.scale.scale
        scale = (self.scale.scale * size).astype(np.float32)
        return replace(self, scale=Scale(offset.astype(np.float32), scale, False))


def prepare_data(
    rows: Source,
    scaling: str | Scale,
    epochs: int | str,
    training: Training | None,
    random_state: object,
    verbose: bool = False,
) -> PreparedData:
    """Cache rows, choose their scale, and split off validation rows.

    ``scaling`` is the name of a scaling, or a `Scale` that is used unchanged.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.arange(400.0).reshape(100, 4))
    >>> task = prepare_data(rows, "auto", 5, None, 0).task
    >>> len(task.rows), len(task.validation_rows), task.epochs
    (90, 10, 5)
    """
    config = check_training(training)
    seed = integer_seed(random_state)
    rows = load_or_cache(rows, verbose, use_disk=current_launcher().in_this_process)
    sample_rows = rows
    if not rows.in_memory:
        max_rows = memory.BUDGET.row_sample.max_bytes() * len(rows) // rows.nbytes
        sample_rows = rows.sample(max(1, max_rows), seed).load()
    if isinstance(scaling, Scale):
        scale = scaling
    else:
        statistics = row_statistics(rows, verbose)
        scale = choose_scale(scaling, statistics, rows.dtype, len(rows.row_shape) > 1)
    training_rows, validation_rows = rows, None
    if n_validation := config.n_validation_rows(len(rows), int(np.prod(rows.row_shape))):
        training_rows, validation_source = rows.split(n_validation, seed)
        validation_rows = validation_source[:]
    n_epochs = check_epochs(epochs, config, len(training_rows))
    task = TrainingTask(training_rows, validation_rows, n_epochs, config, seed)
    return PreparedData(rows, sample_rows, scale, task)
