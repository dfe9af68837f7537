"""Where rows lie on the page: their codes in a plane, and from a spot of it back to a code.

A page knows spots of two numbers. Codes of two are their spots; of more, spots lie in the plane of
the codes' first two principal components; a code of one is x, and y stacks the rows that share it,
so that a line of 100,000 rows can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.plots.projection import Projection, as_codes, bounding_region

__all__ = ["STEPS", "Plane", "nodes"]

STEPS = 65_535
"""A place in a buffer is a whole number from 0 to this, over the bounds."""
_BINS, _TALL = 400, 0.2  # of a stacked line: bins across, and its height as a share of its length
_INNER = (0.1, 99.9)  # percentiles: what lies farther out has no say in where spots are decoded


@dataclass(frozen=True)
class Plane:
    """The spots of rows, and the way between spots and codes.

    Attributes
    ----------
    spots : ndarray of shape (n, 2)
    bounds : ndarray of shape (2, 2)
        The lowest and the highest corner of what holds all spots.
    inner : ndarray of shape (2, 2)
        The same of nearly all.
    share : float
        Of the variance of the codes, what the plane shows.

    Examples
    --------
    >>> plane = Plane.of(np.random.default_rng(0).normal(size=(100, 5)) * [9, 1, 1, 1, 7])
    >>> plane.components, plane.spots.shape, round(plane.share, 1)
    (5, (100, 2), 1.0)
    >>> spots = plane.spots[:3]
    >>> bool(np.allclose(plane.there(plane.back(spots)), spots))
    True
    """

    projection: Projection
    spots: np.ndarray
    bounds: np.ndarray
    inner: np.ndarray
    share: float

    @classmethod
    def of(cls, codes: Any) -> Plane:
        """Lay codes out, (n, n_components).

        Raises
        ------
        DataError
            If they are not finite, or there are none.
        """
        codes = as_codes(codes)
        projection = Projection.fit(codes)
        spots = projection.transform(codes)
        share = float(spots.var(axis=0).sum() / max(codes.var(axis=0).sum(), 1e-300))
        if spots.shape[1] == 1:
            spots = np.column_stack([spots, _stacked(spots[:, 0])])
        return cls(
            projection,
            spots,
            bounding_region(spots),
            bounding_region(spots, _INNER),
            min(share, 1.0),
        )

    @property
    def components(self) -> int:
        """How many numbers a code has."""
        return len(self.projection.center)

    def back(self, spots: Any) -> np.ndarray:
        """Give the codes of spots, (m, 2) to (m, n_components), float64."""
        return self.projection.inverse_transform(
            np.asarray(spots, np.float64)[:, : len(self.projection.axes)]
        )

    def there(self, codes: Any) -> np.ndarray:
        """Give the spots of other codes, (m, n_components) to (m, 2)."""
        spots = self.projection.transform(as_codes(codes))
        return np.column_stack([spots, np.zeros(len(spots))])[:, :2]

    def points(self) -> np.ndarray:
        """Give all spots as whole numbers over the bounds, (n, 2) uint16."""
        low, high = self.bounds
        return np.rint((self.spots - low) / (high - low) * STEPS).astype("<u2")


def _stacked(values: np.ndarray) -> np.ndarray:
    """Stack equal numbers: y counts the rows of a bin, as a histogram does."""
    low, width = values.min(), np.ptp(values) or 1.0
    bins = np.minimum((values - low) / width * _BINS, _BINS - 1).astype(int)
    order = np.argsort(bins, kind="stable")
    sizes = np.bincount(bins, minlength=_BINS)
    ranks = np.empty(len(values))
    ranks[order] = np.arange(len(values)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranks / sizes.max() * _TALL * width


def nodes(bounds: np.ndarray, width: int, height: int) -> np.ndarray:
    """Give the spots of a grid over a region, its corners among them, row by row from the lowest.

    Parameters
    ----------
    bounds : ndarray of shape (2, 2)
    width, height : int

    Returns
    -------
    ndarray of shape (width * height, 2)

    Examples
    --------
    >>> nodes(np.array([[0, 0], [2, 6]]), 2, 2).tolist()
    [[0.0, 0.0], [2.0, 0.0], [0.0, 6.0], [2.0, 6.0]]
    """
    (left, low), (right, high) = bounds
    x, y = np.meshgrid(np.linspace(left, right, width), np.linspace(low, high, height))
    return np.column_stack([x.ravel(), y.ravel()])
