"""Presets: named sets of estimator settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sklearn.base import clone

import latentmap
from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.errors import UnknownNameError
from latentmap.networks.dense import LinearNetwork
from latentmap.training.config import Training

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder


class Preset(NamedTuple):
    """A named set of settings: the name of an estimator class and parameters of its constructor."""

    estimator: str
    settings: dict[str, Any]


PRESETS = {
    "article": Preset(
        "AutoEncoder",
        {
            "network": LinearNetwork(principal=False),
            "loss": "binary_crossentropy",
            "epochs": 5,
            "training": Training(
                batch_size=32, learning_rate=0.001, schedule="constant", patience=None, held_out=0
            ),
        },
    ),
    "dense": Preset("AutoEncoder", {"network": "dense"}),
    "conv": Preset("AutoEncoder", {"network": "conv"}),
    "map": Preset(
        "LatentMap", {"training": Training(learning_rate=0.01, patience=None, held_out=0)}
    ),
    "variational": Preset("VariationalAutoEncoder", {"network": "dense"}),
}


def make_estimator(preset: str, **settings: Any) -> BaseAutoEncoder:
    """Return an unfitted estimator with the settings of a preset.

    Parameters
    ----------
    preset : str
    **settings
        Parameters of the estimator that replace those of the preset.

    Returns
    -------
    AutoEncoder, VariationalAutoEncoder or LatentMap

    Raises
    ------
    UnknownNameError
        If no preset has that name.

    Examples
    --------
    >>> make_estimator("article", n_components=3).epochs
    5
    """
    if preset not in PRESETS:
        raise UnknownNameError("recipe", preset, PRESETS)
    estimator, defaults = PRESETS[preset]
    return clone(estimator_class(estimator)(**{**defaults, **settings}))


ESTIMATORS = ("AutoEncoder", "LatentMap", "VariationalAutoEncoder")


def estimator_class(name: str) -> type[BaseAutoEncoder]:
    """Return the class of an estimator; raise UnknownNameError if none has the name."""
    if name not in ESTIMATORS:
        raise UnknownNameError("estimator", name, ESTIMATORS)
    return getattr(latentmap, name)
