"""Weights of networks as named arrays of a model file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from latentmap.backend import to_numpy
from latentmap.errors import ModelFileError

if TYPE_CHECKING:
    import keras

WEIGHT_PREFIX = "weight/"


def named_weights(objective: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of an objective with their names in a file, in their order."""
    return {
        f"{WEIGHT_PREFIX}{i:03d}/{_without_numbers(w.path)}": to_numpy(w.value)
        for i, w in enumerate(objective.weights)
    }


def sort_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a file that are weights, in the order of their numbers."""
    names = [name for name in arrays if name.startswith(WEIGHT_PREFIX)]
    return {name: arrays[name] for name in sorted(names, key=lambda name: int(name.split("/")[1]))}


def check_weights(weights: Mapping[str, np.ndarray], shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise ModelFileError unless the weights have the given shapes and are finite."""
    if [tuple(array.shape) for array in weights.values()] != list(shapes):
        raise ModelFileError(
            "the arrays do not fit the network that the file describes: "
            f"expected {len(shapes)} weights, found {len(weights)} or other shapes"
        )
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ModelFileError(f"{name}: expected finite weights, found NaN or infinity")


def assign_weights(objective: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Assign the weights of a file to an objective; raise ModelFileError if they do not fit."""
    variables = objective.weights
    check_weights(weights, [tuple(variable.shape) for variable in variables])
    for variable, array in zip(variables, weights.values(), strict=True):
        variable.assign(array)


def _without_numbers(path: str) -> str:
    """Remove counters from a Keras path such as "dense_7/kernel"; they differ between processes."""
    return re.sub(r"_\d+(?=/)", "", path)
