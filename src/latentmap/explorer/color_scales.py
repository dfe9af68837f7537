"""Colour scales of the page: the labels, scores and columns that points can be coloured by."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from latentmap.explorer.display_columns import CATEGORY, TEXT
from latentmap.explorer.map_regions import MapRegions
from latentmap.explorer.row_scores import CLUSTER, RowScores
from latentmap.explorer.table_columns import (
    MAX_CATEGORIES,
    MISSING,
    OTHER_CATEGORIES,
    TableColumns,
    quantize,
)
from latentmap.plots.label_encoding import class_name
from latentmap.plots.style import PALETTE


@dataclass(frozen=True)
class ColorValues:
    """The value of each row on a colour scale, as uint16.

    ``values`` are indices of ``categories``, or integers from 0 to 65,534 for numbers from ``low``
    to ``high``. 65,535 is a missing value.
    """

    values: np.ndarray
    categories: list[str] | None = None
    low: float | None = None
    high: float | None = None

    def describe(self) -> dict[str, object]:
        """Return the categories or the range, as JSON values."""
        if self.categories is not None:
            return {"categories": self.categories}
        return {"low": self.low, "high": self.high}


@dataclass(frozen=True)
class ColorScale:
    """A label, score or table column that points can be coloured by.

    ``compute`` returns the values; the first call may take seconds, and ``is_computed`` returns
    whether it has been made. ``column`` is the index of a displayed table column.
    """

    name: str
    compute: Callable[[], ColorValues]
    is_computed: Callable[[], bool] = lambda: True
    column: int | None = None

    def describe(self) -> dict[str, object]:
        """Return the name, the column and whether values are computed, as JSON values."""
        column = {} if self.column is None else {"column": self.column}
        return {"name": self.name, "is_computed": self.is_computed(), **column}


def list_color_scales(
    labels: np.ndarray | None,
    scores: RowScores,
    regions: MapRegions,
    table: TableColumns | None,
) -> list[ColorScale]:
    """Return the colour scales of labels, scores, and table columns except text columns."""
    scales = [] if labels is None else [ColorScale("label", partial(encode_labels, labels))]
    scales += [_score_scale(scores, regions, name) for name in scores.names]
    if table is not None:
        for j, column in enumerate(table.columns):
            if column.kind != TEXT:
                scales.append(ColorScale(column.name, partial(encode_column, table, j), column=j))
    return scales


def _score_scale(scores: RowScores, regions: MapRegions, name: str) -> ColorScale:
    def compute() -> ColorValues:
        if name != CLUSTER:
            return encode_numbers(scores[name])
        clusters = encode_classes(scores[name])
        # Of more than 1,000 clusters, the smallest form one class, which has no name of a cluster.
        names = regions.cluster_names
        return replace(clusters, categories=names) if len(names) <= MAX_CATEGORIES else clusters

    return ColorScale(name, compute, partial(scores.is_computed, name))


def encode_column(table: TableColumns, j: int) -> ColorValues:
    """Encode a column of a table: numbers and dates by their range, others by category."""
    if table.columns[j].kind == CATEGORY:
        values = table.encode_categories(j, table.values.column(j))
        return ColorValues(values, table.categories[j])
    return encode_numbers(table.column_values(j))


def encode_labels(labels: np.ndarray) -> ColorValues:
    """Encode labels as classes, or as numbers if they have more distinct numbers than colours.

    None, NaN and empty strings are missing labels.
    """
    is_known = known_labels(labels)
    present_labels = labels[is_known]
    present_labels = np.array(present_labels.tolist()) if labels.dtype == object else present_labels
    is_number = present_labels.dtype.kind in "iuf"
    if is_number and len(np.unique(present_labels)) > len(PALETTE):
        numbers = np.full(len(labels), np.nan)
        numbers[is_known] = present_labels
        return encode_numbers(numbers)
    classes = encode_classes(present_labels)
    values = np.full(len(labels), MISSING, "<u2")
    values[is_known] = classes.values
    return ColorValues(values, classes.categories)


def known_labels(labels: np.ndarray) -> np.ndarray:
    """Return a mask of the labels that are not None, NaN or an empty string."""
    if labels.dtype.kind == "f":
        return ~np.isnan(labels)
    if labels.dtype.kind in "OUT":
        return np.array([x is not None and x != "" and x == x for x in labels.tolist()], bool)
    return np.ones(len(labels), bool)


def encode_classes(labels: np.ndarray) -> ColorValues:
    """Encode labels as classes; the smallest of more than 1,000 classes become "(others)"."""
    classes, indices, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) <= MAX_CATEGORIES:
        return ColorValues(indices.astype("<u2"), [class_name(value) for value in classes])
    largest_classes = np.sort(np.argsort(-sizes, kind="stable")[: MAX_CATEGORIES - 1])
    new_indices = np.full(len(classes), MAX_CATEGORIES - 1)
    new_indices[largest_classes] = np.arange(len(largest_classes))
    names = [*map(class_name, classes[largest_classes]), OTHER_CATEGORIES]
    return ColorValues(new_indices[indices].astype("<u2"), names)


def encode_numbers(values: np.ndarray) -> ColorValues:
    """Encode numbers from their minimum to their maximum; infinite numbers are missing."""
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    missing = bool(np.isnan(values).all())
    low, high = (0.0, 1.0) if missing else (float(np.nanmin(values)), float(np.nanmax(values)))
    return ColorValues(quantize(values, low, high), None, low, high)
