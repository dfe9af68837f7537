"""Nearest neighbours by faiss, with results that do not depend on the number of threads."""

from typing import Any

import numpy as np

from latentmap.data.index_checks import check_indices
from latentmap.progress import progress

# Metrics of directions: their neighbours are the Euclidean neighbours of rows of length 1.
DIRECTION_METRICS = ("cosine", "correlation")
# Maximum number of points of an exact search. More points are divided into cells, of which only
# some are searched.
EXACT_ROWS = 10_000
CELL_ROWS = 250
SEARCHED_CELLS = 8
# `BatchInvariantIndex` compares a query with all of at most MAX_SCANNED_ROWS points, and divides
# more points into cells of about SMALL_CELL_ROWS points.
MAX_SCANNED_ROWS, SMALL_CELL_ROWS = 4_000, 125
# `BatchInvariantIndex` searches from MIN_CELLS to MAX_CELLS nearest cells. It skips a further cell
# if the squared distance to its centre is MAX_CELL_RATIO times that to the nearest centre.
MIN_CELLS, MAX_CELLS, MAX_CELL_RATIO = 4, 32, 2.0
# Queries are searched in blocks, so that a progress bar advances. In an exact search, a block has
# at most this many pairs of a query and a point.
BLOCK_ROWS = 8192
BLOCK_PAIRS = 2**28
# Number of queries whose cells are selected at once, so that their distances stay in the cache.
CELL_BLOCK_ROWS = 512


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
                neighbors[start : start + self.block_size] = self.index.search(block, int(k))[1]
                advance(1)
        return _fill_missing(neighbors, self.count)


