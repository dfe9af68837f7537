"""What every estimator here shares: rows to codes and back, scores, and the way into a file.

A subclass says how it is fitted and how its networks are put together again (`_assemble`); all else
follows from the pair of Keras models that fitting leaves behind. What an estimator has learned is
plain data (`_about`) and named arrays (`_arrays`), for pickling as for model files: no Keras object
is ever pickled.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Self

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state

from latentmap import __version__
from latentmap.backend import apply, block_rows, narrow
from latentmap.data.checks import check_finite
from latentmap.errors import ModelFileError, NotFittedError, SettingError
from latentmap.estimators.rows import check_codes, fitting_rows, new_rows
from latentmap.fitting.preparation import Prepared, prepare
from latentmap.networks.assembly import Networks
from latentmap.networks.losses import loss_for
from latentmap.networks.table import describe_network, network_for
from latentmap.persistence import write_model

__all__ = ["BaseAutoEncoder"]

BATCH_BLOCKS = 16


class BaseAutoEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The shared part of the estimators; not for use by itself."""

    def transform(self, X: Any) -> np.ndarray:
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (n, ...), data frame, or Source
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
            Rows in the shape and units of those that were fitted, float32.

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
        X : array-like of shape (n, ...), data frame, or Source

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
        X : array-like of shape (n, ...), data frame, or Source
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

    def summary(self) -> dict[str, Any]:
        """Tell what the fitted estimator is, in plain data.

        Returns
        -------
        dict
            "estimator", "parameters", "row_shape", "dtype", "network", "loss", "n_weights",
            "figures", "versions" and more.
        """
        about = self._fitted()._about()
        about["n_weights"] = sum(int(np.prod(w.shape)) for w in self._objective.weights)
        return about

    # -- fitting -----------------------------------------------------------------------------------

    def _prepare(self, X: Any) -> tuple[Any, Prepared]:
        """Check the settings and the rows; return the network and the rows ready for training."""
        self._check_settings()
        network = network_for(self.network)
        rows = fitting_rows(self, X)
        ready = prepare(rows, self.scaling, self.epochs, self.training, self.random_state)
        self.dtype_ = ready.rows.dtype.name
        return network, ready

    def _check_settings(self) -> None:
        """Refuse numbers outside their range, and a loss that does not exist."""
        self._check_numbers()
        loss_for("mse" if self.loss == "auto" else self.loss)

    def _check_numbers(self) -> None:
        lowest = {"n_components": (1, Integral), "noise": (0, Real), "beta": (0, Real)}
        for name, (low, kind) in lowest.items():
            value = getattr(self, name, low)
            number = isinstance(value, kind) and not isinstance(value, bool)
            if not number or not low <= value < math.inf:
                what = "an integer" if kind is Integral else "a number"
                raise SettingError(f"{name}: expected {what} from {low} up, found {value!r}")

    # -- fitted or not ---------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")

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
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    # -- over rows -------------------------------------------------------------------------------

    def _over_rows(self, model: Any, X: Any) -> np.ndarray:
        return np.concatenate(list(self._batches_over_rows(model, X)))

    def _batches_over_rows(self, model: Any, X: Any) -> Iterator[np.ndarray]:
        rows, done = new_rows(self, X), 0
        for batch in rows.batches(BATCH_BLOCKS * block_rows(self.row_shape_)):
            batch = narrow(batch)
            check_finite(batch, done, rows.name, rows.feature_names)
            done += len(batch)
            yield apply(model, batch.reshape(len(batch), *self.row_shape_))

    def _figures(self, X: Any) -> np.ndarray:
        """Give the objective's figures of each row, shape (n, number of figures)."""
        return self._over_rows(self._fitted()._objective, X)

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        raise NotImplementedError

    # -- what is learned, as plain data and arrays -----------------------------------------------

    def _assemble(self) -> Networks:
        """Build the networks that `_learned` and `_fitted_arrays` describe; weights come after."""
        raise NotImplementedError

    def _set_networks(self, networks: Networks) -> None:
        self.encoder_, self.decoder_ = networks.encoder, networks.decoder
        self._objective = networks.objective

    def _about(self) -> dict[str, Any]:
        """Describe the estimator in what JSON can hold."""
        names = getattr(self, "feature_names_in_", None)
        return {
            "estimator": type(self).__name__,
            "parameters": _plain(self.get_params(deep=False)),
            "row_shape": list(self.row_shape_),
            "dtype": self.dtype_,
            "feature_names": None if names is None else list(names),
            "history": _plain(self.history_),
            "learned": _plain(self._learned),
            "figures": _plain(getattr(self, "figures_", None)),
            "versions": {"latentmap": __version__, "keras": keras.__version__},
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        weights = {
            f"weight/{i:03d}/{_uncounted(w.path)}": keras.ops.convert_to_numpy(w.value)
            for i, w in enumerate(self._objective.weights)
        }
        return {**weights, **{f"fitted/{k}": v for k, v in self._fitted_arrays.items()}}

    def _restore(self, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Become the estimator that `_about` and `_arrays` describe."""
        self.row_shape_ = tuple(about["row_shape"])
        self.n_features_in_ = math.prod(self.row_shape_)
        self.dtype_ = str(about["dtype"])
        if about["feature_names"] is not None:
            self.feature_names_in_ = np.asarray(about["feature_names"], dtype=object)
        self.history_ = {
            name: np.asarray(values, dtype=float).ravel().tolist()  # None is NaN again
            for name, values in about["history"].items()
        }
        self.figures_ = about["figures"]
        self._learned = dict(about["learned"])
        self._fitted_arrays = {
            name.removeprefix("fitted/"): array
            for name, array in arrays.items()
            if name.startswith("fitted/")
        }
        self._set_networks(self._assemble())
        self._fill(arrays)
        check_codes(self._draw_codes(1, check_random_state(0)), self.n_components)

    def _fill(self, arrays: dict[str, np.ndarray]) -> None:
        """Put the arrays into the networks' weights, in order."""
        names = [name for name in arrays if name.startswith("weight/")]
        values = [arrays[name] for name in sorted(names, key=lambda name: int(name.split("/")[1]))]
        weights = self._objective.weights
        if [tuple(v.shape) for v in values] != [tuple(w.shape) for w in weights]:
            raise ModelFileError(
                "the arrays do not fit the network that the file describes: "
                f"expected {len(weights)} weights, found {len(values)} or other shapes"
            )
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if not self.__sklearn_is_fitted__():
            return state
        for name in ("encoder_", "decoder_", "_objective"):
            del state[name]
        return {**state, "_weights": self._arrays()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = state.pop("_weights", None)
        super().__setstate__(state)
        if arrays is not None:
            self._set_networks(self._assemble())
            self._fill(arrays)


def _uncounted(path: str) -> str:
    """Take away Keras's running numbers ("dense_7/kernel"): the same fit makes the same file."""
    return re.sub(r"_\d+(?=/)", "", path)


def _plain(value: Any) -> Any:
    """Turn settings and figures into what JSON holds: no NaN, no arrays, no objects."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, BaseEstimator):
        return _plain(value.get_params())
    try:
        return describe_network(network_for(value))
    except SettingError:
        return repr(value)
