"""From a model file back to the estimator that wrote it."""

from __future__ import annotations

import os
from typing import Any

from latentmap.errors import LatentmapError, ModelFileError, SettingError
from latentmap.estimators.autoencoder import AutoEncoder
from latentmap.estimators.base import BaseAutoEncoder
from latentmap.estimators.variational import VariationalAutoEncoder
from latentmap.fitting.training import Training
from latentmap.persistence import read_model

__all__ = ["load_model"]

_ESTIMATORS = {kind.__name__: kind for kind in (AutoEncoder, VariationalAutoEncoder)}


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
    AutoEncoder or VariationalAutoEncoder

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
    >>> X, path = load_iris().data, pathlib.Path(tempfile.mkdtemp()) / "iris.safetensors"
    >>> ae = AutoEncoder(2, epochs=2, random_state=0).fit(X)
    >>> ae.save(path)
    >>> bool((load_model(path).transform(X) == ae.transform(X)).all())
    True
    """
    about, arrays = read_model(path)
    if about.get("estimator") not in _ESTIMATORS:
        raise ModelFileError(f"{path}: unknown estimator {about.get('estimator')!r}")
    try:
        estimator = _unfitted(about, network, path)
        estimator._restore(about, arrays)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, LatentmapError) and not isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path}: the description of the model is damaged ({error})") from None
    return estimator


def _unfitted(about: dict[str, Any], network: Any, path: Any) -> BaseAutoEncoder:
    """Make the estimator with the parameters that the file tells."""
    parameters = dict(about["parameters"])
    if parameters["training"] is not None:
        parameters["training"] = Training(**parameters["training"])
    if not isinstance(parameters["random_state"], int):
        parameters["random_state"] = None
    if about["learned"]["network"]["name"] == "own":
        if network is None:
            raise SettingError(
                f"{path}: its networks were made by its user: expected them as "
                "network=(encoder, decoder), found none"
            )
        parameters["network"] = network
    return _ESTIMATORS[about["estimator"]](**parameters)
