"""Measure the quality of a model, and format the metrics for `fit`, `evaluate` and `info`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from latentmap.analysis.column_errors import ColumnError, sort_by_error
from latentmap.analysis.table_rows import format_value
from latentmap.cli.console import format_count, print_message, print_pairs, print_table, show_status
from latentmap.cli.model_arguments import Estimator
from latentmap.cli.streaming import encode_rows
from latentmap.data import Source
from latentmap.data.caching import load_or_cache
from latentmap.metrics import evaluate

# Encoding more fitted rows takes minutes, and changes neither the plots nor the accuracy.
MAX_CODES = 100_000
_MAX_COLUMNS = 20
# Name of each metric, and the format of its value: local, global, reconstruction, layout and speed.
_METRICS = {
    "accuracy_5": ("5-NN accuracy", "{:.3f}  (labels predicted from codes)"),
    "accuracy_10": ("10-NN accuracy", "{:.3f}"),
    "recall_10": ("neighbour recall at 10", "{:.3f}  (of the nearest rows in the data)"),
    "recall_50": ("neighbour recall at 50", "{:.3f}"),
    "trustworthiness": ("trustworthiness", "{:.3f}  (10 neighbours)"),
    "continuity": ("continuity", "{:.3f}  (10 neighbours)"),
    "random_triplet_accuracy": ("triplet accuracy", "{:.3f}  (order of distances)"),
    "distance_rank_correlation": ("distance correlation", "{:.3f}  (Spearman)"),
    "centroid_rank_correlation": ("centroid correlation", "{:.3f}  (distances of class means)"),
    "mse": ("mean squared error", "{:.4g}  (of scaled rows)"),
    "negative_elbo": ("negative ELBO", "{:.2f} nats per row"),
    "layout_r2": ("R² of the layout", "{:.3f}  (codes of fitted rows)"),
    "layout_median_shift": ("distance to the layout", "{:.2%} of its width (median)"),
    "rows_per_second": ("speed of encoding", "{:,.0f} rows per second"),
}

TIMINGS = ("rows_per_second",)  # Metrics that differ between equal models.


class EncodedSample(NamedTuple):
    """Codes of rows, their labels or None, and the rows."""

    codes: np.ndarray
    labels: np.ndarray | None
    rows: Source


def encode_sample(model: Estimator, rows: Source) -> EncodedSample:
    """Encode rows, or a random sample if there are many."""
    sample = rows.sample(MAX_CODES)
    return EncodedSample(encode_rows(model, sample), sample.labels, sample)


def encode_reference(model: Estimator, rows: Source) -> EncodedSample:
    """Load and encode rows, or a random sample; `measure_quality` reads them again."""
    sample = load_or_cache(rows.sample(MAX_CODES), verbose=True, use_disk=False)
    return encode_sample(model, sample)


def encode_fitted_rows(model: Estimator, rows: Source) -> EncodedSample:
    """Load the rows of the last fit, or a random sample, with their codes.

    After `partial_fit`, the map also stores earlier rows, so that the numbers of rows differ.
    """
    codes = getattr(model, "embedding_", None)  # A map may store the codes of all fitted rows.
    if codes is None or len(codes) != len(rows):
        return encode_reference(model, rows)
    return EncodedSample(codes, rows.labels, load_or_cache(rows, verbose=True, use_disk=False))


def measure_quality(model: Estimator, rows: Source, fitted: EncodedSample | None) -> dict[str, Any]:
    """Compute quality metrics; fitted rows, if given, supply the neighbours and their labels."""
    codes, labels, fitted_rows = (None, None, None) if fitted is None else fitted
    with show_status(f"Measuring quality on {format_count(len(rows), 'row')}…"):
        return evaluate(
            model,
            rows,
            reference=codes,
            reference_labels=labels,
            reference_rows=fitted_rows,
        )


def print_quality(title: str, metrics: Mapping[str, Any]) -> None:
    """Print the metrics that were measured, and the error of each column of a table."""
    print_pairs(title, format_metrics(metrics))
    errors = [ColumnError(**column) for column in metrics.get("columns") or ()]
    if errors:
        _print_column_errors(errors)


def _print_column_errors(errors: list[ColumnError]) -> None:
    shown_errors = errors if len(errors) <= _MAX_COLUMNS else sort_by_error(errors)[:_MAX_COLUMNS]
    lines = [
        (error.name, _format_error(error, error.value), _format_error(error, error.baseline))
        for error in shown_errors
    ]
    print_table(("column", "reconstruction", "mean or most frequent value"), lines, ())
    if len(shown_errors) < len(errors):
        print_message(f"The {len(shown_errors)} of {len(errors):,} columns with the largest errors")


def _format_error(error: ColumnError, value: float) -> str:
    if error.measure == "accuracy":
        return f"{value:.1%} correct"
    return f"RMSE {format_value(value, error.unit)}"


def format_metrics(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the name and the formatted value of each metric that was measured."""
    return [
        (name, template.format(metrics[key]))
        for key, (name, template) in _METRICS.items()
        if metrics.get(key) is not None
    ]
