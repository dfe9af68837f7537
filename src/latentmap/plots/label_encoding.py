"""Labels of rows as classes or as a measured value, and the colour of each row."""

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import check_labels
from latentmap.plots.matplotlib_types import ScalarMappable
from latentmap.plots.style import PALETTE, display_text

# The names of more classes would cover the points.
MAX_CLASS_NAMES = 60


class LabelEncoding:
    """Labels of rows, encoded for drawing.

    ``names`` are the classes to name in the plot, at most 60, and ``indices`` the class of each
    row. ``values`` are the labels if they are a measured value, which has more distinct numbers
    than there are colours.
    """

    def __init__(self, labels: ArrayLike | None, n_rows: int) -> None:
        self.names: list[str] = []
        self.indices = np.zeros(n_rows, dtype=int)
        self.values: np.ndarray | None = None
        self.n_distinct = 0
        array = check_labels("labels", labels, n_rows)
        if array is None:
            return
        array = array.astype(str) if array.dtype == object else array
        classes, self.indices = np.unique(array, return_inverse=True)
        self.n_distinct = len(classes)
        if self.n_distinct > len(PALETTE):
            self.values = _as_numbers(array)
        if self.values is None and self.n_distinct <= MAX_CLASS_NAMES:
            self.names = [display_text(name) for name in classes]

    @property
    def has_unnamed_classes(self) -> bool:
        """Whether there are too many classes to name; they share the colours of the palette."""
        return self.values is None and self.n_distinct > MAX_CLASS_NAMES

    @cached_property
    def color_scale(self) -> ScalarMappable:
        """The colour scale of a measured value."""
        from matplotlib.cm import ScalarMappable

        scale = ScalarMappable(cmap="viridis")
        scale.set_array(self.values)
        scale.autoscale()
        return scale

    def colors(self) -> np.ndarray:
        """Return the colour of each row as RGB in 0–1, shape (n_rows, 3)."""
        from matplotlib.colors import to_rgb

        if self.values is not None:
            return self.color_scale.to_rgba(self.values)[:, :3]
        return np.array([to_rgb(color) for color in PALETTE])[self.indices % len(PALETTE)]


def _as_numbers(labels: np.ndarray) -> np.ndarray | None:
    try:
        return labels.astype(np.float64)
    except ValueError:
        return None
