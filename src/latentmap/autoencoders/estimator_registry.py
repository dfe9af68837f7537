"""The estimator classes by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import latentmap
from latentmap.errors import UnknownNameError

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder

ESTIMATORS = ("AutoEncoder", "LatentMap", "VariationalAutoEncoder")


def estimator_class(name: str) -> type[BaseAutoEncoder]:
    """Return the class of an estimator; raise UnknownNameError if none has the name."""
    if name not in ESTIMATORS:
        raise UnknownNameError("estimator", name, ESTIMATORS)
    return getattr(latentmap, name)
