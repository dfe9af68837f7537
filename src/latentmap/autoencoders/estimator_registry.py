"""The estimators by name.

A class is imported when it is asked for, because `latentmap.maps` imports this package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from latentmap.errors import UnknownNameError

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder


_MODULES = {
    "AutoEncoder": "latentmap.autoencoders.autoencoder",
    "LatentMap": "latentmap.maps.latent_map",
    "VariationalAutoEncoder": "latentmap.autoencoders.variational",
}


def estimator_class(name: str) -> type[BaseAutoEncoder]:
    """Return the class of an estimator; raise UnknownNameError if none has the name.

    Examples
    --------
    >>> estimator_class("AutoEncoder").__name__
    'AutoEncoder'
    """
    if name not in _MODULES:
        raise UnknownNameError("estimator", name, _MODULES)
    return getattr(importlib.import_module(_MODULES[name]), name)
