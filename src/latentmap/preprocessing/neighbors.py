"""Nearest neighbours, by faiss: the same ones every time, whatever the number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentmap.progress import progress

__all__ = ["NeighborIndex", "drop_self", "nearest_neighbors"]

EXACT_ROWS = 10_000
"""Up to so many rows every distance is computed; more are searched cell by cell."""
CELL_ROWS = 250
SEARCHED_CELLS = 8
BLOCK_ROWS = 8192
BLOCK_PAIRS = 2**28
"""Where every distance is computed, so many at a time, that progress is seen."""


class NeighborIndex:
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
    cells : int, optional
        Cells that a query looks into; 0 compares it with every point. By default 8 where there are
        more than 10,000 points, else 0.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [5.0]], "float32")
    >>> NeighborIndex(points, seed=0).search(np.array([[4.0]], "float32"), 2).tolist()
    [[2, 1]]
    """

    def __init__(self, points: np.ndarray, seed: int, cells: int | None = None) -> None:
        import faiss

        self.count, width = points.shape
        if cells is None:
            cells = SEARCHED_CELLS if self.count > EXACT_ROWS else 0
        self.block = BLOCK_ROWS if cells else min(BLOCK_ROWS, BLOCK_PAIRS // self.count + 1)
        self.index: Any = faiss.IndexFlatL2(width)
        if cells:
            self.index = faiss.IndexIVFFlat(self.index, width, self.count // CELL_ROWS or 1)
            self.index.cp.seed, self.index.cp.niter = seed + 1, 6
            self.index.cp.max_points_per_centroid = 64
            self.index.nprobe = cells
            self.index.train(points)
        self.index.add(points)

    def search(self, queries: np.ndarray, k: int, task: str = "") -> np.ndarray:
        """Give the numbers of the k nearest points of each query, nearest first, shape (n, k).

        With the name of a ``task``, a bar shows how far it has come.
        """
        blocks = range(0, len(queries), self.block)
        near = np.empty((len(queries), k), np.int64)
        with progress(task, len(blocks), bool(task)) as advance:
            for start in blocks:
                rows = slice(start, start + self.block)
                near[rows] = self.index.search(np.ascontiguousarray(queries[rows], np.float32), k)[
                    1
                ]
                advance(1)
        # Where the cells held fewer than k points, the nearest one stands in.
        return np.where(near < 0, np.maximum(near[:, :1], 0), near)


def nearest_neighbors(points: np.ndarray, k: int, seed: int, visible: bool = False) -> np.ndarray:
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
    >>> nearest_neighbors(np.array([[0.0], [1.0], [5.0], [7.0]], "float32"), 1, seed=0).tolist()
    [[1], [0], [3], [2]]
    """
    task = "finding neighbours" if visible else ""
    return drop_self(
        NeighborIndex(points, seed).search(points, k + 1, task), np.arange(len(points))
    )


def drop_self(near: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Take each point itself out of its neighbours, or the farthest where it is not among them.

    Parameters
    ----------
    near : ndarray of shape (n, k + 1)
        Row numbers, nearest first.
    own : ndarray of shape (n,)
        The number of the point itself; ties may have pushed it off.

    Returns
    -------
    ndarray of shape (n, k)

    Examples
    --------
    >>> drop_self(np.array([[0, 4, 2], [4, 1, 2], [7, 8, 9]]), np.array([0, 1, 2])).tolist()
    [[4, 2], [4, 2], [7, 8]]
    """
    out = near == own[:, None]
    out[~out.any(axis=1), -1] = True
    out &= np.cumsum(out, axis=1) == 1
    return near[~out].reshape(len(near), -1)
