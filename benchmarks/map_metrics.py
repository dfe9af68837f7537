"""Metrics of the codes of unseen rows, and their standard errors, for the benchmark of maps."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from map_data import MapData

from latentmap.metrics import (
    centroid_rank_correlation,
    continuity,
    distance_rank_correlation,
    neighbor_accuracy,
    neighbor_recall,
    random_triplet_accuracy,
    trustworthiness,
)

# Metrics by their headings in the tables: local, global, reconstruction.
HEADINGS = {
    "accuracy_10": "10-NN",
    "trustworthiness": "trust",
    "continuity": "continuity",
    "recall_10": "recall 10",
    "recall_50": "recall 50",
    "triplets": "triplets",
    "distances": "distances",
    "centroids": "centroids",
    "mse": "MSE",
}
LOWER_IS_BETTER = {"mse"}
JACKKNIFE_GROUPS = 10
MIN_CENTROIDS = 4  # Three centroids have only three distances to put in order.

Inverse = Callable[[np.ndarray], np.ndarray] | None


def measure_codes(
    data: MapData, fitted_codes: np.ndarray, codes: np.ndarray, inverse: Inverse = None
) -> dict[str, float]:
    """Measure the codes of unseen rows among those of the fitted rows; NaN if undefined."""
    rows, labels = data.unseen, data.unseen_labels
    reference = (data.fitted, fitted_codes)
    has_centroids = len(np.unique(labels)) >= MIN_CENTROIDS
    error = math.nan if inverse is None else float(np.mean((rows - inverse(codes)) ** 2))
    return {
        "accuracy_10": neighbor_accuracy(codes, labels, fitted_codes, data.fitted_labels, k=10),
        "trustworthiness": trustworthiness(rows, codes),
        "continuity": continuity(rows, codes),
        "recall_10": neighbor_recall(rows, codes, *reference, k=10),
        "recall_50": neighbor_recall(rows, codes, *reference, k=50),
        "triplets": random_triplet_accuracy(rows, codes),
        "distances": distance_rank_correlation(rows, codes),
        "centroids": centroid_rank_correlation(rows, codes, labels) if has_centroids else math.nan,
        "mse": error,
    }


def standard_errors(
    data: MapData, fitted_codes: np.ndarray, codes: np.ndarray, inverse: Inverse = None
) -> dict[str, float]:
    """Estimate the standard errors of the metrics over the unseen rows.

    The error of the accuracy is binomial. Those of the other metrics are estimated by the
    delete-a-group jackknife: √((g − 1) / g Σᵢ (θᵢ − θ̄)²), where θᵢ is measured without the i-th of
    g groups of unseen rows. J. Shao and D. Tu, "The Jackknife and Bootstrap", Springer 1995.
    """
    n = len(codes)
    groups = np.arange(n) % JACKKNIFE_GROUPS
    samples = []
    for group in range(JACKKNIFE_GROUPS):
        is_kept = groups != group
        part = data._replace(unseen=data.unseen[is_kept], unseen_labels=data.unseen_labels[is_kept])
        samples.append(list(measure_codes(part, fitted_codes, codes[is_kept], inverse).values()))
    errors = np.std(samples, axis=0) * math.sqrt(JACKKNIFE_GROUPS - 1)
    result = dict(zip(HEADINGS, errors.tolist(), strict=True))
    accuracy = neighbor_accuracy(codes, data.unseen_labels, fitted_codes, data.fitted_labels, k=10)
    return result | {"accuracy_10": math.sqrt(accuracy * (1 - accuracy) / n)}
