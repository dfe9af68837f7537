"""Loading of fitted estimators from model files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.autoencoders.fitting import check_numeric_parameters
from latentmap.autoencoders.persistence import restore_estimator, state_arrays
from latentmap.autoencoders.presets import estimator_class
from latentmap.autoencoders.state import FittedState
from latentmap.errors import SettingError
from latentmap.model_file import read_model
from latentmap.model_metadata import check_metadata, report_damage
from latentmap.networks.dense import check_widths
from latentmap.networks.registry import get_network
from latentmap.training.config import Training, check_training, integer_seed

if TYPE_CHECKING:
    import keras


def load_model(
    path: str | os.PathLike[str], network: tuple[keras.Model, keras.Model] | None = None
) -> BaseAutoEncoder:
    """Load a fitted estimator from a model file.

    latentmap builds the networks that the file describes, and assigns the arrays of the file to
    their weights. No code in the file is executed.

    Parameters
    ----------
    path : path-like
    network : pair of keras.Model, optional
        The pair (encoder, decoder) with which the estimator was fitted, if it was fitted with a
        pair.

    Returns
    -------
    AutoEncoder, VariationalAutoEncoder or LatentMap

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or not a model file, or if its arrays do not fit the
        description.
    SettingError
        If the model was fitted with a pair of Keras models and ``network`` is not such a pair.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn.datasets import load_iris
    >>> from latentmap import AutoEncoder
    >>> X, path = load_iris().data, pathlib.Path(tempfile.mkdtemp()) / "iris.safetensors"
    >>> ae = AutoEncoder(2, epochs=2, random_state=0).fit(X)
    >>> ae.save(path)
    >>> bool((load_model(path).transform(X) == ae.transform(X)).all())
    True
    """
    estimator, state, metadata, arrays = _read(path)
    if state.has_own_network:
        estimator.network = _check_user_pair(network, state, tuple(metadata["row_shape"]), path)
    with report_damage(path):
        restore_estimator(estimator, state, metadata, arrays)
    return estimator


def _read(
    path: str | os.PathLike[str],
) -> tuple[BaseAutoEncoder, FittedState, dict[str, Any], dict[str, np.ndarray]]:
    """Return an unfitted estimator, its state, and the metadata and arrays of a model file."""
    metadata, arrays = read_model(path)
    with report_damage(path):
        check_metadata(metadata)
        estimator = _make_estimator(metadata)
        state = estimator._state_class.from_file(metadata["learned"], state_arrays(arrays))
        check_widths((state.n_components,), "n_components")
        if not state.has_own_network:
            _check_size(state.layer_sizes(tuple(metadata["row_shape"])), arrays)
    return estimator, state, metadata, arrays


def _make_estimator(metadata: Mapping[str, Any]) -> BaseAutoEncoder:
    """Return an unfitted estimator with the parameters of a file."""
    estimator_type, parameters = estimator_class(metadata["estimator"]), metadata["parameters"]
    training = parameters["training"]
    training = None if training is None else Training(**training)
    noise = estimator_type._default_noise
    if metadata["format"] == 1:  # In format 1, noise is a parameter of the estimator.
        noise = parameters.get("noise", noise)
        parameters = {name: value for name, value in parameters.items() if name != "noise"}
    if metadata["estimator"] == "LatentMap":  # Older files store these parameters, which maps had.
        removed_parameters = ("layout", "neighbors", "loss")
        parameters = {
            name: value for name, value in parameters.items() if name not in removed_parameters
        }
    if noise != estimator_type._default_noise:
        training = clone(training or estimator_type._default_training).set_params(noise=noise)
    if parameters["scaling"] == "balanced":  # Older files use this name for "auto".
        parameters = {**parameters, "scaling": "auto"}
    random_state = parameters["random_state"]
    random_state = integer_seed(random_state) if isinstance(random_state, int) else None
    estimator = estimator_type(**{**parameters, "training": training, "random_state": random_state})
    check_training(training)
    check_numeric_parameters(estimator)
    return estimator


def _check_size(sizes: list[int], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError if the described networks have more weights than the file contains."""
    n_weights, n_stored = sum(sizes), sum(array.size for array in arrays.values())
    if len(sizes) > len(arrays) or n_weights > n_stored:
        raise ValueError(
            f"expected at least {len(sizes)} arrays with {n_weights} numbers for the networks, "
            f"found {len(arrays)} arrays with {n_stored} numbers"
        )


def _check_user_pair(
    network: object, state: FittedState, row_shape: tuple[int, ...], path: str | os.PathLike[str]
) -> tuple[keras.Model, keras.Model]:
    """Return the user's pair of models if it fits the file; raise SettingError otherwise."""
    if network is None:
        raise SettingError(
            f"{path}: the model was fitted with Keras models of the user: expected them as "
            "network=(encoder, decoder), found none"
        )
    pair = get_network(network)
    if not isinstance(pair, tuple):
        raise SettingError(f"network: expected a pair (encoder, decoder), found {network!r}")
    from latentmap.networks.assembly import check_pair

    check_pair(pair, row_shape, state.n_components)
    return pair
