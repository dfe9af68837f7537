"""Print and draw the top outliers, and arrange the scores of all rows in columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentmap import plots
from latentmap.analysis import OutlierDetector, attribute
from latentmap.analysis.outlier_scores import OutlierScores
from latentmap.cli.console import format_count, print_table
from latentmap.cli.pictures import open_plot
from latentmap.cli.table_output import Columns
from latentmap.data import Source
from latentmap.data.memory import check_memory

# Each name in the output, and the attribute of `OutlierScores` with its values.
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
    """The rows with the highest scores, and their differences from the expected rows."""

    source: Source
    numbers: np.ndarray
    scores: OutlierScores
    rows: np.ndarray
    expected: np.ndarray
    attributions: np.ndarray

    @classmethod
    def explain(
        cls, scorer: OutlierDetector, source: Source, numbers: np.ndarray, scores: OutlierScores
    ) -> TopOutliers:
        """Compute the contribution of each column or pixel to the scores of these rows."""
        subset = source.subset(numbers)
        check_memory(f"-n {len(numbers)}", 8 * subset.nbytes * 4 // subset.dtype.itemsize)
        expected = scorer.expected(subset)
        attributions = attribute(scorer.estimator, subset, expected)
        return cls(source, numbers, scores, subset[:], expected, attributions)

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
                "differences": self._differences(i),
            }
            for i, row in enumerate(self.numbers.tolist())
        ]

    def _differences(self, i: int) -> list[dict[str, Any]]:
        """Return the columns or pixels that differ most from what the model expects."""
        parts = (self.attributions, self.rows, self.expected)
        shares, row, expected = (part[i].ravel() for part in parts)
        largest = np.argsort(-np.abs(shares), kind="stable")[:_MAX_DIFFERENCES]
        return [
            {
                "column": _column_name(self.source, int(j)),
                "share": float(shares[j]),
                "value": float(row[j]),
                "expected": float(expected[j]),
            }
            for j in largest[shares[largest] != 0]
        ]


def score_columns(source: Source, scores: OutlierScores, start: int) -> tuple[Columns, Columns]:
    """Return scores as columns of numbers and of strings; row numbers begin with ``start``."""
    numbers = {"row": start + np.arange(len(scores.scores))}
    numbers |= {name: getattr(scores, field) for name, field in _FIGURES.items()}
    numbers |= {"largest_difference": scores.top_features}
    columns, inverse = np.unique(scores.top_features, return_inverse=True)
    names = [_column_name(source, int(column)) for column in columns]
    return numbers, {"largest_difference": [names[i] for i in inverse]}


def _column_name(source: Source, number: int) -> str:
    """Return the name of a column of a table, or of a pixel."""
    if source.feature_names is not None:
        return str(source.feature_names[number])
    if len(source.row_shape) == 1:
        return f"c{number}"
    return "pixel " + ",".join(map(str, np.unravel_index(number, source.row_shape)))


def print_outliers(top: TopOutliers) -> None:
    """Print a table of the top outliers."""
    labels = ["label"] if top.source.labels is not None else []
    max_rows = 1 if top.has_image_rows else _MAX_DIFFERENCES
    lines = []
    for values in top.as_dicts():
        scores = [f"{values[name]:.2f}" for name in ("score", "error_score", "distance_score")]
        names = [str(values[name]) for name in ("row", *labels)]
        lines.append([*names, *scores, _format_differences(values["differences"][:max_rows])])
    columns = ["row", *labels, "score", "error", "distance", "largest differences"]
    print_table(columns, lines, ["row", "score", "error", "distance"])


def _format_differences(differences: list[dict[str, Any]]) -> str:
    texts = (f"{d['column']}: {d['value']:.4g}, expected {d['expected']:.4g}" for d in differences)
    return "; ".join(texts) or "none"


def draw_outliers(path: Path, top: TopOutliers) -> None:
    """Draw the top outliers, what the model expects, and the differences."""
    max_rows = _MAX_DRAWN_IMAGES if top.has_image_rows else _MAX_DRAWN_TABLE_ROWS
    parts = (top.rows, top.expected, top.attributions)
    rows, expected, attributions = (part[:max_rows] for part in parts)
    pairs = zip(top.numbers[:max_rows], top.scores.scores, strict=False)
    captions = [f"row {number} ({score:.1f})" for number, score in pairs]
    details = f"the {format_count(len(rows), 'row')} with the highest scores"
    with open_plot(path, details) as ax:
        plots.attribution(rows, expected, attributions, captions, ax, top.source.feature_names)