class BatchInvariantIndex:
    """An index in which the neighbours of a query do not depend on the other queries.

    `NeighborIndex` uses matrix products, whose rounding errors depend on the number of queries.
    This index computes each distance separately. More than 4,000 points are divided into cells.

    Attributes
    ----------
    centers : ndarray of shape (n_cells, d)
        Centers of the cells.
    n_searched : int
        Largest number of cells that are searched.
    """

    def __init__(self, points: np.ndarray, seed: int) -> None:
        import faiss

        count, width = points.shape
        n_cells = count // SMALL_CELL_ROWS if count > MAX_SCANNED_ROWS else 1
        quantizer: Any = faiss.IndexFlatL2(width)
        self._index: Any = faiss.IndexIVFFlat(quantizer, width, n_cells)
        self._index.cp.seed, self._index.cp.niter = (seed + 1) % 2**31, 6
        self._index.cp.max_points_per_centroid = 64
        self._index.cp.min_points_per_centroid = 1
        self._index.train(points)
        self._index.add(points)
        self.n_searched = self._index.nprobe = min(MAX_CELLS, n_cells)
        self.centers = quantizer.reconstruct_n(0, n_cells).astype(np.float64)
        self._center_weights = np.ascontiguousarray(-2 * self.centers.T)
        self._center_squares = (self.centers**2).sum(axis=1)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest points of each query, nearest first.

        Returns
        -------
        indices : ndarray of shape (n, k)
        distances : ndarray of shape (n, k)
            float32.
        """
        indices = np.empty((len(queries), k), np.int64)
        squares = np.empty((len(queries), k), np.float32)
        for start in range(0, len(queries), BLOCK_ROWS):
            block = np.ascontiguousarray(queries[start : start + BLOCK_ROWS], np.float32)
            cells = self._nearest_cells(block)
            # Queries of the same cell follow each other, so that its points stay in the cache.
            order = np.argsort(cells[:, 0])
            # faiss requires distances to the centres of the cells, but does not use them here.
            center_distances = np.zeros(cells.shape, np.float32)
            squares[start + order], indices[start + order] = self._index.search_preassigned(
                block[order], k, cells[order], center_distances
            )
        squares = np.where(indices < 0, squares[:, :1], squares)
        return _fill_missing(indices, self._index.ntotal), np.sqrt(squares)

    def cells(self) -> np.ndarray:
        """Return the number of the cell of each point, shape (n_points,)."""
        import faiss

        lists, cells = self._index.invlists, np.empty(self._index.ntotal, np.int64)
        for i in range(self._index.nlist):
            if size := lists.list_size(i):
                cells[faiss.rev_swig_ptr(lists.get_ids(i), size)] = i
        return cells

    def _nearest_cells(self, queries: np.ndarray) -> np.ndarray:
        """Return the numbers of the searched cells, nearest first, and -1 for skipped cells."""
        cells = np.empty((len(queries), self.n_searched), np.int64)
        for start in range(0, len(queries), CELL_BLOCK_ROWS):
            block = slice(start, start + CELL_BLOCK_ROWS)
            cells[block] = self._select_cells(queries[block].astype(np.float64))
        return cells

    def _select_cells(self, queries: np.ndarray) -> np.ndarray:
        """Return the searched cells of one block of queries.

        In double precision, rounding does not change the nearest cells.
        """
        n_searched = self.n_searched
        # The squared distance is |center|² − 2 · center · query + |query|².
        distances = queries @ self._center_weights
        distances += self._center_squares
        distances += (queries**2).sum(axis=1, keepdims=True)
        # The last bits of a distance are replaced by the number of the cell, because numbers are
        # sorted faster than indices. With 800 cells, the relative change is below 1e-12.
        cell_bits, bits = (1 << len(self.centers).bit_length()) - 1, distances.view(np.int64)
        bits &= ~cell_bits
        bits |= np.arange(len(self.centers))
        distances = np.partition(distances, n_searched - 1, axis=1)[:, :n_searched]
        distances.sort(axis=1)
        cells = distances.view(np.int64) & cell_bits
        is_far = distances > MAX_CELL_RATIO * distances[:, :1]
        is_far[:, :MIN_CELLS] = False
        return np.where(is_far, -1, cells)


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


def drop_self(neighbors: np.ndarray, own_indices: np.ndarray) -> np.ndarray:
    """Return k neighbours of each query without the query itself, shape (n, k).

    Parameters
    ----------
    neighbors : ndarray of shape (n, k + 1)
        Indices of points, nearest first.
    own_indices : ndarray of shape (n,)
        Index of each query among the points. If it is not among the neighbours, because other
        points are equal to it or it is -1, the farthest neighbour is removed.

    Examples
    --------
    >>> drop_self(np.array([[0, 4, 5], [7, 8, 9]]), np.array([0, 1])).tolist()
    [[4, 5], [7, 8]]
    """
    is_removed = neighbors == own_indices[:, None]
    is_removed[~is_removed.any(axis=1), -1] = True
    is_removed &= np.cumsum(is_removed, axis=1) == 1
    return neighbors[~is_removed].reshape(len(neighbors), -1)


class RowLookup:
    """Finds rows of an array that are equal to given rows.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Floating-point numbers.

    Examples
    --------
    >>> lookup = RowLookup(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]]))
    >>> lookup.find(np.array([[0.0, 3.0], [1.0, 2.0], [9.0, 9.0]])).tolist()
    [1, 0, -1]
    """

    def __init__(self, rows: np.ndarray) -> None:
        keys = _to_bytes(rows)
        # Of equal keys, a dict keeps the last value, so the first row is added last.
        self._indices = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        self._dtype = rows.dtype

    def find(self, rows: np.ndarray) -> np.ndarray:
        """Return the index of the first row equal to each given row, or −1; shape (m,)."""
        keys = _to_bytes(rows.astype(self._dtype, copy=False))
        return np.array([self._indices.get(key, -1) for key in keys], dtype=np.intp)


def _to_bytes(rows: np.ndarray) -> list[bytes]:
    words = np.ascontiguousarray(rows).view(f"u{rows.itemsize}")
    # −0 equals 0, but their bytes differ. Comparing integers is faster than adding a float16.
    negative_zero = words.dtype.type(1 << (8 * rows.itemsize - 1))
    array = np.where(words == negative_zero, words.dtype.type(0), words)
    return array.view(f"V{array.shape[1] * array.itemsize}").ravel().tolist()
