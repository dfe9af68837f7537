"""Loading of fitted estimators from model files."""

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from sklearn.base import clone

from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.autoencoders.estimator_registry import estimator_class
from latentmap.autoencoders.fitting import check_numbers
from latentmap.autoencoders.model_file import read_model
from latentmap.autoencoders.persistence import (
    read_history,
    read_table,
    restore_estimator,
    state_arrays,
)
from latentmap.autoencoders.state import FittedState
from latentmap.errors import ModelFileError, SettingError
from latentmap.networks.assembly import check_pair
from latentmap.networks.dense import check_widths
from latentmap.networks.registry import get_network
from latentmap.training.config import Training, check_training

_TEXT_FIELDS = ("data_set", "fingerprint")


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
    with _report_damage(path):
        restore_estimator(estimator, state, metadata, arrays)
    return estimator


def describe_model(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the metadata of a model file without building its networks.

    The metadata contain the settings, the history, the fitted state without arrays, the number of
    weights and, for a table, its columns. Raise ModelFileError if the file is missing, damaged or
    not a model file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from latentmap import AutoEncoder
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny.safetensors"
    >>> AutoEncoder(1, random_state=0).fit([[0.0, 1.0], [2.0, 3.0], [4.0, 9.0]]).save(path)
    >>> describe_model(path)["row_shape"]
    [2]
    """
    _, state, metadata, arrays = _read(path)
    with _report_damage(path):
        state.validate()
        read_history(metadata)
        read_table(metadata, arrays)
    n_weights = sum(array.size for name, array in arrays.items() if name.startswith("weight/"))
    return {**metadata, "n_weights": n_weights}


def _read(
    path: str | os.PathLike[str],
) -> tuple[BaseAutoEncoder, FittedState, dict[str, Any], dict[str, np.ndarray]]:
    """Return an unfitted estimator, its state, and the metadata and arrays of a model file."""
    metadata, arrays = read_model(path)
    with _report_damage(path):
        estimator = _make_estimator(metadata)
        state = estimator._state_class.from_file(metadata["learned"], state_arrays(arrays))
        _check_metadata(metadata, state)
        if not state.has_own_network:
            _check_size(state.layer_sizes(tuple(metadata["row_shape"])), arrays)
    return estimator, state, metadata, arrays


@contextlib.contextmanager
def _report_damage(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise ModelFileError in place of an error that a damaged description causes."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = str(error).split("\n")[0]
        raise ModelFileError(
            f"{path}: the description of the model is damaged ({type(error).__name__}: {reason})"
        ) from None


def _make_estimator(metadata: Mapping[str, Any]) -> BaseAutoEncoder:
    """Return an unfitted estimator with the parameters of a file."""
    estimator_type, parameters = estimator_class(metadata["estimator"]), metadata["parameters"]
    training = parameters["training"]
    training = None if training is None else Training(**training)
    noise = estimator_type._default_noise
    if metadata["format"] == 1:  # In format 1, noise is a parameter of the estimator.
        noise = parameters.get("noise", noise)
        parameters = {name: value for name, value in parameters.items() if name != "noise"}
    if noise != estimator_type._default_noise:
        training = clone(training or estimator_type._default_training).set_params(noise=noise)
    if parameters["scaling"] == "balanced":  # Older files use this name for "auto".
        parameters = {**parameters, "scaling": "auto"}
    random_state = parameters["random_state"]
    random_state = random_state if isinstance(random_state, int) else None
    estimator = estimator_type(**{**parameters, "training": training, "random_state": random_state})
    check_training(training)
    check_numbers(estimator)
    return estimator


def _check_metadata(metadata: Mapping[str, Any], state: FittedState) -> None:
    check_widths((state.n_components,), "n_components")
    check_widths(tuple(metadata["row_shape"]), "row_shape")
    if metadata["feature_names"] is not None:
        n_columns = math.prod(metadata["row_shape"])
        if metadata.get("table") is not None:
            n_columns = len(metadata["table"]["columns"])
        _check_names(metadata["feature_names"], n_columns)
    _check_fit_report(metadata["figures"] or {})


def _check_size(sizes: list[int], arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError if the described networks have more weights than the file contains."""
    n_weights, n_stored = sum(sizes), sum(array.size for array in arrays.values())
    if len(sizes) > len(arrays) or n_weights > n_stored:
        raise ValueError(
            f"expected at least {len(sizes)} arrays with {n_weights} numbers for the networks, "
            f"found {len(arrays)} arrays with {n_stored} numbers"
        )


def _check_fit_report(report: Mapping[str, Any]) -> None:
    """Raise TypeError if a recorded metric, name or held-out split has a wrong type."""
    for held_out in (report.get("held_out") or {}, *(report.get("held_out_before") or ())):
        if not all(isinstance(held_out.get(name), str | None) for name in _TEXT_FIELDS):
            raise TypeError("held-out rows: expected names as strings")
        counts = [v for k, v in held_out.items() if k not in _TEXT_FIELDS]
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise TypeError("held-out rows: expected numbers of rows of at least 0")
    if not isinstance(report.get("label"), str | None):
        raise TypeError("label: expected a name as a string")
    _check_column_errors(report.get("columns") or [])
    if not isinstance(report.get("table_options"), dict | None):
        raise TypeError("table_options: expected options by their names")
    others = {"held_out", "held_out_before", "label", "columns", "table_options"}
    numbers = set(report) - others
    if not all(isinstance(report[name], int | float | None) for name in numbers):
        raise TypeError("metrics: expected numbers or null")


def _check_column_errors(columns: list[Mapping[str, Any]]) -> None:
    """Raise TypeError if the recorded error of a column has a wrong type."""
    for column in columns:
        string_keys, number_keys = ("name", "measure"), ("value", "baseline", "n_values")
        is_valid = all(isinstance(column[key], str) for key in string_keys)
        is_valid &= all(type(column[key]) in (int, float) for key in number_keys)
        if not is_valid or not isinstance(column["unit"], str | None):
            raise TypeError(
                "column errors: expected the name, the measure and the values of each column"
            )


def _check_names(names: list[str], n_features: int) -> None:
    if not all(isinstance(name, str) for name in names) or len(names) != n_features:
        raise ValueError(f"feature_names: expected {n_features} names")


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
    check_pair(pair, row_shape, state.n_components)
    return pair
