"""Groups of fitted rows that are near each other on the map.

A new row is placed where the fitted rows around the position are similar to the new row. The
measure is the mean squared distance between the new row and a group of fitted rows around the
position. It equals the squared distance to the mean of the group, plus the variance of the group.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from latentmap.maps.position_search import PositionSearch
from latentmap.preprocessing.threads import use_one_faiss_thread

# Sizes of the groups, and steps between their candidates on a map of more than DENSE_ROWS rows.
GROUP_SIZES, GROUP_STEPS, DENSE_ROWS = (7, 25), (1, 4), 10_000
TINY = 1e-12
MIN_THREADED_ROWS = 64  # With fewer rows, the start of threads takes longer than the computation.
BLOCK_ROWS = 2048  # Number of groups that are computed at once, which limits the memory.


class MapGroups:
    """Mean and variance of the group of each row, each computed when it is first needed.

    Parameters
    ----------
    points : ndarray of shape (m, d)
        Points of the rows, float32.
    positions : ndarray of shape (m, n_components)
        Positions of the rows on the map.
    size : int
        Number of rows of a group.
    step : int
        Members of groups are the rows 0, step, 2 step, ...

    Notes
    -----
    The members of the group of row j are the ``size`` nearest rows on the map. The weight of a
    member at the distance d is proportional to 1 − d² / D², where D is the distance of the next
    row. If all these distances are equal, the group is row j alone. The members therefore do not
    depend on the order of rows with equal distances.
    """

    def __init__(self, points: np.ndarray, positions: np.ndarray, size: int, step: int) -> None:
        self._points, self._positions = points, positions
        self._search = PositionSearch(positions[::step])
        self.size, self.step = size, step
        self._candidates = np.arange(0, len(points), step)
        self._means = np.empty(points.shape, np.float32)
        self._variances = np.empty(len(points), np.float32)
        self._is_computed = np.zeros(len(points), bool)

    @cached_property
    def _squares(self) -> np.ndarray:
        return np.einsum("ij,ij->i", self._points, self._points, dtype=np.float64)

    def members(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the members of the groups of given rows, and their weights, shape (n, size + 1).

        The last member of a group has the weight 0, unless all have the same distance.
        """
        distances, members = self._search.nearest(self._positions[rows], self.size + 1, workers=-1)
        members, squares = self._candidates[members], distances**2
        weights = squares[:, -1:] - squares
        totals = weights.sum(axis=1, keepdims=True)
        is_single = totals == 0
        members = np.where(is_single, rows[:, None], members)
        return members, np.where(
            is_single, 1 / weights.shape[1], weights / np.where(is_single, 1, totals)
        )

    def means_and_variances(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the means of the groups of given rows, and their total variances.

        The means are rounded to float16, so that exported files with float16 means agree.
        """
        members, weights = self.members(rows)
        starts = np.arange(0, members.size + 1, members.shape[1])
        weight_matrix = csr_array(
            (weights.astype(np.float32).ravel(), members.ravel(), starts),
            (len(members), len(self._points)),
        )
        means = weight_matrix @ self._points
        mean_squares = (weights * self._squares[members]).sum(axis=1)
        variances = mean_squares - (means.astype(np.float64) ** 2).sum(axis=1)
        return means.astype(np.float16).astype(np.float32), np.maximum(variances, 0)

    def mean_squares(
        self, points: np.ndarray, rows: np.ndarray, left_out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the mean squared distances between points and the groups of rows, shape (n, k).

        Parameters
        ----------
        points : ndarray of shape (n, d)
        rows : ndarray of shape (n, k)
            Indices of the rows whose groups are compared with each point.
        left_out : ndarray of shape (n,), optional
            Index of the row of each point, which is removed from the groups.
        """
        import faiss

        library: Any = faiss
        self._compute(rows)
        points = np.ascontiguousarray(points, np.float32)
        indices, squares = np.ascontiguousarray(rows, np.int64), np.empty(rows.shape, np.float32)
        arrays = (library.swig_ptr(a) for a in (squares, points, self._means, indices))
        is_short = len(points) < MIN_THREADED_ROWS
        with use_one_faiss_thread() if is_short else nullcontext():
            library.fvec_L2sqr_by_idx(*arrays, points.shape[1], *rows.shape)
        squares += self._variances[rows]
        if left_out is not None:
            members, weights = self.members(rows.ravel())
            is_left_out = members == np.repeat(left_out, rows.shape[1])[:, None]
            share = (weights * is_left_out).sum(axis=1).reshape(rows.shape)
            squares /= np.maximum(1 - share, TINY)
        return squares

    def all_means_and_variances(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the means of all groups, shape (m, d), and their total variances, shape (m,)."""
        self._compute(np.arange(len(self._points)))
        return self._means, self._variances

    def _compute(self, rows: np.ndarray) -> None:
        is_missing = np.zeros(len(self._points), bool)
        is_missing[rows] = True
        missing = np.flatnonzero(is_missing & ~self._is_computed)
        for start in range(0, len(missing), BLOCK_ROWS):
            block = missing[start : start + BLOCK_ROWS]
            self._means[block], self._variances[block] = self.means_and_variances(block)
            self._is_computed[block] = True
