"""Colour scales of the page: the labels, scores and columns that points can be coloured by."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from latentmap.explorer.row_scores import CLUSTER, RowScores
from latentmap.explorer.table_columns import TableColumns, quantize
from latentmap.plots.style import PALETTE

MAX_CATEGORIES = 1000


@dataclass(frozen=True)
class ColorValues:
    """The value of each row on a colour scale, as uint16.

    ``values`` are indices of ``categories``, or 0–65,534 for ``low`` to ``high``; 65,535 is a
    missing value.
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

    ``compute`` returns its values, which may take seconds at the first call; ``is_computed``
    returns whether this call was made. ``column`` is the index of a displayed table column.
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
    labels: np.ndarray | None, scores: RowScores, table: TableColumns | None
) -> list[ColorScale]:
    """Return the colour scales of the labels, of each score and of each table column."""
    scales = [] if labels is None else [ColorScale("label", partial(encode_labels, labels))]
    scales += [_score_scale(scores, name) for name in scores.names]
    if table is not None:
        for i, name in enumerate(table.names):
            scales.append(ColorScale(name, partial(encode_numbers, table.values[:, i]), column=i))
    return scales


def _score_scale(scores: RowScores, name: str) -> ColorScale:
    encode = encode_classes if name == CLUSTER else encode_numbers
    is_computed = partial(scores.is_computed, name)
    return ColorScale(name, lambda: encode(scores[name]), is_computed)


def encode_labels(labels: np.ndarray) -> ColorValues:
    """Encode labels as classes, or as numbers if they have more distinct numbers than colours."""
    if labels.dtype.kind in "iuf" and len(np.unique(labels)) > len(PALETTE):
        return encode_numbers(labels)
    return encode_classes(labels)


def encode_classes(labels: np.ndarray) -> ColorValues:
    """Encode labels as classes; beyond 1,000 classes the smallest become the class "(others)"."""
    classes, indices, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) <= MAX_CATEGORIES:
        return ColorValues(indices.astype("<u2"), [str(name) for name in classes])
    largest = np.sort(np.argsort(-sizes, kind="stable")[: MAX_CATEGORIES - 1])
    new_indices = np.full(len(classes), MAX_CATEGORIES - 1)
    new_indices[largest] = np.arange(len(largest))
    names = [*map(str, classes[largest]), "(others)"]
    return ColorValues(new_indices[indices].astype("<u2"), names)


def encode_numbers(values: np.ndarray) -> ColorValues:
    """Encode numbers from their minimum to their maximum; infinite numbers are missing."""
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    missing = np.isnan(values).all()
    low, high = (0.0, 1.0) if missing else (float(np.nanmin(values)), float(np.nanmax(values)))
    return ColorValues(quantize(values, low, high), None, low, high)
