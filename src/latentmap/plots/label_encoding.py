"""What labels are, classes or a measured value, and the colour of each row."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.style import PALETTE, plain

__all__ = ["MOST_NAMES", "Tags"]

MOST_NAMES = 60
"""Classes that can be named in one picture; of more, the names would cover the points."""


class Tags:
    """The labels of ``count`` rows, sorted out.

    Parameters
    ----------
    labels : array-like of shape (count,), or None
    count : int

    Attributes
    ----------
    names : list of str
        The classes, as they are written; none where nothing is to be named.
    numbers : ndarray of shape (count,)
        The number of each row's class.
    values : ndarray of shape (count,), or None
        Where the labels are a measured value: more different numbers than there are colours.
    different : int
        How many different labels there are.

    Raises
    ------
    DataError
        If the labels are not one a row.

    Examples
    --------
    >>> Tags(["b", "a", "b"], 3).names
    ['a', 'b']
    >>> Tags(np.linspace(0, 1, 50), 50).names
    []
    """

    def __init__(self, labels: Any, count: int) -> None:
        self.names: list[str] = []
        self.numbers = np.zeros(count, dtype=int)
        self.values: np.ndarray | None = None
        self.different = 0
        if labels is None:
            return
        tags = np.asarray(labels)
        if tags.shape != (count,):
            raise DataError(f"labels: expected one for each of {count} codes, found {tags.shape}")
        tags = tags.astype(str) if tags.dtype == object else tags
        classes, self.numbers = np.unique(tags, return_inverse=True)
        self.different = len(classes)
        if self.different > len(PALETTE):
            self.values = _measured(tags)
        if self.values is None and self.different <= MOST_NAMES:
            self.names = [plain(name) for name in classes]

    @property
    def shared(self) -> bool:
        """Whether classes share colours, and have no names to tell them apart."""
        return self.values is None and self.different > MOST_NAMES

    @cached_property
    def scale(self) -> Any:
        """The colours of a measured value, as matplotlib's ScalarMappable."""
        from matplotlib.cm import ScalarMappable

        scale = ScalarMappable(cmap="viridis")
        scale.set_array(self.values)
        scale.autoscale()
        return scale

    def colors(self) -> np.ndarray:
        """Give the colour of each row, (count, 3) in 0–1."""
        from matplotlib.colors import to_rgb

        if self.values is not None:
            return self.scale.to_rgba(self.values)[:, :3]
        return np.array([to_rgb(color) for color in PALETTE])[self.numbers % len(PALETTE)]


def _measured(tags: np.ndarray) -> np.ndarray | None:
    try:
        return tags.astype(np.float64)
    except ValueError:
        return None
