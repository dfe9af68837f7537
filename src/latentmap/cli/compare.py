"""``latentmap compare``."""

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from latentmap import plots
from latentmap.analysis import Comparison
from latentmap.analysis import compare as compare_rows
from latentmap.analysis.comparison import MAX_REFERENCE_ROWS
from latentmap.analysis.model_info import ModelInfo
from latentmap.analysis.table_rows import TableRows, format_value
from latentmap.cli.console import print_json, print_message, print_pairs, print_table
from latentmap.cli.model_arguments import Estimator, open_model
from latentmap.cli.options import INDEX, JSON, LABEL, MODEL, REFERENCE, SEED, argument, output_path
from latentmap.cli.pictures import open_plot
from latentmap.cli.row_selection import check_output, require_one_row
from latentmap.cli.similar_query import Query, Reference, open_query, open_reference
from latentmap.cli.table_arguments import with_table_options
from latentmap.files import PICTURE_SUFFIXES
from latentmap.plots.comparison_plot import most_different_columns

EXAMPLES = (
    "latentmap compare faces.safetensors faces/#3 faces/#17 -o both.png",
    "latentmap compare faces.safetensors me.png you.png --index faces.index --json",
    "latentmap compare flowers.safetensors rows.csv#0 rows.csv#1 --label species",
)
_MAX_COLUMNS = 8
_NUMBERS = ("a", "b", "difference")
_ROW = (
    "A row: DATA#NUMBER, counted from 0, such as mnist:unseen#17, an image file, or data that has "
    "one row."
)


@with_table_options
def compare(
    model: Path = MODEL,
    a: str = argument("A", _ROW),
    b: str = argument("B", _ROW),
    reference: str | None = REFERENCE,
    index: Path | None = INDEX,
    output: Path | None = output_path(
        "FILE",
        "Plot to write (.png, .pdf, .svg): both rows, their reconstructions, and the differences.",
    ),
    seed: int = SEED,
    label: str | None = LABEL,
    as_json: bool = JSON,
) -> None:
    """Compare two rows.

    Reports the distance of their codes, and the share of random pairs of reference rows that are
    less similar.
    """
    check_output(output, PICTURE_SUFFIXES, (model, a, b, reference, index))
    estimator = open_model(model)
    first = open_query(estimator, a, label, label_required=reference is None and index is None)
    queries = [first, open_query(estimator, b, label, previous=first)]
    rows = [require_one_row(query.rows, query.text) for query in queries]
    reference_rows = open_reference(estimator, first, reference, index, label, MAX_REFERENCE_ROWS)
    comparison = compare_rows(estimator, *rows, reference=reference_rows.index, seed=seed)
    if output is not None:
        _draw(output, estimator, comparison, queries, reference_rows)
    columns = _differing_columns(estimator, comparison, first, reference_rows)
    errors = [float(estimator.reconstruction_error(row)[0]) for row in rows]
    if as_json:
        names = {"model": str(model), "a": a, "b": b, "reference": reference_rows.name}
        metrics = {
            "distance": comparison.distance,
            "farther_share": comparison.fraction_farther,
            "pairs": comparison.n_pairs,
        }
        print_json({**names, **metrics, "reconstruction_error": errors, "columns": columns})
    else:
        _print(comparison, errors, columns, reference_rows.name)


def _draw(
    path: Path,
    model: Estimator,
    comparison: Comparison,
    queries: Sequence[Query],
    reference: Reference,
) -> None:
    options: dict[str, Any]
    if comparison.table_rows is None:
        pair = comparison.rows, comparison.reconstructions
        names = queries[0].rows.feature_names
        options = {"column_names": names, "column_std": reference.column_spread(model)}
    else:
        rows, decoded = comparison.table_rows
        pair = rows.project_on_difference(rows), rows.project_on_difference(decoded)
        std = np.ones(len(rows.names))
        options = {"column_names": rows.names, "column_std": std, "cell_text": rows.cell_text}
    title = f"Distance {comparison.distance:.3g}: {_describe_similarity(comparison)}"
    with open_plot(path) as ax:
        captions = [_caption(query) for query in queries]
        plots.comparison(*pair, captions, ax, **options, title=title)


def _caption(query: Query) -> str:
    name, labels = query.rows.name, query.rows.labels
    return name if labels is None else f"{name}, {labels[0]}"


def _differing_columns(
    model: Estimator, comparison: Comparison, query: Query, reference: Reference
) -> list[dict[str, Any]]:
    """Return the columns that differ most, relative to their spread, or no columns for images."""
    if comparison.table_rows is not None:
        return _differing_table_columns(comparison, comparison.table_rows[0])
    names = query.rows.feature_names
    if names is None or ModelInfo.from_estimator(model).has_image_rows:
        return []
    a, b = comparison.rows.tolist()
    order = most_different_columns(comparison.rows, reference.column_spread(model))[:_MAX_COLUMNS]
    return [
        {"name": names[i], "a": a[i], "b": b[i], "difference": b[i] - a[i]} for i in order.tolist()
    ]


def _differing_table_columns(comparison: Comparison, rows: TableRows) -> list[dict[str, Any]]:
    """Return the columns of a table that differ; only numbers and dates have a difference."""
    deviations = np.abs(comparison.difference)
    order = np.argsort(-deviations, kind="stable")[:_MAX_COLUMNS]
    columns = []
    for i in order[deviations[order] > 0].tolist():
        column, (a, b) = rows.encoder.columns[i], rows.values[:, i].tolist()
        difference, unit = None, column.unit
        if column.role == "date":
            difference, unit = _days(*rows.table.column(column.name).to_pylist()), "days"
        elif column.role in ("number", "integer") and a is not None and b is not None:
            difference = b - a
        values = {"name": column.name, "a": a, "b": b}
        columns.append({**values, "difference": difference, "unit": unit})
    return columns


def _days(a: Any, b: Any) -> float | None:
    """Return the days from one date to another, or None if one is missing or a time of day."""
    is_missing = a is None or b is None or isinstance(a, time)
    return None if is_missing else (b - a) / timedelta(days=1)


def _describe_similarity(comparison: Comparison) -> str:
    """Describe a distance by the share of random pairs with a larger or smaller distance."""
    share = max(comparison.fraction_farther, 1 - comparison.fraction_farther)
    word = "more" if comparison.fraction_farther >= 0.5 else "less"
    if share == 1:
        return f"{word} similar than all of {comparison.n_pairs:,} random pairs"
    percent = f"{100 * share:.{2 if share > 0.99 else 0}f}"
    return f"{word} similar than {percent} % of random pairs"


def _print(
    comparison: Comparison, errors: list[float], columns: list[dict[str, Any]], reference: str
) -> None:
    pairs = [
        ("distance of codes", f"{comparison.distance:#.4g}"),
        ("similarity", f"{_describe_similarity(comparison)} of {reference}"),
        ("reconstruction errors", " and ".join(f"{error:.4g}" for error in errors)),
    ]
    print_pairs("Comparison of two rows", pairs)
    if columns:
        print_message("Columns that differ most, relative to their standard deviation:")
        lines = [[c["name"], *(_format_cell(c, key) for key in _NUMBERS)] for c in columns]
        print_table(("column", *_NUMBERS), lines, _NUMBERS)


def _format_cell(column: Mapping[str, Any], key: str) -> str:
    if key != "difference":
        return format_value(column[key])
    return "" if column[key] is None else format_value(column[key], column.get("unit"))
