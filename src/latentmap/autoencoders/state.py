"""What an estimator has learned, as plain data and named arrays.

That is what goes into a model file and into a pickle: no Keras object is ever pickled. A subclass
says how its networks are put together again (`_assemble`); the arrays then fill them.
"""

import math
import re
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from latentmap import __version__
from latentmap.data.code_checks import check_codes
from latentmap.errors import ModelFileError, SettingError
from latentmap.networks.assembly import Networks
from latentmap.networks.registry import describe_network, network_for
from latentmap.training.run import empty_history


class LearnedState(BaseEstimator):
    """The way between an estimator and what it has learned; not for use by itself."""

    def _assemble(self) -> Networks:
        """Build the networks that `_learned` and `_fitted_arrays` describe; weights come after."""
        raise NotImplementedError

    def _layer_sizes(self, row_shape: tuple[int, ...], learned: dict[str, Any]) -> list[int]:
        """Count the numbers in each layer of the networks that ``learned`` describes."""
        sizes = network_for(learned["network"]).layer_sizes(row_shape, learned["n_components"])
        principal = 2 * math.prod(row_shape) * learned["n_components"]
        return sizes if not learned.get("principal") else [*sizes, max(0, principal - sum(sizes))]

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        """Draw codes from their distribution, shape (n, n_components)."""
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")

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
        self._restore_about(about)
        self._fitted_arrays = {
            name.removeprefix("fitted/"): array
            for name, array in arrays.items()
            if name.startswith("fitted/")
        }
        self._set_networks(self._assemble())
        self._fill(arrays)
        check_codes(self._draw_codes(1, check_random_state(0)), self._learned["n_components"])

    def _restore_about(self, about: dict[str, Any]) -> None:
        """Take over what is plain data."""
        self.row_shape_ = tuple(about["row_shape"])
        self.n_features_in_ = math.prod(self.row_shape_)
        self.dtype_ = str(about["dtype"])
        if about["feature_names"] is not None:
            self.feature_names_in_ = np.asarray(about["feature_names"], dtype=object)
        self.history_ = {
            name: np.asarray(values, dtype=float).ravel().tolist()  # None is NaN again
            for name, values in about["history"].items()
        }
        if len({len(self.history_[name]) for name in empty_history()}) != 1:
            raise ModelFileError("the history's columns differ in length")
        self.figures_ = about["figures"]
        self._learned = dict(about["learned"])

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
            if not np.isfinite(value).all():
                raise ModelFileError(f"expected finite weights, found {weight.path} with others")
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
