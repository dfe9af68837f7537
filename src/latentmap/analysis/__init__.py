"""Analysis of codes: search, comparison, clusters, generation, outliers and compression.

All functions take arrays or a fitted estimator. Names are imported on first use, so that importing
this package takes no time.
"""

import importlib
from typing import Any

_NAMES_BY_MODULE = {
    "attribution": ("attribute",),
    "clustering": ("Clusters", "cluster"),
    "comparison": ("Comparison", "compare"),
    "compression": ("compress", "decompress"),
    "distance": ("CodeDistance",),
    "generation_metrics": (
        "DensityCoverage",
        "density_and_coverage",
        "evaluate_generated",
        "nearest_distances",
    ),
    "group_differences": ("Difference", "explain_groups"),
    "group_names": ("name_groups",),
    "interpolation": ("interpolate", "step_sizes"),
    "outlier_scores": ("OutlierDetector", "OutlierScores", "score_outliers"),
    "perturbation": ("perturb",),
    "sampling": ("CodeDensity",),
    "search": ("SearchIndex",),
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}

__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    globals()[name] = getattr(module, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
