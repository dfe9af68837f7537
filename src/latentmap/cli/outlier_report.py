"""Print and draw the top outliers, and arrange the scores of all rows in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentmap import plots
from latentmap.analysis import OutlierDetector, attribute
from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.model_info import fitted_table
from latentmap.analysis.outlier_scores import OutlierScores
from latentmap.analysis.table_rows import TableRows
from latentmap.cli.console import format_count, print_table
from latentmap.cli.pictures import open_plot
from latentmap.cli.table_output import Columns
from latentmap.data import Source
from latentmap.data.memory import check_memory
from latentmap.plots.style import value_text

# Names in the output, and the attribute of `OutlierScores` for each.
_FIGURES = {
    "score": "scores",
    "error_score": "error_scores",
    "distance_score": "distance_scores",
    "error": "errors",
    "distance": "distances",
}
_MAX_DIFFERENCES = 3
_MAX_DRAWN_IMAGES, _MAX_DRAWN_TABLE_ROWS = 40, 20


@dataclass(frozen=True)
class TopOutliers:
    """The rows with the highest scores, and their differences from the expected rows.

    ``values`` and ``cell_text`` are pairs, for the rows and for the expected rows. Only tables have
    ``cell_text``. Without ``column_names``, columns are named by their numbers. ``is_ordered`` is
    true for the columns of a table that have ordered values.
    """

    source: Source
    numbers: np.ndarray
    scores: OutlierScores
    values: tuple[np.ndarray, np.ndarray]
    cell_text: tuple[np.ndarray, np.ndarray] | None
    attributions: np.ndarray
    column_names: Sequence[str] | None
    is_ordered: np.ndarray | None

    @classmethod
    def explain(
        cls, scorer: OutlierDetector, source: Source, numbers: np.ndarray, scores: OutlierScores
    ) -> TopOutliers:
        """Compute the contribution of each column or pixel to the scores of these rows."""
        model, subset = scorer.estimator, source.subset(numbers)
        check_memory(f"-n {len(numbers)}", 8 * subset.nbytes * 4 // subset.dtype.itemsize)
        expected = scorer.expected(subset)
        attributions = attribute(model, subset, expected)
        names = fitted_columns(model, source)
        if fitted_table(model) is None:
            values, cell_text, is_ordered = (numeric_rows(model, subset)[:], expected), None, None
        else:
            row, expected_row = (TableRows.read(model, part) for part in (subset, expected))
            values, cell_text = (
                (row.values, expected_row.values),
                (row.cell_text, expected_row.cell_text),
            )
            is_ordered = row.is_ordered
        return cls(source, numbers, scores, values, cell_text, attributions, names, is_ordered)

    @property
    def has_image_rows(self) -> bool:
        """Whether the rows are images."""
        return len(self.source.row_shape) > 1

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the scores of each row as plain values for JSON."""
        labels = self.source.labels
        return [
            {
                "row": row,
                **({} if labels is None else {"label": labels.item(row)}),
                **{name: float(getattr(self.scores, key)[i]) for name, key in _FIGURES.items()},
                "differences": [self._describe(i, column) for column in self._largest(i)],
            }
            for i, row in enumerate(self.numbers.tolist())
        ]

    def _largest(self, i: int) -> list[int]:
        """Return the columns or pixels that differ most from what the model expects."""
        shares = self.attributions[i].ravel()
        largest_columns = np.argsort(-np.abs(shares), kind="stable")[:_MAX_DIFFERENCES]
        return largest_columns[shares[largest_columns] != 0].tolist()

    def _describe(self, i: int, column: int) -> dict[str, Any]:
        value, expected = (part[i].ravel()[column] for part in self.values)
        return {
            "column": self._column_name(column),
            "share": float(self.attributions[i].ravel()[column]),
            "value": value.item() if isinstance(value, np.generic) else value,
            "expected": expected.item() if isinstance(expected, np.generic) else expected,
        }

    def format_differences(self, i: int, max_columns: int) -> str:
        """Return the largest differences of a row as text, with the units of the columns."""
        parts = self.values if self.cell_text is None else self.cell_text
        differences = []
        for column in self._largest(i)[:max_columns]:
            value, expected = (value_text(part[i].ravel()[column]) for part in parts)
            differences.append(f"{self._column_name(column)}: {value}, expected {expected}")
        return "; ".join(differences) or "none"

    def _column_name(self, column: int) -> str:
        return _column_name(self.column_names, self.source.row_shape, column)


def fitted_columns(model: object, source: Source) -> Sequence[str] | None:
    """Return the names of the columns that scores refer to, if they have names."""
    table = fitted_table(model)
    return source.feature_names if table is None else table.names


def score_columns(
    names: Sequence[str] | None, source: Source, scores: OutlierScores, start: int
) -> tuple[Columns, Columns]:
    """Return scores as columns of numbers and of strings; row numbers begin with ``start``."""
    numbers = {"row": start + np.arange(len(scores.scores))}
    numbers |= {name: getattr(scores, field) for name, field in _FIGURES.items()}
    numbers |= {"largest_difference": scores.top_features}
    columns, inverse = np.unique(scores.top_features, return_inverse=True)
    column_names = [_column_name(names, source.row_shape, int(column)) for column in columns]
    return numbers, {"largest_difference": [column_names[i] for i in inverse]}


def _column_name(names: Sequence[str] | None, row_shape: tuple[int, ...], number: int) -> str:
    """Return the name of a column of a table, or of a pixel."""
    if names is not None:
        return str(names[number])
    if len(row_shape) == 1:
        return f"c{number}"
    return "pixel " + ",".join(map(str, np.unravel_index(number, row_shape)))


def print_outliers(top: TopOutliers) -> None:
    """Print a table of the top outliers."""
    labels = ["label"] if top.source.labels is not None else []
    max_columns = 1 if top.has_image_rows else _MAX_DIFFERENCES
    lines = []
    for i, values in enumerate(top.as_dicts()):
        scores = [f"{values[name]:.2f}" for name in ("score", "error_score", "distance_score")]
        names = [str(values[name]) for name in ("row", *labels)]
        lines.append([*names, *scores, top.format_differences(i, max_columns)])
    columns = ["row", *labels, "score", "error", "distance", "largest differences"]
    print_table(columns, lines, ["row", "score", "error", "distance"])


def draw_outliers(path: Path, top: TopOutliers) -> None:
    """Draw the top outliers, what the model expects, and the differences."""
    max_rows = _MAX_DRAWN_IMAGES if top.has_image_rows else _MAX_DRAWN_TABLE_ROWS
    parts = (*(top.cell_text or top.values), top.attributions)
    rows, expected, attributions = (part[:max_rows] for part in parts)
    pairs = zip(top.numbers[:max_rows], top.scores.scores, strict=False)
    captions = [f"row {number} ({score:.1f})" for number, score in pairs]
    details = f"the {format_count(len(rows), 'row')} with the highest scores"
    with open_plot(path, details) as ax:
        plots.attribution(
            rows, expected, attributions, captions, ax, top.column_names, is_ordered=top.is_ordered
        )
