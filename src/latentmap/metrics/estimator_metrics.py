"""All metrics of a fitted estimator."""

import math
import time
import warnings
from dataclasses import asdict
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.column_errors import column_errors
from latentmap.analysis.encoding import numeric_model, numeric_rows
from latentmap.analysis.model_info import FittedEstimator, ModelInfo
from latentmap.analysis.sampling import sample_rows
from latentmap.data import Source, memory
from latentmap.data.array_checks import as_labels, missing_labels
from latentmap.data.batching import read_batches
from latentmap.data.types import DataLike
from latentmap.metrics.metric_inputs import check_length, flatten
from latentmap.metrics.neighbor_metrics import neighbor_accuracy
from latentmap.metrics.rank_metrics import trustworthiness

ACCURACY_NEIGHBORS = (5, 10)
MAX_CODES = 100_000
# The cost of a brute-force search is the number of queries times the number of codes.
MAX_QUERIES = 10_000
# Limit of the rows for trustworthiness: 256 MB as float32.
MAX_SAMPLE_NUMBERS = 2**26
BYTES_PER_PAIR = 24


class EvaluatedEstimator(FittedEstimator, Protocol):
    """A fitted estimator with a reconstruction error."""

    def reconstruction_error(self, X: np.ndarray, /) -> np.ndarray:
        """Return the mean squared error of each scaled row, shape (n,)."""


class _ScoringEstimator(Protocol):
    def score(self, X: np.ndarray, /) -> float: ...


def evaluate(
    estimator: EvaluatedEstimator,
    X: DataLike,
    *,
    labels: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    reference_labels: ArrayLike | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute the metrics of a fitted estimator.

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
        Codes of the fitted rows, from which labels are predicted. By default the other codes of X
        (leave one out).
    reference_labels : array-like of shape (m,), optional
    seed : int
        Random seed of the samples: 100,000 codes, and of these 5,000 for the trustworthiness and
        10,000 for the accuracy.

    Returns
    -------
    dict
        ``rows``; ``mse``, the mean squared error of scaled rows; ``trustworthiness`` (k = 10); with
        labels ``accuracy_5`` and ``accuracy_10``, see `neighbor_accuracy`; for a variational
        estimator ``negative_elbo``, in nats per row; ``rows_per_second`` of ``transform``, without
        reading. For an estimator that was fitted to a table, ``columns`` is a list with a dict of
        the attributes of each `ColumnError`. A metric is left out if there are too few rows for it.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> pca = PCA(2).fit(X)
    >>> def error(X):
    ...     return ((pca.inverse_transform(pca.transform(X)) - X) ** 2).mean(axis=1)
    >>> pca.reconstruction_error = error
    >>> sorted(evaluate(pca, X))
    ['mse', 'rows', 'rows_per_second', 'trustworthiness']
    """
    source, model = numeric_rows(estimator, X), numeric_model(estimator)
    columns = [] if model is estimator else column_errors(estimator, X)
    row_labels = source.labels if labels is None else np.asarray(labels)
    if row_labels is not None:
        check_length("labels", len(row_labels), len(source))
    sample = sample_rows(len(source), MAX_CODES, seed)
    with warnings.catch_warnings():
        # The source has compared the column names of the batches.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        codes, figures = _evaluate_batches(model, source, sample)
    if len(sample) < len(source):
        source = source.subset(sample)
        row_labels = None if row_labels is None else row_labels[sample]
    speed = figures.pop("rows_per_second")
    n_sample = _trustworthiness_rows(math.prod(source.row_shape), len(source))
    rows = sample_rows(len(source), n_sample, seed)
    figures["trustworthiness"] = trustworthiness(source[rows], codes[rows])
    if row_labels is not None:
        figures |= _label_accuracies(codes, row_labels, reference, reference_labels, seed)
    figures["rows_per_second"] = speed
    values: dict[str, Any] = {name: x for name, x in figures.items() if not math.isnan(x)}
    return {**values, "columns": [asdict(error) for error in columns]} if columns else values


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
    figures = {"rows": len(source), **{name: total / len(source) for name, total in sums.items()}}
    figures["rows_per_second"] = len(source) / max(seconds, 1e-9)
    return np.concatenate(codes), figures


def _trustworthiness_rows(row_numbers: int, n_rows: int) -> int:
    """Return the number of rows that trustworthiness is computed on, within the memory limit."""
    n_pairs = memory.BUDGET.trustworthiness.max_bytes() // BYTES_PER_PAIR
    return min(n_rows, math.isqrt(n_pairs), max(MAX_SAMPLE_NUMBERS // row_numbers, 3))


def _label_accuracies(
    codes: np.ndarray,
    labels: np.ndarray,
    reference: ArrayLike | None,
    reference_labels: ArrayLike | None,
    seed: int,
) -> dict[str, float]:
    """Return the accuracies for the rows that have a label, if the labels are classes."""
    codes, labels = _drop_missing_labels(codes, labels)
    points = point_labels = None
    if reference is not None and reference_labels is not None:
        points, point_labels = _drop_missing_labels(np.asarray(reference), reference_labels)
    if not _are_classes(labels if point_labels is None else point_labels) or not len(labels):
        return {}
    drawn = sample_rows(len(codes), MAX_QUERIES, seed)
    pairs = (codes[drawn], labels[drawn], points, point_labels)
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
