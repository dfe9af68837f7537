"""Neighbours of the distinct rows of a layout: by Euclidean distance, another metric, or a graph.

A layout has one position for equal rows, so that neighbours are searched among distinct rows. The
arguments of ``find`` are those of `numpy.unique`: ``first`` holds the index of each distinct row
among all rows, and ``inverse`` the index of each row among the distinct rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from latentmap.data.memory import check_memory
from latentmap.data.sources import Source
from latentmap.errors import SettingError, UnknownNameError
from latentmap.preprocessing.neighbors import (
    DIRECTION_METRICS,
    EXACT_ROWS,
    drop_self,
    nearest_neighbors,
)
from latentmap.preprocessing.scaling import Scale
from latentmap.progress import progress

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Metric = str | Callable[[np.ndarray, np.ndarray], float]
ROW_METRICS = ("manhattan", "hamming", "jaccard")
METRICS = ("euclidean", *DIRECTION_METRICS, *ROW_METRICS)
CALLABLE_PREFIX = "callable "  # Prefix of the name of a callable metric in a model file.
BLOCK_NUMBERS = 1 << 22


class Neighbors(NamedTuple):
    """Neighbours of n distinct rows, nearest first.

    Attributes
    ----------
    indices : ndarray of shape (n, k)
        A row with fewer neighbours contains its own index instead.
    distances : ndarray of shape (n, k)
        Distances, infinite in place of missing neighbours.
    """

    indices: np.ndarray
    distances: np.ndarray


class NeighborSearch(Protocol):
    """Search for the neighbours of distinct rows."""

    def find(self, first: np.ndarray, inverse: np.ndarray, k: int) -> Neighbors | csr_matrix:
        """Return at most k neighbours of each distinct row.

        If their distances are not known, return the edges to all neighbours as a sparse matrix.
        """


def check_metric(metric: Metric) -> None:
    """Raise SettingError unless a metric is a known name or a callable."""
    if isinstance(metric, str) and metric.startswith(CALLABLE_PREFIX):
        raise SettingError(
            f"metric: expected the function {metric.removeprefix(CALLABLE_PREFIX)}, found its name "
            "in a model file, which contains no functions: set the parameter to the function"
        )
    if not callable(metric) and metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)


def metric_name(metric: Metric) -> str:
    """Return the name of a metric that a model file contains.

    Examples
    --------
    >>> def city_block(a, b):
    ...     return abs(a - b).sum()
    >>> metric_name("cosine"), metric_name(city_block)
    ('cosine', 'callable city_block')
    """
    if isinstance(metric, str):
        return metric
    return CALLABLE_PREFIX + str(getattr(metric, "__name__", type(metric).__name__))


@dataclass(frozen=True)
class EuclideanSearch:
    """Search by the Euclidean distance of points of shape (n, d), float32."""

    points: np.ndarray
    seed: int
    verbose: bool = False

    def find(self, first: np.ndarray, inverse: np.ndarray, k: int) -> Neighbors:
        """Return the k nearest distinct rows of each distinct row."""
        points = self.points[first]
        indices = nearest_neighbors(points, k, self.seed, self.verbose)
        return Neighbors(indices, neighbor_distances(points, indices))


def neighbor_distances(points: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each point to each of its neighbours, shape (n, k).

    faiss computes distances from products, which loses all digits of small distances.

    Examples
    --------
    >>> neighbor_distances(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[1], [0]])).tolist()
    [[5.0], [5.0]]
    """
    distances = np.empty(neighbors.shape)
    size = max(1, BLOCK_NUMBERS // (neighbors.shape[1] * points.shape[1]))
    for start in range(0, len(points), size):
        block = slice(start, start + size)
        distances[block] = np.linalg.norm(points[neighbors[block]] - points[block, None], axis=2)
    return distances


@dataclass(frozen=True)
class MetricSearch:
    """Search by another metric of raw rows.

    A named metric receives rows divided by their scale, but not shifted, so that zeros stay zeros.
    A callable receives rows in their own units.

    Attributes
    ----------
    rows : Source
    scale : Scale
    metric : {"manhattan", "hamming", "jaccard"} or callable
        A callable returns the distance of two rows of shape (n_features,).
    seed : int
    verbose : bool
    """

    rows: Source
    scale: Scale
    metric: Metric
    seed: int
    verbose: bool = False

    def find(self, first: np.ndarray, inverse: np.ndarray, k: int) -> Neighbors:
        """Return the k nearest distinct rows of each distinct row."""
        x = self._numbers(first)
        search = _search_exactly if len(x) <= EXACT_ROWS else self._search_approximately
        with progress("finding neighbours", 1, self.verbose) as advance:
            distances, indices = search(x, self.metric, k)
            advance(1)
        if not (np.isfinite(distances).all() and (distances >= 0).all()):
            raise SettingError(
                "metric: expected finite distances of at least 0, found "
                f"{distances[~(np.isfinite(distances) & (distances >= 0))][0]}"
            )
        return Neighbors(indices, distances)

    def _numbers(self, first: np.ndarray) -> np.ndarray:
        """Return the rows as the metric receives them, shape (n, d)."""
        check_memory("metric", 8 * len(first) * int(np.prod(self.rows.row_shape)))
        x = self.rows.subset(first)[:].reshape(len(first), -1)
        if self.scale.allow_nan:
            x = np.where(np.isnan(x), self.scale.offset, x)
        if self.metric == "jaccard":
            return x != 0
        return x if callable(self.metric) else (x / self.scale.scale).astype(np.float32)

    def _search_approximately(
        self, x: np.ndarray, metric: Metric, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and indices by PyNNDescent (W. Dong et al., WWW 2011)."""
        try:
            from pynndescent import NNDescent
        except ModuleNotFoundError:
            raise SettingError(
                f"metric: expected PyNNDescent for {metric!r} and more than {EXACT_ROWS:,} rows, "
                "found no such package: install latentmap[metrics]"
            ) from None
        index = NNDescent(x, metric, n_neighbors=k + 1, random_state=self.seed)
        indices, distances = index.neighbor_graph
        is_self = indices == np.arange(len(indices))[:, None]
        own_column = np.where(is_self.any(axis=1), is_self.argmax(axis=1), k)
        # PyNNDescent returns −1 for neighbours that it does not find; the nearest is repeated.
        kept_columns = drop_self(np.tile(np.arange(k + 1), (len(x), 1)), own_column)
        indices, distances = (
            np.take_along_axis(array, kept_columns, axis=1) for array in (indices, distances)
        )
        is_missing = indices < 0
        return (
            np.where(is_missing, distances[:, :1], distances),
            np.where(is_missing, indices[:, :1], indices),
        )


def _search_exactly(x: np.ndarray, metric: Metric, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and indices by comparing all pairs of rows."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute")
    return search.fit(x).kneighbors()
