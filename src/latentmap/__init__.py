"""Autoencoders with scikit-learn's manners: small codes for rows, and the way back.

The names below are loaded when they are first used: importing latentmap starts no engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "AutoEncoder",
    "LatentMap",
    "Training",
    "VariationalAutoEncoder",
    "load_model",
]

_HOMES = {
    "AutoEncoder": "latentmap.estimators.autoencoder",
    "LatentMap": "latentmap.estimators.latent_map",
    "Training": "latentmap.fitting.training",
    "VariationalAutoEncoder": "latentmap.estimators.variational",
    "load_model": "latentmap.estimators.loading",
}

if TYPE_CHECKING:
    from latentmap.estimators.autoencoder import AutoEncoder
    from latentmap.estimators.latent_map import LatentMap
    from latentmap.estimators.loading import load_model
    from latentmap.estimators.variational import VariationalAutoEncoder
    from latentmap.fitting.training import Training


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
