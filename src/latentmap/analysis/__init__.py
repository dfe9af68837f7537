"""What codes are good for: compare, find similar, cluster, generate, find outliers, compress.

Everything here takes arrays and a fitted estimator. The names below are loaded when they are first
used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES: dict[str, str] = {
    "Clusters": "latentmap.analysis.clustering",
    "CodeDistance": "latentmap.analysis.distance",
    "Comparison": "latentmap.analysis.comparison",
    "SearchIndex": "latentmap.analysis.search",
    "cluster": "latentmap.analysis.clustering",
    "compare": "latentmap.analysis.comparison",
    "OutlierScores": "latentmap.analysis.outlier_scores",
    "OutlierDetector": "latentmap.analysis.outlier_scores",
    "attribute": "latentmap.analysis.attribution",
    "score_outliers": "latentmap.analysis.outlier_scores",
    "CodeDensity": "latentmap.analysis.sampling",
    "DensityCoverage": "latentmap.analysis.generation_metrics",
    "density_and_coverage": "latentmap.analysis.generation_metrics",
    "evaluate_generated": "latentmap.analysis.generation_metrics",
    "nearest_distances": "latentmap.analysis.generation_metrics",
    "step_sizes": "latentmap.analysis.interpolation",
    "perturb": "latentmap.analysis.perturbation",
    "interpolate": "latentmap.analysis.interpolation",
    "compress": "latentmap.analysis.compression",
    "decompress": "latentmap.analysis.compression",
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
