"""All metrics of a fitted estimator."""

import math
import time
import warnings
from dataclasses import asdict
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.column_errors import column_errors
from latentmap.analysis.encoding import numeric_model, numeric_rows
from latentmap.analysis.model_info import FittedEstimator, ModelInfo
from latentmap.analysis.sampling import sample_rows
from latentmap.data import Source
from latentmap.data.array_checks import as_labels, missing_labels
from latentmap.data.batching import read_batches
from latentmap.data.types import DataLike
from latentmap.metrics.direction_rows import comparable_rows
from latentmap.metrics.metric_inputs import check_length, flatten
from latentmap.metrics.neighbor_metrics import neighbor_accuracy
from latentmap.metrics.sample_metrics import (
    EncodedRows,
    neighbor_recalls,
    rank_and_distance_metrics,
)
from latentmap.number_checks import check_seed

ACCURACY_NEIGHBORS = (5, 10)
MAX_CODES = 100_000
# The cost of a brute-force search is the number of queries times the number of codes.
MAX_QUERIES = 10_000


class EvaluatedEstimator(FittedEstimator, Protocol):
    """A fitted estimator with a reconstruction error."""

    def reconstruction_error(self, X: np.ndarray, /) -> np.ndarray:
        """Return the mean squared error of each scaled row, shape (n,)."""


class _ScoringEstimator(Protocol):
    def score(self, X: np.ndarray, /) -> float: ...


class _Reference(NamedTuple):
    """Fitted rows, their codes and their labels, as far as they are known."""

    rows: Source | None
    codes: np.ndarray | None
    labels: ArrayLike | None

    @property
    def encoded(self) -> EncodedRows | None:
        """The rows with their codes, if they are known."""
        if self.rows is None or self.codes is None:
            return None
        return EncodedRows(self.rows, self.codes)


