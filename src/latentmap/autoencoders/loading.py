"""From a model file back to the estimator that wrote it."""

import contextlib
import math
import os
from collections.abc import Iterator
from typing import Any

from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.autoencoders.estimator_registry import estimator_class
from latentmap.autoencoders.model_file import read_model
from latentmap.errors import ModelFileError, SettingError
from latentmap.networks.assembly import check_pair
from latentmap.networks.dense import check_widths
from latentmap.networks.registry import network_for
from latentmap.training.config import Training

_TEXTS = ("data_set", "fingerprint")


def load_model(path: str | os.PathLike[str], network: Any = None) -> Any:
    """Read a fitted estimator from a model file.

    The networks are built by this package from what the file says, and filled with the file's
    arrays; nothing in the file is executed.

    Parameters
    ----------
    path : path-like
    network : pair of keras.Model, optional
        The (encoder, decoder) that the estimator was fitted with, where they were the user's own.

    Returns
    -------
    AutoEncoder, VariationalAutoEncoder or LatentMap

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, no model, or describes one that its arrays do not fill.
    SettingError
        If the model's networks were the user's own, and are not handed in.

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
    estimator, about, arrays = _read(path)
    if about["learned"]["network"]["name"] == "own":
        estimator.network = _handed_in(network, about, path)
    with _blaming(path):
        estimator._restore(about, arrays)
    return estimator


def describe_model(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Tell what is in a model file, without building its networks.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict
        "estimator", "parameters", "row_shape", "dtype", "feature_names", "history", "learned",
        "figures", "versions", and "n_weights", the number of numbers in the networks.

    Raises
    ------
    ModelFileError
        As `load_model`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from latentmap import AutoEncoder
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny.safetensors"
    >>> AutoEncoder(1, random_state=0).fit([[0.0, 1.0], [2.0, 3.0], [4.0, 9.0]]).save(path)
    >>> describe_model(path)["row_shape"]
    [2]
    """
    estimator, about, arrays = _read(path)
    with _blaming(path):
        estimator._restore_about(about)
    weights = [array.size for name, array in arrays.items() if name.startswith("weight/")]
    return {**about, "n_weights": sum(weights)}


def _read(path: str | os.PathLike[str]) -> tuple[BaseAutoEncoder, dict[str, Any], dict]:
    """Read a file; give its estimator, unfitted, and what it holds, checked for sense."""
    about, arrays = read_model(path)
    with _blaming(path):
        estimator = _unfitted(about)
        _check_claims(estimator, about, arrays)
    return estimator, about, arrays


@contextlib.contextmanager
def _blaming(path: Any) -> Iterator[None]:
    """Turn whatever goes wrong with a description into one kind of error."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        about = str(error).split("\n")[0]
        raise ModelFileError(
            f"{path}: the description of the model is damaged ({type(error).__name__}: {about})"
        ) from None


def _unfitted(about: dict[str, Any]) -> BaseAutoEncoder:
    """Make the estimator with the parameters that the file tells."""
    parameters = dict(about["parameters"])
    if parameters["training"] is not None:
        parameters["training"] = Training(**parameters["training"])
    if not isinstance(parameters["random_state"], int):
        parameters["random_state"] = None
    estimator = estimator_class(about["estimator"])(**parameters)
    estimator._check_numbers()
    return estimator


def _check_claims(estimator: BaseAutoEncoder, about: dict[str, Any], arrays: dict) -> None:
    """Compare what the description would need with what the file holds, before building it."""
    row_shape, learned = tuple(about["row_shape"]), about["learned"]
    n_components = learned["n_components"]
    check_widths((n_components,), "n_components")
    check_widths(row_shape, "row_shape")
    if about["feature_names"] is not None:
        _check_names(about["feature_names"], math.prod(row_shape))
    _check_figures(about["figures"] or {})
    if learned["network"]["name"] == "own":
        return
    sizes = estimator._layer_sizes(row_shape, learned)
    told, held = sum(sizes), sum(array.size for array in arrays.values())
    if len(sizes) > len(arrays) or told > held:
        raise ValueError(
            f"it tells of {len(sizes)} layers of {told} numbers, "
            f"the file holds {len(arrays)} arrays of {held}"
        )


def _check_figures(figures: Any) -> None:
    """Figures are numbers, but for the label's name and how rows were held out."""
    for held_out in (figures.get("held_out") or {}, *(figures.get("held_out_before") or ())):
        if not all(isinstance(held_out.get(name), str | None) for name in _TEXTS):
            raise TypeError("figures: expected names as text")
        counts = [v for k, v in held_out.items() if k not in _TEXTS]
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise TypeError("figures: expected whole numbers of held-out rows")
    if not isinstance(figures.get("label"), str | None):
        raise TypeError("figures: expected names as text")
    numbers = {
        k: v for k, v in figures.items() if k not in ("held_out", "held_out_before", "label")
    }
    if not all(isinstance(number, int | float | None) for number in numbers.values()):
        raise TypeError("figures: expected numbers")


def _check_names(names: Any, n_features: int) -> None:
    if not all(isinstance(name, str) for name in names) or len(names) != n_features:
        raise ValueError(f"feature_names: expected {n_features} names")


def _handed_in(network: Any, about: dict[str, Any], path: Any) -> Any:
    """Check the user's own pair of models."""
    if network is None:
        raise SettingError(
            f"{path}: its networks were made by its user: expected them as "
            "network=(encoder, decoder), found none"
        )
    pair = network_for(network)
    if not isinstance(pair, tuple):
        raise SettingError(f"network: expected a pair (encoder, decoder), found {network!r}")
    check_pair(pair, tuple(about["row_shape"]), about["learned"]["n_components"])
    return pair
