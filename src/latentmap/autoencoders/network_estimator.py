"""Base class of estimators with networks: fitting, fitted state, saving and pickling."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from latentmap.array_files import fingerprint
from latentmap.autoencoders.fitted_networks import FittedNetworks, graph_spec
from latentmap.autoencoders.fitting import check_numeric_parameters, fit_or_restore
from latentmap.autoencoders.persistence import describe_estimator, estimator_arrays
from latentmap.autoencoders.state import FittedState
from latentmap.backend import start_engine
from latentmap.data.types import DataLike
from latentmap.errors import NotFittedError
from latentmap.model_file import write_model
from latentmap.networks.network_graphs import GraphSpec, NetworkGraphs
from latentmap.preprocessing.gaussian_imputer import GaussianImputer
from latentmap.preprocessing.table_encoder import TableEncoder
from latentmap.training.config import Training

if TYPE_CHECKING:
    import keras

    from latentmap.networks.assembly import Networks
    from latentmap.networks.losses import LossLike
    from latentmap.networks.registry import NetworkLike


class NetworkEstimator(BaseEstimator):
    """Estimator whose fitted state is a `FittedState` and networks.

    A subclass implements `_fit`. The networks are those that a fit trains, or their weights in a
    model file.
    """

    _state_class: ClassVar[type[FittedState]]
    _default_training: ClassVar[Training] = Training()
    _default_noise: ClassVar[float] = 0.0

    # Parameters of the estimators.
    n_components: int
    network: NetworkLike
    loss: LossLike = "auto"  # Maps choose their loss by the rows, and have no such parameter.
    scaling: str
    epochs: int | str
    training: Training | None
    random_state: int | np.random.RandomState | None
    verbose: bool

    # Set by `fit`.
    history_: dict[str, list[float]]
    row_shape_: tuple[int, ...]
    n_features_in_: int
    feature_names_in_: np.ndarray
    table_: TableEncoder | None
    row_offset_: np.ndarray | None
    dtype_: str
    # Metrics, held-out rows, label and table options of a fit by the command, else None.
    fit_report_: dict[str, Any] | None
    _imputer: GaussianImputer | None
    _state: FittedState
    _networks: FittedNetworks

    def fit(self, X: DataLike, y: object = None) -> Self:
        """Fit encoder and decoder to rows.

        If a fit fails or is interrupted, the estimator keeps its previous state.

        Parameters
        ----------
        X : array-like of shape (n, d), (n, h, w) or (n, h, w, c), sparse matrix, data frame, Source
            At least 2 rows of finite numbers. Sparse rows are converted to dense ones batch by
            batch.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the rows cannot be fitted.
        SettingError
            If a parameter is outside its range.
        TooLargeError
            If the networks do not fit into memory, or the fit does not fit into the memory limit.
        """
        with fit_or_restore(self):
            self._fit(X)
        return self

    @abstractmethod
    def _fit(self, X: DataLike) -> None:
        """Fit the estimator to rows, and set all fitted attributes."""

    def _check_settings(self) -> None:
        """Raise SettingError if a number is outside its range or the loss is unknown."""
        check_numeric_parameters(self)
        if self.loss != "auto":
            start_engine()
            from latentmap.networks.losses import get_loss

            get_loss(self.loss)

    @abstractmethod
    def _assemble(self) -> Networks:
        """Build the networks that the state describes, with arbitrary weights."""

    @abstractmethod
    def _describe(self, spec: GraphSpec) -> NetworkGraphs:
        """Return the graphs of the networks that the state describes."""

    def _graphs(self) -> NetworkGraphs | None:
        return None if self._state.has_own_network else self._describe(graph_spec(self))

    @abstractmethod
    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        """Draw codes from their distribution, shape (n, n_components)."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted estimator to one .safetensors file.

        Raise FileError if the file cannot be written.
        """
        self._check_fitted()
        write_model(path, describe_estimator(self), estimator_arrays(self))

    def fingerprint(self) -> str:
        """Return an identifier of the fitted model, which files of codes contain.

        It is the SHA-256 of the learned state as 64 hexadecimal digits. A loaded model has the same
        fingerprint as the saved one.
        """
        metadata = describe_estimator(self._check_fitted())
        learned_state = {name: metadata[name] for name in ("estimator", "row_shape", "learned")}
        return fingerprint(learned_state, estimator_arrays(self))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_networks")

    def _check_fitted(self) -> Self:
        """Return self; raise NotFittedError before `fit`."""
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")
        return self

    def _set_networks(self, networks: Networks) -> None:
        self._networks = FittedNetworks(self._graphs(), networks)

    def _set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Set the weights of the networks, which are built when they are needed."""
        self._networks = FittedNetworks(self._graphs(), weights=weights)
        if self._state.has_own_network:
            self._models()  # Keras checks the weights of the user's networks.

    def _models(self) -> Networks:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"this {type(self).__name__} is not fitted yet")
        return self._networks.models(self._assemble)

    @property
    def encoder_(self) -> keras.Model:
        """Keras model from raw rows to codes."""
        return self._models().encoder

    @property
    def decoder_(self) -> keras.Model:
        """Keras model from codes to rows in their original units."""
        return self._models().decoder

    @property
    def _objective(self) -> keras.Model:
        return self._models().objective

    def _saved_parameters(self) -> dict[str, Any]:
        """Return the constructor's parameters that a model file stores."""
        return self.get_params(deep=False)

    def _check_restored(self) -> None:
        """Raise ValueError if the state and the networks of a loaded model are inconsistent."""

    @property
    def _n_features_out(self) -> int:
        return self._state.n_components

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if not self.__sklearn_is_fitted__():
            return state
        state["_weights"] = state.pop("_networks").weights()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        weights = state.pop("_weights", None)
        super().__setstate__(state)
        if weights is not None:
            self._set_weights(weights)
