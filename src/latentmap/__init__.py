"""Autoencoders and two-dimensional maps with the interface of scikit-learn.

The public names are imported when they are first used, so that ``import latentmap`` is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "1.0.0"

__all__ = [
    "AutoEncoder",
    "Checkpoints",
    "LatentMap",
    "Training",
    "VariationalAutoEncoder",
    "load_model",
]

_MODULES = {
    "AutoEncoder": "latentmap.autoencoders.autoencoder",
    "Checkpoints": "latentmap.training.checkpoint_folder",
    "LatentMap": "latentmap.maps.latent_map",
    "Training": "latentmap.training.config",
    "VariationalAutoEncoder": "latentmap.autoencoders.variational",
    "load_model": "latentmap.autoencoders.loading",
}

if TYPE_CHECKING:
    from latentmap.autoencoders.autoencoder import AutoEncoder
    from latentmap.autoencoders.loading import load_model
    from latentmap.autoencoders.variational import VariationalAutoEncoder
    from latentmap.maps.latent_map import LatentMap
    from latentmap.training.checkpoint_folder import Checkpoints
    from latentmap.training.config import Training


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
