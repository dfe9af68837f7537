"""Metrics of codes and reconstructions, preferably of rows that were not fitted.

Local metrics compare neighbours: `neighbor_accuracy`, `neighbor_recall`, `trustworthiness` and
`continuity`. Global metrics compare distances between any rows: `random_triplet_accuracy`,
`distance_rank_correlation` and `centroid_rank_correlation`. `column_errors` measures the
reconstruction of a table. `evaluate` computes all metrics of a fitted estimator.
"""

from latentmap.analysis.column_errors import ColumnError, column_errors
from latentmap.metrics.distance_metrics import (
    centroid_rank_correlation,
    distance_rank_correlation,
    random_triplet_accuracy,
)
from latentmap.metrics.estimator_metrics import evaluate
from latentmap.metrics.neighbor_metrics import neighbor_accuracy
from latentmap.metrics.neighbor_recall import (
    nearest_rows,
    neighbor_overlap,
    neighbor_recall,
    neighbor_recall_per_row,
)
from latentmap.metrics.rank_metrics import continuity, trustworthiness

__all__ = [
    "ColumnError",
    "centroid_rank_correlation",
    "column_errors",
    "continuity",
    "distance_rank_correlation",
    "evaluate",
    "nearest_rows",
    "neighbor_accuracy",
    "neighbor_overlap",
    "neighbor_recall",
    "neighbor_recall_per_row",
    "random_triplet_accuracy",
    "trustworthiness",
]
