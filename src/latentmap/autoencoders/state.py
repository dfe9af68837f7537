"""Fitted state of the estimators besides network weights, as frozen dataclasses."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.networks.registry import get_network
from latentmap.value_types import PositiveArray


@dataclass(frozen=True, kw_only=True)
class FittedState(FileRecord):
    """State common to all estimators.

    Attributes
    ----------
    n_components : int
    network : dict
        Name and settings of the network, from `network_to_dict`.
    loss : str
    seed : int
    offset, scale : ndarray
        Network inputs are (rows - offset) / scale.
    """

    n_components: int
    network: dict[str, Any]
    loss: str
    seed: int
    offset: np.ndarray
    scale: PositiveArray

    @property
    def has_own_network(self) -> bool:
        """Whether the networks are Keras models of the user, which model files do not describe."""
        return self.network["name"] == "own"

    def layer_sizes(self, row_shape: tuple[int, ...]) -> list[int]:
        """Return the number of kernel weights in each layer."""
        return get_network(self.network).layer_sizes(row_shape, self.n_components)

    def validate(self) -> None:
        """Raise ValueError if a value is outside its range."""


@dataclass(frozen=True, kw_only=True)
class AutoEncoderState(FittedState):
    """State of an `AutoEncoder`.

    Attributes
    ----------
    has_principal : bool
        Whether the networks contain the principal components.
    uses_network : bool
        Whether the networks contain more than the principal components.
    code_mean : ndarray of shape (n_components,)
    code_spread : ndarray of shape (n_components, n_components)
        A matrix A with A Aᵀ equal to the covariance of the codes.
    """

    file_keys: ClassVar[dict[str, str]] = {
        "has_principal": "principal",
        "uses_network": "network_kept",
    }

    has_principal: bool
    uses_network: bool
    code_mean: np.ndarray
    code_spread: np.ndarray

    def layer_sizes(self, row_shape: tuple[int, ...]) -> list[int]:
        """Return the number of kernel weights in each layer, with those of principal components."""
        sizes = super().layer_sizes(row_shape)
        n_principal = 2 * math.prod(row_shape) * self.n_components
        return [*sizes, max(0, n_principal - sum(sizes))] if self.has_principal else sizes


@dataclass(frozen=True, kw_only=True)
class VariationalState(FittedState):
    """State of a `VariationalAutoEncoder`."""

    beta: float
