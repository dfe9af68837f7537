"""How much data lives at a spot, in 0–1: the page fades what is decoded where there is none.

A map knows it by itself. Elsewhere, and in the plane through wider codes, the rows' own spots tell:
they are counted on a grid, smoothed, and compared with what the middle row has around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from latentmap.explorer.page_coordinates import Plane, nodes

__all__ = ["SIDE", "Crowd"]

SIDE = 128
"""Of the grid."""
_FULL = 0.25  # of what the middle row has around it: so much is enough to be sure


class Crowd:
    """How much data lives at each spot of a plane.

    Parameters
    ----------
    estimator : fitted estimator
        A `LatentMap` of one or two components answers by its ``density``.
    plane : Plane

    Attributes
    ----------
    bounds : ndarray of shape (2, 2)
        Of the grid; nothing lives outside.
    grid : ndarray of shape (128, 128), uint8
        From the lowest row up, 0–255 for 0–1.

    Examples
    --------
    >>> spots = np.random.default_rng(0).normal(size=(2000, 2))
    >>> crowd = Crowd(None, Plane.of(spots))
    >>> middle, far = crowd.at([[0, 0], [50, 50]])
    >>> float(middle), float(far)
    (1.0, 0.0)
    """

    def __init__(self, estimator: Any, plane: Plane) -> None:
        known = hasattr(estimator, "density") and plane.components <= 2
        self._plane, self._density = plane, estimator.density if known else None
        self.bounds = plane.bounds if known else plane.inner
        if self._density is not None:
            shares = self.at(nodes(self.bounds, SIDE, SIDE)).reshape(SIDE, SIDE)
        else:
            shares = _counted(plane, self.bounds)
        self.grid = np.rint(shares * 255).astype(np.uint8)

    def at(self, spots: Any) -> np.ndarray:
        """Tell how much lives at spots, (m, 2) to (m,), float32 in 0–1."""
        spots = np.asarray(spots, np.float64)
        if self._density is not None:
            return np.asarray(self._density(self._plane.back(spots)), np.float32)
        return _interpolated(self.grid, self.bounds, spots) / np.float32(255)


def _counted(plane: Plane, bounds: np.ndarray) -> np.ndarray:
    """Count spots on the grid, smooth the counts, and give shares of what is usual."""
    x, y = ((plane.spots - bounds[0]) / (bounds[1] - bounds[0]) * (SIDE - 1)).T
    inside = (x >= 0) & (x <= SIDE - 1) & (y >= 0) & (y <= SIDE - 1)
    counts = np.zeros((SIDE, SIDE))
    np.add.at(counts, (np.rint(y[inside]).astype(int), np.rint(x[inside]).astype(int)), 1.0)
    # Scott's rule, in cells of the grid: few rows are smoothed widely.
    spread = np.std(np.column_stack([x, y])[inside], axis=0).mean()
    width = max(1.0, 0.5 * spread * len(x) ** (-1 / 6))
    smooth = gaussian_filter(counts, width, mode="constant")
    if plane.components == 1:  # a spot's height tells nothing there
        smooth[:] = smooth.max(axis=0)
    usual = np.median(map_coordinates(smooth, [y[inside], x[inside]], order=1))
    return np.minimum(smooth / (_FULL * usual), 1.0)


def _interpolated(grid: np.ndarray, bounds: np.ndarray, spots: np.ndarray) -> np.ndarray:
    x, y = ((spots - bounds[0]) / (bounds[1] - bounds[0]) * (SIDE - 1)).T
    return map_coordinates(grid.astype(np.float32), [y, x], order=1, mode="constant")
