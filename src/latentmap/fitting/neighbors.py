"""Nearest neighbours, by faiss: the same ones every time, whatever the number of threads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from latentmap.fitting.progress import progress

__all__ = ["Neighbors", "nearest_others"]

EXACT_ROWS = 10_000
"""Up to so many rows every distance is computed; more are searched cell by cell."""
CELL_ROWS = 250
SEARCHED_CELLS = 8
BLOCK_ROWS = 8192


class Neighbors:
    """Points that can be searched.

    Many points lie in the cells of a k-means, and a query looks into the nearest 8 of them
    (J. Sivic, A. Zisserman, ICCV 2003). A navigable graph (HNSW) would be as fast, but comes out
    differently with every race between its threads.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        float32.
    seed : int
        Of the k-means.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [5.0]], "float32")
    >>> Neighbors(points, seed=0).search(np.array([[4.0]], "float32"), 2).tolist()
    [[2, 1]]
    """

    def __init__(self, points: np.ndarray, seed: int) -> None:
        import faiss

        self.count, width = points.shape
        self.index: Any = faiss.IndexFlatL2(width)
        if self.count > EXACT_ROWS:
            self.index = faiss.IndexIVFFlat(self.index, width, self.count // CELL_ROWS)
            self.index.cp.seed, self.index.cp.niter = seed + 1, 6
            self.index.cp.max_points_per_centroid = 64
            self.index.nprobe = SEARCHED_CELLS
            self.index.train(points)
        self.index.add(points)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """Give the numbers of the k nearest points of each query, nearest first, shape (n, k)."""
        found = self.index.search(np.ascontiguousarray(queries, np.float32), k)[1]
        # Where 8 cells held fewer than k points, the nearest one stands in.
        return np.where(found < 0, np.maximum(found[:, :1], 0), found)


def nearest_others(points: np.ndarray, k: int, seed: int, visible: bool = False) -> np.ndarray:
    """Find the k nearest other points of every point.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        float32, all different.
    k : int
        Below n.
    seed : int
    visible : bool
        Show a bar with the time left.

    Returns
    -------
    ndarray of shape (n, k)
        Row numbers, nearest first.

    Examples
    --------
    >>> nearest_others(np.array([[0.0], [1.0], [5.0], [7.0]], "float32"), 1, seed=0).tolist()
    [[1], [0], [3], [2]]
    """
    index, found = Neighbors(points, seed), np.empty((len(points), k), np.int64)
    with progress("finding neighbours", math.ceil(len(points) / BLOCK_ROWS), visible) as advance:
        for start in range(0, len(points), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            near = index.search(points[rows], k + 1)
            own = np.arange(start, start + len(near))[:, None]
            # Take the point itself out, or the farthest where ties pushed the point itself off.
            out = near == own
            out[~out.any(axis=1), -1] = True
            out &= np.cumsum(out, axis=1) == 1
            found[rows] = near[~out].reshape(-1, k)
            advance(1)
    return found
