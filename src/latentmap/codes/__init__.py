"""What codes are good for: compare, find similar, cluster, generate, find outliers, compress.

Everything here takes arrays and a fitted estimator. The names below are loaded when they are first
used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES: dict[str, str] = {
    "Clusters": "latentmap.codes.clusters",
    "CodeDistance": "latentmap.codes.distance",
    "Comparison": "latentmap.codes.comparison",
    "SearchIndex": "latentmap.codes.search",
    "cluster": "latentmap.codes.clusters",
    "compare": "latentmap.codes.comparison",
    "Outliers": "latentmap.codes.outlying",
    "Usual": "latentmap.codes.outlying",
    "blame": "latentmap.codes.blaming",
    "outliers": "latentmap.codes.outlying",
    "CodeDensity": "latentmap.codes.generate",
    "Fidelity": "latentmap.codes.fidelity",
    "density_and_coverage": "latentmap.codes.fidelity",
    "likeness": "latentmap.codes.fidelity",
    "nearest_distances": "latentmap.codes.fidelity",
    "step_sizes": "latentmap.codes.walks",
    "vary": "latentmap.codes.variations",
    "walk": "latentmap.codes.walks",
    "compress": "latentmap.codes.compression",
    "decompress": "latentmap.codes.compression",
}
"""A public name, and the module that holds it."""

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
