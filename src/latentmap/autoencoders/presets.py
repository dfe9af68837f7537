"""Recipes: named sets of settings. A recipe is a row in a table, never a path through code."""

from __future__ import annotations

from typing import Any, NamedTuple

from sklearn.base import clone

from latentmap.autoencoders.autoencoder import AutoEncoder
from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.autoencoders.variational import VariationalAutoEncoder
from latentmap.errors import UnknownNameError
from latentmap.maps.latent_map import TRAINING, LatentMap
from latentmap.networks.dense import LinearNetwork
from latentmap.training.config import Training

__all__ = ["RECIPES", "Recipe", "make"]


class Recipe(NamedTuple):
    """A named set of settings."""

    estimator: type[BaseAutoEncoder]
    settings: dict[str, Any]
    description: str


RECIPES = {
    "article": Recipe(
        AutoEncoder,
        {
            "network": LinearNetwork(principal=False),
            "loss": "binary_crossentropy",
            "epochs": 5,
            "training": Training(
                batch_size=32, learning_rate=0.001, schedule="constant", patience=None, held_out=0
            ),
        },
        "the article's network: one dense layer each way, Adam, Keras's binary cross-entropy",
    ),
    "dense": Recipe(AutoEncoder, {"network": "dense"}, "dense layers beside the components of PCA"),
    "conv": Recipe(AutoEncoder, {"network": "conv"}, "convolutions, for images"),
    "map": Recipe(
        LatentMap,
        {"training": TRAINING},
        "a faithful map in 2 or 3 numbers, that can be read backwards",
    ),
    "variational": Recipe(
        VariationalAutoEncoder, {"network": "dense"}, "codes with a known distribution"
    ),
}


def make(recipe: str, **settings: Any) -> BaseAutoEncoder:
    """Make an unfitted estimator from a recipe.

    Parameters
    ----------
    recipe : str
    **settings
        Parameters of the estimator that take the place of the recipe's.

    Returns
    -------
    AutoEncoder, VariationalAutoEncoder or LatentMap

    Raises
    ------
    UnknownNameError
        If no recipe has that name.

    Examples
    --------
    >>> make("article", n_components=3).epochs
    5
    """
    if recipe not in RECIPES:
        raise UnknownNameError("recipe", recipe, RECIPES)
    found = RECIPES[recipe]
    return clone(found.estimator(**{**found.settings, **settings}))
