"""Labels of rows as classes or as a measured value, and the colour of each row."""

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import as_labels, check_labels, missing_labels
from latentmap.plots.matplotlib_types import ScalarMappable
from latentmap.plots.style import LIGHT_GREY, PALETTE, display_text

# Maximum number of class names; more names would cover the points.
MAX_CLASS_NAMES = 60


class LabelEncoding:
    """Labels of rows, encoded for drawing.

    ``names`` are the classes to name in the plot, at most 60, and ``indices`` the class of each
    row, or −1 for a missing label (None, NaN or an empty text), which is grey and has no name.
    ``values`` are the labels if they are a measured value: more distinct numbers than colours, or
    any numbers with ``are_values``.
    """

    def __init__(self, labels: ArrayLike | None, n_rows: int, are_values: bool = False) -> None:
        self.names: list[str] = []
        self.indices = np.zeros(n_rows, dtype=int)
        self.values: np.ndarray | None = None
        self.n_distinct = 0
        array = check_labels("values" if are_values else "labels", labels, n_rows)
        if array is None:
            return
        array = as_labels(array) if array.dtype == object else array
        is_known = ~missing_labels(array)
        self.indices = np.full(n_rows, -1)
        classes, self.indices[is_known] = np.unique(array[is_known], return_inverse=True)
        self.n_distinct = len(classes)
        if self.n_distinct > len(PALETTE) or are_values:
            self.values = _as_numbers(array)
        if self.values is None and self.n_distinct <= MAX_CLASS_NAMES:
            self.names = [display_text(class_name(name)) for name in classes]

    @property
    def has_unnamed_classes(self) -> bool:
        """Whether there are too many classes to name; they share the colours of the palette."""
        return self.values is None and self.n_distinct > MAX_CLASS_NAMES

    @cached_property
    def color_scale(self) -> ScalarMappable:
        """The colour scale of a measured value."""
        from matplotlib.cm import ScalarMappable

        scale = ScalarMappable(cmap="viridis")
        scale.set_array(None if self.values is None else self.values[self.indices >= 0])
        scale.autoscale()
        return scale

    def colors(self) -> np.ndarray:
        """Return the colour of each row as RGB in 0–1, shape (n_rows, 3)."""
        from matplotlib.colors import to_rgb

        if self.values is not None:
            colors = self.color_scale.to_rgba(self.values)[:, :3]
        else:
            colors = np.array([to_rgb(color) for color in PALETTE])[self.indices % len(PALETTE)]
        colors[self.indices < 0] = to_rgb(LIGHT_GREY)
        return colors


def _as_numbers(labels: np.ndarray) -> np.ndarray | None:
    return labels.astype(np.float64) if labels.dtype.kind in "iuf" else None


def class_name(value: object) -> str:
    """Return a class as text; a whole number has no decimal point."""
    return f"{value:g}" if isinstance(value, float) and value == round(value) else str(value)
