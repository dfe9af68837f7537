"""What comes before training: rows scaled, split and counted, settings checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from latentmap.data import memory
from latentmap.data.caching import load_or_cache
from latentmap.data.sources import ArraySource, Source
from latentmap.errors import SettingError
from latentmap.preprocessing.pca_projection import scale_rows
from latentmap.preprocessing.scaling import Scale, choose_scale, row_statistics
from latentmap.training.loop import Training, train
from latentmap.training.strategy import chosen_trainer
from latentmap.training.targets import Paired

__all__ = ["Prepared", "checked_training", "epochs_for", "prepare"]

SEEN_NUMBERS = 1 << 20


@dataclass(frozen=True)
class Prepared:
    """Rows ready for training, and how to train on them.

    Attributes
    ----------
    rows : Source
        All of them.
    some : Source
        A uniform sample of them in memory; all of them, where they are in memory anyway.
    fitted : Source
        Those that are trained on.
    held_out : ndarray of shape (n, ...), or a pair with targets, or None
        Those that are measured.
    scale : Scale
    epochs : int
    training : Training
    seed : int
    """

    rows: Source
    some: Source
    fitted: Source
    held_out: Any
    scale: Scale
    epochs: int
    training: Training
    seed: int

    def train(self, objective: Any, visible: bool) -> dict[str, list[float]]:
        """Train an objective on these rows; return its history."""
        trainer = chosen_trainer()
        return (train if trainer is None else trainer.train)(
            objective, self.fitted, self.held_out, self.epochs, self.training, self.seed, visible
        )

    def sample(self, most: int) -> Source:
        """Give a uniform sample of at most so many rows, from memory where enough are there."""
        enough = len(self.some) >= min(most, len(self.rows))
        return (self.some if enough else self.rows).sample(most, self.seed)

    def some_scaled(self) -> np.ndarray:
        """Give some rows, scaled and flat: at most 1,000, and where they are wide, at least ten."""
        width = int(np.prod(self.rows.row_shape))
        some = self.sample(int(np.clip(SEEN_NUMBERS // width, 10, 1000)))
        return scale_rows(some[:], self.scale)

    def steadied(self) -> Self:
        """Scale by the middle row where a few rows, far out, make all the others look alike.

        The root mean square of a scaled row is about 1. Where that of the middle row is below one
        half, rows are shifted by their columns' medians and divided by the middle row's.
        """
        if self.scale.unit:
            return self
        some = self.some_scaled().astype(np.float64)
        middle = np.median(some, axis=0)
        size = float(np.sqrt(np.median(np.mean((some - middle) ** 2, axis=1))))
        if not 0.0 < size < 0.5:
            return self
        offset = self.scale.offset + middle * self.scale.scale
        scale = (self.scale.scale * size).astype(np.float32)
        return replace(self, scale=Scale(offset.astype(np.float32), scale, False))

    def paired(self, targets: np.ndarray) -> Prepared:
        """Put targets, one for each of all rows, beside those trained on and those measured."""
        if self.held_out is None:
            return replace(self, fitted=Paired(self.fitted, targets))
        fitted, held_out = ArraySource(targets).split(len(self.held_out), self.seed)
        pair = (self.held_out, held_out[:])
        return replace(self, fitted=Paired(self.fitted, fitted[:]), held_out=pair)


def prepare(
    rows: Source,
    scaling: str,
    epochs: int | str,
    training: Training | None,
    random_state: Any,
    visible: bool = False,
) -> Prepared:
    """Scale and split rows.

    Parameters
    ----------
    rows : Source
    scaling : str
        See ``choose_scale``.
    epochs : int or "auto"
    training : Training or None
    random_state : int, RandomState instance or None
    visible : bool
        Show progress, where rows are not in memory.

    Returns
    -------
    Prepared

    Raises
    ------
    SettingError
        If a setting is outside its range.
    DataError
        If a number is NaN or infinite.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> ready = prepare(ArraySource(np.arange(400.0).reshape(100, 4)), "auto", 5, None, 0)
    >>> len(ready.fitted), len(ready.held_out), ready.epochs
    (90, 10, 5)
    """
    training = checked_training(training)
    seed = _seed(random_state)
    rows = load_or_cache(rows, visible, use_disk=chosen_trainer() is None)
    some = rows
    if not rows.in_memory:
        most = memory.BUDGET.row_sample.max_bytes() * len(rows) // rows.nbytes
        some = rows.sample(max(1, most), seed).load()
    scale = choose_scale(scaling, row_statistics(rows, visible), rows.dtype)
    fitted, held_out = rows, None
    if aside := training.rows_held_out(len(rows), int(np.prod(rows.row_shape))):
        fitted, kept = rows.split(aside, seed)
        held_out = kept[:]
    epochs = epochs_for(epochs, training, fitted)
    return Prepared(rows, some, fitted, held_out, scale, epochs, training, seed)


def _seed(random_state: Any) -> int:
    """Keep an integer as it is: whoever gives 7 gets the weights that Keras has for 7."""
    try:
        generator = check_random_state(random_state)
    except ValueError as error:
        raise SettingError(f"random_state: {error}") from None
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(generator.randint(2**31 - 1))


def checked_training(training: Any) -> Training:
    """Give the training that was asked for, or the usual one, or refuse what is none.

    Examples
    --------
    >>> checked_training(None)
    Training()
    """
    training = Training() if training is None else training
    if not isinstance(training, Training):
        raise SettingError(f"training: expected a Training or None, found {training!r}")
    training.check()
    return training


def epochs_for(epochs: int | str, training: Training, fitted: Source) -> int:
    """Decide how often to run through rows, or refuse a number that is none.

    Examples
    --------
    >>> epochs_for(5, Training(), ArraySource(np.zeros((10, 1))))
    5
    """
    if epochs == "auto":
        return training.epochs(len(fitted))
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 1:
        raise SettingError(f"epochs: expected 'auto' or an integer above 0, found {epochs!r}")
    return int(epochs)
