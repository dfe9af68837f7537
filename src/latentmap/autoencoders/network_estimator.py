"""Base class of estimators with networks: fitted state, networks and pickling."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from latentmap.autoencoders.fitted_networks import FittedNetworks
from latentmap.autoencoders.state import FittedState
from latentmap.errors import NotFittedError
from latentmap.networks.network_graphs import NetworkGraphs

if TYPE_CHECKING:
    import keras

    from latentmap.networks.assembly import Networks


class NetworkEstimator(BaseEstimator):
    """Estimator whose fitted state is a `FittedState` and networks.

    The networks are those that a fit trains, or their weights in a model file.
    """

    _state_class: ClassVar[type[FittedState]]
    _state: FittedState
    _networks: FittedNetworks

    @abstractmethod
    def _assemble(self) -> Networks:
        """Build the networks that the state describes, with arbitrary weights."""

    @abstractmethod
    def _graphs(self) -> NetworkGraphs | None:
        """Return the graphs of the networks, or None for networks of the user."""

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
