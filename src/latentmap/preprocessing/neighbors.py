"""Nearest neighbours by faiss, with results that do not depend on the number of threads."""

from typing import Any

import numpy as np

from latentmap.data.index_checks import check_indices
from latentmap.progress import progress

# Maximum number of points of an exact search. More points are divided into cells, of which only
# some are searched.
EXACT_ROWS = 10_000
CELL_ROWS = 250
SEARCHED_CELLS = 8
# Limits of `IndependentIndex`: it divides more rows into cells, and searches this number of them,
# so that it misses less than 1 % of the neighbours.
MAX_SCANNED_ROWS, INDEPENDENT_CELLS = 4_000, 24
# Queries are searched in blocks, so that a progress bar advances. In an exact search, a block has
# at most this many pairs of a query and a point.
BLOCK_ROWS = 8192
BLOCK_PAIRS = 2**28


class NeighborIndex:
    """An index of points for nearest-neighbour search.

    Many points are divided into the cells of a k-means clustering, and a query searches the nearest
    8 cells (J. Sivic, A. Zisserman, ICCV 2003). A navigable graph (HNSW) would be as fast, but its
    result depends on the order in which threads insert points.
    """

    def __init__(self, points: np.ndarray, seed: int, n_searched_cells: int | None = None) -> None:
        import faiss

        self.count, width = points.shape
        if n_searched_cells is None:
            n_searched_cells = SEARCHED_CELLS if self.count > EXACT_ROWS else 0
        self.block_size = (
            BLOCK_ROWS if n_searched_cells else min(BLOCK_ROWS, BLOCK_PAIRS // self.count + 1)
        )
        self.index: Any = faiss.IndexFlatL2(width)
        if n_searched_cells:
            self.index = faiss.IndexIVFFlat(self.index, width, self.count // CELL_ROWS or 1)
            self.index.cp.seed, self.index.cp.niter = (seed + 1) % 2**31, 6
            self.index.cp.max_points_per_centroid = 64
            self.index.nprobe = n_searched_cells
            self.index.train(points)
        self.index.add(points)

    def search(self, queries: np.ndarray, k: int, task: str = "") -> np.ndarray:
        """Return the indices of the k nearest points of each query, nearest first, shape (n, k).

        A progress bar with the title ``task`` is shown unless it is empty.
        """
        blocks = range(0, len(queries), self.block_size)
        neighbors = np.empty((len(queries), k), np.int64)
        with progress(task, len(blocks), bool(task)) as advance:
            for start in blocks:
                block = np.ascontiguousarray(queries[start : start + self.block_size], np.float32)
                neighbors[start : start + self.block_size] = self.index.search(block, k)[1]
                advance(1)
        return _fill_missing(neighbors, self.count)


class IndependentIndex:
    """An index in which the neighbours of a query do not depend on the other queries.

    `NeighborIndex` uses matrix products, whose rounding errors depend on the number of queries.
    This index computes each distance separately. More than 4,000 points are divided into cells.
    """

    def __init__(self, points: np.ndarray, seed: int) -> None:
        import faiss

        count, width = points.shape
        n_cells = count // CELL_ROWS if count > MAX_SCANNED_ROWS else 1
        quantizer: Any = faiss.IndexFlatL2(width)
        self._index: Any = faiss.IndexIVFFlat(quantizer, width, n_cells)
        self._index.cp.seed, self._index.cp.niter = (seed + 1) % 2**31, 6
        self._index.cp.max_points_per_centroid = 64
        self._index.cp.min_points_per_centroid = 1
        self._index.train(points)
        self._index.add(points)
        self._index.nprobe = min(INDEPENDENT_CELLS, n_cells)
        self._centers = quantizer.reconstruct_n(0, n_cells).astype(np.float64)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """Return the indices of the k nearest points of each query, nearest first, shape (n, k)."""
        from scipy.spatial.distance import cdist

        neighbors = np.empty((len(queries), k), np.int64)
        for start in range(0, len(queries), BLOCK_ROWS):
            block = np.ascontiguousarray(queries[start : start + BLOCK_ROWS], np.float32)
            distances = cdist(block.astype(np.float64), self._centers, "sqeuclidean")
            n_searched = self._index.nprobe
            cells = np.argpartition(distances, n_searched - 1, axis=1)[:, :n_searched]
            cell_distances = np.take_along_axis(distances, cells, axis=1).astype(np.float32)
            neighbors[start : start + BLOCK_ROWS] = self._index.search_preassigned(
                block, k, cells, cell_distances
            )[1]
        return _fill_missing(neighbors, self._index.ntotal)


def _fill_missing(neighbors: np.ndarray, count: int) -> np.ndarray:
    """Return neighbours with the nearest one in place of each -1.

    faiss returns -1 if the searched cells hold fewer than k points.
    """
    check_indices("nearest neighbours", neighbors, count, low=-1)
    return np.where(neighbors < 0, np.maximum(neighbors[:, :1], 0), neighbors)


def nearest_neighbors(points: np.ndarray, k: int, seed: int, verbose: bool = False) -> np.ndarray:
    """Return the indices of the k nearest other points of each point, nearest first, shape (n, k).

    ``points`` are float32, all different, and more than k.
    """
    task = "finding neighbours" if verbose else ""
    neighbors = NeighborIndex(points, seed).search(points, k + 1, task)
    return drop_self(neighbors, np.arange(len(points)))


def drop_self(neighbors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Remove each point from its k + 1 neighbours, or the farthest neighbour if it is absent.

    ``numbers`` holds the number of each point, which ties may have moved out of the neighbours.
    """
    is_removed = neighbors == numbers[:, None]
    is_removed[~is_removed.any(axis=1), -1] = True
    is_removed &= np.cumsum(is_removed, axis=1) == 1
    return neighbors[~is_removed].reshape(len(neighbors), -1)
