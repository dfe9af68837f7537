"""Settings of the training loop: batch size, learning rate, early stopping, number of epochs."""

from __future__ import annotations

import contextlib
import math
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from latentmap.errors import SettingError
from latentmap.networks.precision import PRECISIONS
from latentmap.number_checks import MAX_INTEGER, MAX_SEED, check_number, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_VALIDATION_ROWS = 5000
# Wide rows reduce the validation set, but not below this number of rows.
MIN_WIDE_VALIDATION_ROWS = 100
MAX_VALIDATION_NUMBERS = 1 << 24  # Maximum size of the validation rows: 64 MB as dense float32.
MIN_STEPS = 1500
DEFAULT_EPOCHS = 12
MAX_ROW_PASSES = 3_000_000  # By default, all epochs together process at most this number of rows.


class Training(BaseEstimator):
    """Settings of the training loop.

    Parameters
    ----------
    batch_size : int or "auto"
        Number of rows in a batch. "auto" is 128, or an eighth of the rows if these are fewer than
        1,024, but at least 16.
    learning_rate : float
        Learning rate of the Adam optimiser; with a schedule, its maximum.
    schedule : {"cosine", "constant"}
        "cosine" increases the learning rate in the first steps and then decreases it to zero along
        a cosine; "constant" does not change it.
    patience : int or None
        Number of epochs without improvement of the validation loss after which training stops.
        None disables early stopping.
    held_out : float
        Share of the rows in the validation set, from 0 to 0.9; at most 5,000 rows, and fewer if
        rows are wide (see `n_validation_rows`). With 0, training uses all rows and ends with the
        weights of the last step, without early stopping and without a comparison with PCA.
    noise : float or None
        Standard deviation of Gaussian noise added to the scaled rows during training, from 0 to 1.
        None is the default of the estimator: 0 for `AutoEncoder`, 0.15 for `LatentMap`. With noise,
        an `AutoEncoder` is a denoising autoencoder (P. Vincent et al., ICML 2008).
    precision : {"float32", "bfloat16"}
        Number type of matrix products during training. "bfloat16" is several times as fast for
        wide networks on a GPU. Weights, losses and codes are float32 in both cases.

    Examples
    --------
    >>> Training(batch_size=32, learning_rate=0.001, schedule="constant", held_out=0)
    Training(batch_size=32, held_out=0, learning_rate=0.001, schedule='constant')
    """

    def __init__(
        self,
        *,
        batch_size: int | str = "auto",
        learning_rate: float = 3e-3,
        schedule: str = "cosine",
        patience: int | None = 10,
        held_out: float = 0.1,
        noise: float | None = None,
        precision: str = "float32",
    ) -> None:
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.patience = patience
        self.held_out = held_out
        self.noise = noise
        self.precision = precision

    def validate(self) -> None:
        """Raise SettingError if a setting is outside its range."""
        if not (isinstance(self.batch_size, str) and self.batch_size == "auto"):
            check_number("batch_size", self.batch_size, Integral, 1)
        check_number("learning_rate", self.learning_rate, Real, 0)
        _check_choice("schedule", self.schedule, ("cosine", "constant"))
        if self.patience is not None:
            check_number("patience", self.patience, Integral, 1)
        check_number("held_out", self.held_out, Real, 0, 0.9)
        if self.noise is not None:
            check_number("noise", self.noise, Real, 0, 1)
        _check_choice("precision", self.precision, tuple(PRECISIONS))

    def batch_size_for(self, n_rows: int) -> int:
        """Return the batch size for a number of rows."""
        if self.batch_size == "auto":
            return min(n_rows, int(np.clip(n_rows // 8, 16, 128)))
        return min(n_rows, int(self.batch_size))

    def epochs_for(self, n_rows: int) -> int:
        """Return the default number of epochs: 12, but at least 1,500 steps.

        For more than 250,000 rows the number is lower, so that all epochs together process at most
        3 million rows.

        Examples
        --------
        >>> [Training().epochs_for(n_rows) for n_rows in (1_000, 60_000, 1_000_000, 10_000_000)]
        [188, 12, 3, 1]
        """
        steps = max(1, n_rows // self.batch_size_for(n_rows))
        n_epochs = min(DEFAULT_EPOCHS, math.ceil(MAX_ROW_PASSES / n_rows))
        return max(n_epochs, math.ceil(MIN_STEPS / steps))

    def n_validation_rows(self, n_rows: int, width: int = 1) -> int:
        """Return the size of the validation set for rows with ``width`` numbers.

        The size is at most 5,000 rows. Rows with a width above 3,355 are further limited to 2²⁴
        numbers in total, but not to fewer than 100 rows.

        Examples
        --------
        >>> training = Training()
        >>> [training.n_validation_rows(100_000, width) for width in (3000, 20_000, 1_000_000)]
        [5000, 838, 100]
        """
        max_rows = min(MAX_VALIDATION_ROWS, MAX_VALIDATION_NUMBERS // width)
        return min(max(MIN_WIDE_VALIDATION_ROWS, max_rows), round(self.held_out * n_rows))


def check_training(training: object) -> Training:
    """Return the settings, or the default ones for None; raise SettingError if they are invalid."""
    training = Training() if training is None else training
    if not isinstance(training, Training):
        raise SettingError(f"training: expected a Training or None, found {training!r}")
    training.validate()
    return training


def check_epochs(epochs: object, training: Training, n_rows: int) -> int:
    """Return the number of epochs; raise SettingError if it is not "auto" or a positive integer."""
    if isinstance(epochs, str) and epochs == "auto":
        return training.epochs_for(n_rows)
    is_integer = isinstance(epochs, Integral) and not isinstance(epochs, bool)
    if not (is_integer and 1 <= epochs <= MAX_INTEGER):  # type: ignore[operator]
        raise SettingError(
            f"epochs: expected 'auto' or an integer from 1 to {MAX_INTEGER}, "
            f"found {format_value(epochs)}"
        )
    return int(epochs)  # type: ignore[call-overload]


def integer_seed(random_state: object) -> int:
    """Return an integer seed for a random state; raise SettingError if it is not one.

    An integer is returned unchanged, so that it has the same effect as a seed of Keras.
    """
    generator = random_generator(random_state)
    is_integer = isinstance(random_state, Integral)
    return int(random_state if is_integer else generator.randint(MAX_INTEGER))  # type: ignore


def random_generator(random_state: object) -> np.random.RandomState:
    """Return the generator of a random state, as scikit-learn's ``check_random_state`` does."""
    if not isinstance(random_state, bool):
        with contextlib.suppress(ValueError):
            return check_random_state(random_state)
    raise SettingError(
        f"random_state: expected an integer from 0 to {MAX_SEED}, a RandomState or None, "
        f"found {format_value(random_state)}"
    )


def _check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in choices:
        names = " or ".join(map(repr, choices))
        raise SettingError(f"{name}: expected {names}, found {format_value(value)}")
