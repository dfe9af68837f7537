"""Density of the rows on the page, which determines the opacity of decoded rows."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter, map_coordinates

from latentmap.analysis.model_info import as_map
from latentmap.explorer.page_coordinates import CodePlane, grid_points

GRID_SIDE = 128
# Points with at least this share of the median density have the density 1.
_FULL_DENSITY = 0.25


class DensityGrid:
    """Density of the rows on a grid, as integers 0–255.

    It is computed by the ``density`` of a `LatentMap` of at most two components. For other models,
    codes are counted in cells.
    """

    def __init__(self, estimator: object, plane: CodePlane) -> None:
        self._plane = plane
        self._map = as_map(estimator) if plane.n_components <= 2 else None
        self.bounds = plane.inner_bounds if self._map is None else plane.bounds
        if self._map is None:
            density = _smoothed_counts(plane, self.bounds)
        else:
            density = self.at(grid_points(self.bounds, GRID_SIDE, GRID_SIDE))
        self.values = np.rint(density.reshape(GRID_SIDE, GRID_SIDE) * 255).astype(np.uint8)

    def at(self, points: ArrayLike) -> np.ndarray:
        """Return the density in 0–1 at points of shape (m, 2), float32 of shape (m,)."""
        points = np.asarray(points, np.float64)
        if self._map is not None:
            return np.asarray(self._map.density(self._plane.to_codes(points)), np.float32)
        x, y = _grid_coordinates(points, self.bounds)
        values = self.values.astype(np.float32)
        return map_coordinates(values, [y, x], order=1, mode="constant") / np.float32(255)


def _smoothed_counts(plane: CodePlane, bounds: np.ndarray) -> np.ndarray:
    x, y = _grid_coordinates(plane.points, bounds)
    is_inside = (x >= 0) & (x <= GRID_SIDE - 1) & (y >= 0) & (y <= GRID_SIDE - 1)
    counts = np.zeros((GRID_SIDE, GRID_SIDE))
    np.add.at(counts, (np.rint(y[is_inside]).astype(int), np.rint(x[is_inside]).astype(int)), 1.0)
    # The width, in cells of the grid, follows Scott's rule for the bandwidth of a kernel density.
    std = np.std(np.column_stack([x, y])[is_inside], axis=0).mean()
    width = max(1.0, 0.5 * std * len(x) ** (-1 / 6))
    smoothed_counts = gaussian_filter(counts, width, mode="constant")
    if plane.n_components == 1:
        # With one component, y has no meaning, so all heights get the same density.
        smoothed_counts[:] = smoothed_counts.max(axis=0)
    median = np.median(map_coordinates(smoothed_counts, [y[is_inside], x[is_inside]], order=1))
    return np.minimum(smoothed_counts / (_FULL_DENSITY * median), 1.0)


def _grid_coordinates(points: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return the positions of points on the grid, from 0 to 127, shape (2, m)."""
    return ((points - bounds[0]) / (bounds[1] - bounds[0]) * (GRID_SIDE - 1)).T
