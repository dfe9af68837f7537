"""What every estimator here shares: rows to codes and back, scores, and the way into a file.

A subclass says how it is fitted; all else follows from the pair of Keras models that fitting leaves
behind.
"""

import math
import os
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state

from latentmap.autoencoders.model_file import write_model
from latentmap.autoencoders.state import LearnedState
from latentmap.autoencoders.validation import fitting_rows, new_rows
from latentmap.backend import apply, block_rows, stream
from latentmap.data.batching import read_batches
from latentmap.data.code_checks import check_codes
from latentmap.data.memory import check_memory, fit_memory_bytes, release_freed_memory
from latentmap.errors import NotFittedError, SettingError
from latentmap.files import fingerprint
from latentmap.networks.losses import loss_for
from latentmap.networks.registry import network_for
from latentmap.training.preparation import PreparedData, prepare_data

BATCH_BLOCKS = 16
BATCH_ROWS = 1 << 15
"""Rows are read so many blocks at a time, but no more than so many rows, or one block."""
_RANGES: dict[str, tuple[int, float, Any]] = {
    "n_components": (1, math.inf, Integral),
    "n_neighbors": (1, math.inf, Integral),
    "noise": (0, 1, Real),
    "beta": (0, math.inf, Real),
}
DESCRIBED_ROWS = 10_000
"""What is usual among the fitted rows is measured on at most so many of them."""


class BaseAutoEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LearnedState):
    """The shared part of the estimators; not for use by itself."""

    def transform(self, X: Any) -> np.ndarray:
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
            Raw rows, as those that were fitted.

        Returns
        -------
        ndarray of shape (n, n_components)
            Codes, float32. A row's code does not depend on the rows beside it.

        Raises
        ------
        DataError
            If the rows do not look like those that were fitted.
        """
        return self._over_rows(self._fitted().encoder_, X)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n, n_components)
            Codes.

        Returns
        -------
        ndarray of shape (n, ...)
            Rows in the shape and units of those that were fitted, float32; dense, also where
            those were sparse.

        Raises
        ------
        DataError
            If a code has another width.
        """
        return apply(self._fitted().decoder_, check_codes(X, self._n_features_out))

    def reconstruction_error(self, X: Any) -> np.ndarray:
        """Tell how far each row is from its reconstruction.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source

        Returns
        -------
        ndarray of shape (n,)
            Mean squared error over the numbers of each row, as the network sees them: in 0–1 for
            images, in units of the standard deviation for real values.
        """
        return self._figures(X)[:, 1]

    def score(self, X: Any, y: Any = None) -> float:
        """Score rows, higher being better.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
        y : None
            Not used.

        Returns
        -------
        float
            Minus the mean of `reconstruction_error`.
        """
        return -float(self.reconstruction_error(X).mean(dtype=np.float64))

    def sample(self, n_samples: int = 1) -> np.ndarray:
        """Make new rows: decode codes drawn from the distribution of the codes.

        Parameters
        ----------
        n_samples : int

        Returns
        -------
        ndarray of shape (n_samples, ...)
            Rows, float32. Drawn with ``random_state``: an integer there gives the same rows again.

        Raises
        ------
        SettingError
            If ``n_samples`` is below 1.
        """
        self._fitted()
        if not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise SettingError(f"n_samples: expected an integer above 0, found {n_samples!r}")
        rng = check_random_state(self.random_state)
        return self.inverse_transform(self._draw_codes(n_samples, rng))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to one .safetensors file.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        FileError
            If the place cannot be written.
        """
        self._fitted()
        write_model(path, self._about(), self._arrays())

    def fingerprint(self) -> str:
        """Tell this fitted model from any other, so that a file of its codes can name it.

        Returns
        -------
        str
            64 hexadecimal digits, SHA-256 of what was learned: the same before `save` and after
            `load_model`.
        """
        self._fitted()
        told = self._about()
        learned = {name: told[name] for name in ("estimator", "row_shape", "learned")}
        return fingerprint(learned, self._arrays())

    @property
    def scale_(self) -> np.ndarray:
        """What rows are divided by for the network: of shape () or that of a row, float32.

        A difference of d in the rows' own units is one of d / ``scale_`` as `reconstruction_error`
        has it.
        """
        self._fitted()
        scale = np.asarray(self._fitted_arrays["scale"], np.float32)
        return scale.reshape(self.row_shape_) if scale.ndim else scale

    # -- fitting -----------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit encoder and decoder to rows.

        A fit that fails or is interrupted leaves the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c), sparse matrix, data frame, Source
            At least 2 rows of finite numbers. Sparse ones are made dense batch by batch, never all
            at once.
        y : None
            Not used: labels never train anything.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the rows cannot be used.
        SettingError
            If a parameter is outside its range.
        TooLargeError
            If the networks would not fit into memory, or the fit not into a limit that is set.
        """
        before = dict(self.__dict__)
        try:
            self._fit(X)
            release_freed_memory()
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: Any) -> None:
        """Fit, and set all that is learned."""
        raise NotImplementedError

    def _prepare(self, X: Any) -> tuple[Any, PreparedData]:
        """Check the settings and the rows; return the network and the rows ready for training."""
        self._check_settings()
        network = network_for(self.network)
        rows = fitting_rows(self, X)
        if not isinstance(network, tuple):
            numbers = sum(network.layer_sizes(rows.row_shape, self.n_components))
            size = rows.nbytes // len(rows)
            needed = fit_memory_bytes(len(rows), size, numbers, self.n_components)
            check_memory(f"n_components: {self.n_components}", needed, engine=True)
        seed, told = self.random_state, self.verbose
        ready = prepare_data(rows, self.scaling, self.epochs, self.training, seed, told)
        self.dtype_ = ready.rows.dtype.name
        return network, ready

    def _check_settings(self) -> None:
        """Refuse numbers outside their range, and a loss that does not exist."""
        self._check_numbers()
        loss_for("mse" if self.loss == "auto" else self.loss)

    def _check_numbers(self) -> None:
        for name, (low, high, kind) in _RANGES.items():
            value = getattr(self, name, low)
            number = isinstance(value, kind) and not isinstance(value, bool)
            if not number or not low <= value <= high or value == math.inf:
                what = "an integer" if kind is Integral else "a number"
                top = "up" if high == math.inf else f"to {high}"
                raise SettingError(f"{name}: expected {what} from {low} {top}, found {value!r}")

    # -- fitted or not ---------------------------------------------------------------------------

    def _fitted(self) -> Self:
        """Return self, or raise that it is not fitted."""
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")
        return self

    @property
    def _n_features_out(self) -> int:
        return self.encoder_.output_shape[-1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    # -- over rows -------------------------------------------------------------------------------

    def _over_rows(self, model: Any, X: Any) -> np.ndarray:
        return np.concatenate(list(stream(model, self._checked_batches(X))))

    def _checked_batches(self, X: Any) -> Iterator[np.ndarray]:
        block = block_rows(self.row_shape_)
        size = max(block, min(BATCH_BLOCKS * block, BATCH_ROWS))
        for _, batch in read_batches(new_rows(self, X), size):
            yield batch.reshape(len(batch), *self.row_shape_)

    def _figures(self, X: Any) -> np.ndarray:
        """Give the objective's figures of each row, shape (n, number of figures)."""
        return self._over_rows(self._fitted()._objective, X)
