"""Conversion between codes and the coordinates of points on the page."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from latentmap.plots.projection import Projection, as_codes, bounding_region

# Quantised coordinate of the upper bound of a region; the lower bound is 0.
MAX_COORDINATE = 65_535
_STACK_BINS, _STACK_HEIGHT = 400, 0.2  # Height of the stacks relative to the length of the line.
# Points outside of these percentiles do not extend the region that is decoded.
_INNER_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True)
class CodePlane:
    """The points of rows, shape (n, 2), and the conversion between points and codes.

    ``bounds`` are the corners of the region of all points. ``inner_bounds`` exclude outliers.
    ``explained_variance`` is the share of the variance of the codes that the plane shows.
    """

    projection: Projection
    points: np.ndarray
    bounds: np.ndarray
    inner_bounds: np.ndarray
    explained_variance: float

    @classmethod
    def fit(cls, codes: ArrayLike) -> Self:
        """Return the plane of codes of shape (n, n_components), which must be finite."""
        codes = as_codes(codes)
        projection = Projection.fit(codes)
        points = projection.transform(codes)
        share = float(points.var(axis=0).sum() / max(codes.var(axis=0).sum(), 1e-300))
        if points.shape[1] == 1:
            points = np.column_stack([points, _stack(points[:, 0])])
        bounds, inner = bounding_region(points), bounding_region(points, _INNER_PERCENTILES)
        return cls(projection, points, bounds, inner, min(share, 1.0))

    @property
    def n_components(self) -> int:
        """Number of components of a code."""
        return len(self.projection.center)

    def to_codes(self, points: ArrayLike) -> np.ndarray:
        """Convert points of shape (m, 2) to codes of shape (m, n_components), float64."""
        coordinates = np.asarray(points, np.float64)[:, : len(self.projection.axes)]
        return self.projection.inverse_transform(coordinates)

    def to_points(self, codes: ArrayLike) -> np.ndarray:
        """Convert codes of shape (m, n_components) to points of shape (m, 2)."""
        points = self.projection.transform(as_codes(codes))
        return np.column_stack([points, np.zeros(len(points))])[:, :2]

    def quantized_points(self) -> np.ndarray:
        """Return all points scaled from the bounds to 0–65,535, uint16 of shape (n, 2)."""
        low, high = self.bounds
        return np.rint((self.points - low) / (high - low) * MAX_COORDINATE).astype("<u2")


def _stack(values: np.ndarray) -> np.ndarray:
    """Return y coordinates that stack the rows of each bin, as in a histogram."""
    low, width = values.min(), np.ptp(values) or 1.0
    bins = np.minimum((values - low) / width * _STACK_BINS, _STACK_BINS - 1).astype(int)
    order = np.argsort(bins, kind="stable")
    sizes = np.bincount(bins, minlength=_STACK_BINS)
    ranks = np.empty(len(values))
    ranks[order] = np.arange(len(values)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranks / sizes.max() * _STACK_HEIGHT * width


def grid_points(bounds: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the nodes of a grid over a region, line by line from the bottom."""
    (left, low), (right, high) = bounds
    x, y = np.meshgrid(np.linspace(left, right, width), np.linspace(low, high, height))
    return np.column_stack([x.ravel(), y.ravel()])
