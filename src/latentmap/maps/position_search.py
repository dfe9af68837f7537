"""Search of the nearest positions on a map."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from latentmap.backend import postpone_imports

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

# The first FEW_SEARCHES searches that compare at most MAX_COMPARED pairs need no tree.
FEW_SEARCHES, MAX_COMPARED = 3, 2_000_000


class PositionSearch:
    """Finds the nearest of given positions, shape (m, n_components).

    For a few codes, a comparison with all positions is faster than the import of SciPy's search
    trees.
    """

    def __init__(self, positions: np.ndarray) -> None:
        self._positions = positions
        self._searches = itertools.count()

    @cached_property
    def _tree(self) -> cKDTree:
        with postpone_imports():
            from scipy.spatial import cKDTree

        return cKDTree(self._positions.astype(np.float64))

    def nearest(self, codes: np.ndarray, k: int, workers: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return the distances and indices of the k positions nearest to each code, (n, k).

        ``workers`` is the number of threads, or −1 for one on each processor. If there are fewer
        than k positions, all are returned.
        """
        k = min(k, len(self._positions))
        is_short = len(codes) * len(self._positions) <= MAX_COMPARED
        if is_short and next(self._searches) < FEW_SEARCHES:
            return _compare_positions(codes, self._positions, k)
        return self._tree.query(codes.astype(np.float64), np.arange(1, k + 1), workers=workers)


def _compare_positions(
    codes: np.ndarray, positions: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances and indices of the k positions nearest to each code, (n, k)."""
    squares = np.zeros((len(codes), len(positions)))
    for code_axis, position_axis in zip(codes.T, positions.T, strict=True):
        squares += (code_axis[:, None].astype(np.float64) - position_axis) ** 2
    nearest = np.argpartition(squares, k - 1, axis=1)[:, :k]
    nearest_squares = np.take_along_axis(squares, nearest, axis=1)
    order = np.argsort(nearest_squares, axis=1)
    distances = np.sqrt(np.take_along_axis(nearest_squares, order, axis=1))
    return distances, np.take_along_axis(nearest, order, axis=1)