def evaluate(
    estimator: EvaluatedEstimator,
    X: DataLike,
    *,
    labels: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    reference_labels: ArrayLike | None = None,
    reference_rows: DataLike | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute the metrics of a fitted estimator.

    Rows are compared by their Euclidean distance, or by the ``metric`` of a `LatentMap` if that is
    "cosine" or "correlation".

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``reconstruction_error``.
    X : Source, sparse matrix or array-like of shape (n, ...)
        Rows, preferably not those that were fitted.
    labels : array-like of shape (n,), optional
        By default the labels of the source. Labels with more than n / 2 distinct values, such as
        measurements, are not scored, and neither are rows without a label (NaN, None or "").
    reference : array-like of shape (m, n_components), optional
        Codes of the fitted rows, from which labels are predicted. By default they are computed from
        ``reference_rows``; without both, labels are predicted from the other codes of X.
    reference_labels : array-like of shape (m,), optional
        By default the labels of ``reference_rows``, if it is a source.
    reference_rows : Source, sparse matrix or array-like of shape (m, ...), optional
        The fitted rows, among which the neighbours for the recall are searched. By default they are
        searched among the other rows of X.
    seed : int
        Random seed of the samples: 100,000 codes, and of these 10,000 for the accuracy, 5,000 for
        ranks and distances, and for the recall as many as are searched in one to two seconds.

    Returns
    -------
    dict
        ``rows``, their number. Local metrics: with labels ``accuracy_5`` and ``accuracy_10``, see
        `neighbor_accuracy`; ``recall_10`` and ``recall_50``, see `neighbor_recall`;
        ``trustworthiness`` and ``continuity`` (k = 10). Global metrics:
        ``random_triplet_accuracy``, ``distance_rank_correlation``, and with labels
        ``centroid_rank_correlation``.
        Reconstruction: ``mse``, the mean squared error of scaled rows; for a variational estimator
        ``negative_elbo``, in nats per row. ``rows_per_second`` of ``transform``, without reading.
        For an estimator that was fitted to a table, ``columns`` is a list with a dict of the
        attributes of each `ColumnError`. A metric is left out if there are too few rows for it.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> pca = PCA(2).fit(X)
    >>> def error(X):
    ...     return ((pca.inverse_transform(pca.transform(X)) - X) ** 2).mean(axis=1)
    >>> pca.reconstruction_error = error
    >>> list(evaluate(pca, X))
    ['rows', 'recall_10', 'trustworthiness', 'continuity', 'random_triplet_accuracy',
     'distance_rank_correlation', 'mse', 'rows_per_second']
    """
    check_seed(seed)
    source, model = numeric_rows(estimator, X), numeric_model(estimator)
    columns = [] if model is estimator else column_errors(estimator, X)
    row_labels = source.labels if labels is None else np.asarray(labels)
    if row_labels is not None:
        check_length("labels", len(row_labels), len(source))
    sample = sample_rows(len(source), MAX_CODES, seed)
    with warnings.catch_warnings():
        # The column names of all batches have been compared before.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        fitted = _read_reference(estimator, reference_rows, reference, reference_labels, seed)
        codes, batch_metrics = _evaluate_batches(model, source, sample)
    if len(sample) < len(source):
        source = source.subset(sample)
        row_labels = None if row_labels is None else row_labels[sample]
    metrics = {
        "rows": batch_metrics["rows"],
        **_structure_metrics(
            EncodedRows(comparable_rows(estimator, source), codes), row_labels, fitted, seed
        ),
        **batch_metrics,
    }
    values: dict[str, Any] = {name: x for name, x in metrics.items() if not math.isnan(x)}
    return {**values, "columns": [asdict(error) for error in columns]} if columns else values


def _read_reference(
    estimator: EvaluatedEstimator,
    rows: DataLike | None,
    codes: ArrayLike | None,
    labels: ArrayLike | None,
    seed: int,
) -> _Reference:
    """Return reference rows, codes and labels, or a sample if many rows must be encoded."""
    if rows is None:
        return _Reference(None, codes if codes is None else flatten(codes), labels)
    source = numeric_rows(estimator, rows)
    row_labels = source.labels if labels is None else np.asarray(labels)
    if row_labels is not None:
        check_length("reference_labels", len(row_labels), len(source))
    if codes is not None:
        check_length("reference", len(points := flatten(codes)), len(source))
        return _Reference(comparable_rows(estimator, source), points, row_labels)
    sample = sample_rows(len(source), MAX_CODES, seed)
    if len(sample) < len(source):
        source = source.subset(sample)
        row_labels = None if row_labels is None else row_labels[sample]
    model = numeric_model(estimator)
    points = np.concatenate([flatten(model.transform(batch)) for _, batch in read_batches(source)])
    return _Reference(comparable_rows(estimator, source), points, row_labels)


def _structure_metrics(
    encoded: EncodedRows, labels: np.ndarray | None, reference: _Reference, seed: int
) -> dict[str, float]:
    """Return the local and the global metrics of codes."""
    metrics = {}
    if labels is not None:
        metrics = _label_accuracies(encoded.codes, labels, reference, seed)
    # Centroids are computed only for labels that are classes, like the accuracies.
    class_labels = labels if metrics else None
    metrics |= neighbor_recalls(encoded, reference.encoded, seed)
    return metrics | rank_and_distance_metrics(encoded, class_labels, seed)


def _evaluate_batches(
    estimator: EvaluatedEstimator, source: Source, sample: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """Return the codes of the sampled rows, and the metrics that are computed batch by batch."""
    codes: list[np.ndarray] = []
    seconds, sums = 0.0, {"mse": 0.0}
    is_variational = ModelInfo.from_estimator(estimator).is_variational
    for batch_slice, rows in read_batches(source):
        if not codes:
            estimator.transform(rows[:1])  # Compilation is not part of the speed.
        start = time.perf_counter()
        batch_codes = flatten(estimator.transform(rows))
        seconds += time.perf_counter() - start
        start_index, stop_index = np.searchsorted(sample, [batch_slice.start, batch_slice.stop])
        codes.append(batch_codes[sample[start_index:stop_index] - batch_slice.start])
        sums["mse"] += float(np.mean(estimator.reconstruction_error(rows))) * len(rows)
        if is_variational:
            elbo = float(cast(_ScoringEstimator, estimator).score(rows))
            sums["negative_elbo"] = sums.get("negative_elbo", 0.0) - elbo * len(rows)
    means = {name: total / len(source) for name, total in sums.items()}
    speed = len(source) / max(seconds, 1e-9)
    return np.concatenate(codes), {"rows": len(source), **means, "rows_per_second": speed}


def _label_accuracies(
    codes: np.ndarray,
    labels: np.ndarray,
    reference: _Reference,
    seed: int,
) -> dict[str, float]:
    """Return the accuracies for the rows that have a label, if the labels are classes."""
    codes, labels = _drop_missing_labels(codes, labels)
    points = point_labels = None
    if reference.codes is not None and reference.labels is not None:
        points, point_labels = _drop_missing_labels(reference.codes, reference.labels)
    if not _are_classes(labels if point_labels is None else point_labels) or not len(labels):
        return {}
    sample = sample_rows(len(codes), MAX_QUERIES, seed)
    pairs = (codes[sample], labels[sample], points, point_labels)
    return {f"accuracy_{k}": neighbor_accuracy(*pairs, k=k) for k in ACCURACY_NEIGHBORS}


def _drop_missing_labels(codes: np.ndarray, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes and the labels of the rows that have a label."""
    labels = as_labels(labels)
    check_length("labels", len(labels), len(codes))
    is_known = ~missing_labels(labels)
    return codes[is_known], labels[is_known]


def _are_classes(labels: ArrayLike | None) -> bool:
    array = np.asarray(labels)
    return 1 < len(np.unique(array)) <= len(array) / 2
