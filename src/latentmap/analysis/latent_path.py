"""The way from one code to another through probable codes.

Real codes and their neighbours make a graph. An edge is as low as its least probable spot, and the
best that can be had between two codes is the path whose lowest edge is highest; it lies in the
graph's spanning tree. Of all paths no lower than that (or than what is low among real rows anyway),
and no lower than the straight line, the shortest is taken, lengths counting more where codes are
rarer; then it is smoothed as far as it stays as high.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from latentmap.analysis.sampling import Probable

__all__ = ["probable_path"]

NEIGHBORS = 10
EDGE_SPOTS = 7
PATH_SPOTS = 1024
SMOOTHINGS = (0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625)
"""Widths of the smoothing that are tried, as shares of the path."""
MOST_RARE = 20.0
"""Nats below the usual beyond which all is equally bad: sums of lengths must stay exact."""


def probable_path(ends: np.ndarray, nodes: np.ndarray, density: Probable) -> np.ndarray:
    """Find a short path between two codes that avoids improbable ones where it can.

    Parameters
    ----------
    ends : ndarray of shape (2, d)
    nodes : ndarray of shape (n, d)
        Real codes to go by; distances between all pairs of them are computed.
    density : Probable

    Returns
    -------
    ndarray of shape (1024, d)
        The path from end to end, in equal steps: the straight line where no spot of it is rarer
        than usual.

    Notes
    -----
    The length of an edge is weighed by exp((usual − log p)·√(2/d)) where it is less probable than
    usual, √(d/2) being the deviation of a Gaussian's log density: a path keeps to the dense parts.
    The highest lowest edge: T. C. Hu, "The Maximum Capacity Route Problem", Operations Research 9,
    1961. Shortest: E. W. Dijkstra, 1959; both by SciPy.
    """
    straight = resampled(ends, PATH_SPOTS)
    line = density.log_density(straight)
    if line.min() >= density.usual:
        return straight
    spots = np.concatenate([ends, nodes])
    pairs = _neighboring(spots)
    lowest, mean = _heights(spots, pairs, density)
    direct = np.flatnonzero(pairs.sum(axis=1) == 1)
    lowest[direct], mean[direct] = line.min(), line.mean()  # it is long, so looked at more closely
    costs = np.linalg.norm(spots[pairs[:, 0]] - spots[pairs[:, 1]], axis=1) + 1e-12
    rarity = (density.usual - mean) * np.sqrt(2 / spots.shape[1])
    costs *= np.exp(np.clip(rarity, 0, MOST_RARE))
    level = min(density.floor, _bottleneck(pairs, lowest, len(spots)))
    allowed = lowest >= max(level, line.min()) - 1e-9
    path = spots[_shortest(pairs[allowed], costs[allowed], len(spots))]
    return _smoothed(resampled(path, PATH_SPOTS), density)


def resampled(path: np.ndarray, count: int) -> np.ndarray:
    """Give so many spots of a polyline, at equal distances along it."""
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return along(path, lengths, np.linspace(0, 1, count))


def along(path: np.ndarray, lengths: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Give the spots of a polyline at shares of the sum of its segments' lengths."""
    sums = np.concatenate([[0.0], np.cumsum(lengths)])
    if not sums[-1]:
        sums = np.arange(len(path), dtype=float)  # all in one place
    places = np.interp(shares * sums[-1], sums, np.arange(len(path)))
    first = np.minimum(places.astype(int), len(path) - 2)
    share = (places - first)[:, None]
    return (1 - share) * path[first] + share * path[first + 1]


def _neighboring(spots: np.ndarray) -> np.ndarray:
    """Give pairs of neighbours, of a spanning tree, and of the two ends: all are connected."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import cdist

    distances = cdist(spots, spots)
    count = min(NEIGHBORS + 1, len(spots))
    near = np.argpartition(distances, count - 1, axis=1)[:, :count]
    tree = np.argwhere(minimum_spanning_tree(distances + 1e-12).toarray() > 0)
    around = np.column_stack([np.repeat(np.arange(len(spots)), count), near.ravel()])
    pairs = np.sort(np.concatenate([around, tree, [[0, 1]]]), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def _heights(
    spots: np.ndarray, pairs: np.ndarray, density: Probable
) -> tuple[np.ndarray, np.ndarray]:
    """Give the least and the mean log density along each edge."""
    shares = np.linspace(0, 1, EDGE_SPOTS)[:, None, None]
    between = (1 - shares) * spots[pairs[:, 0]] + shares * spots[pairs[:, 1]]
    heights = density.log_density(between.reshape(-1, spots.shape[1])).reshape(EDGE_SPOTS, -1)
    return heights.min(axis=0), heights.mean(axis=0)


def _bottleneck(pairs: np.ndarray, heights: np.ndarray, count: int) -> float:
    """Give the highest level at which the two ends, 0 and 1, are still connected."""
    from scipy.sparse.csgraph import minimum_spanning_tree

    top = heights.max() + 1.0  # an edge of size 0 would be none
    tree = minimum_spanning_tree(_graph(pairs, top - heights, count)).tocoo()
    edges = np.column_stack([tree.row, tree.col])
    depths = dict(zip(map(frozenset, edges.tolist()), tree.data, strict=True))
    path = _shortest(edges, tree.data, count)
    return top - max(depths[frozenset(step)] for step in itertools.pairwise(path))


def _shortest(pairs: np.ndarray, costs: np.ndarray, count: int) -> list[int]:
    """Give the numbers of the spots on the shortest path from 0 to 1."""
    from scipy.sparse.csgraph import dijkstra

    graph = _graph(pairs, costs, count)
    before = dijkstra(graph, directed=False, indices=0, return_predecessors=True)[1]
    path = [1]
    while path[-1] != 0:
        path.append(int(before[path[-1]]))
    return path[::-1]


def _graph(pairs: np.ndarray, costs: np.ndarray, count: int) -> Any:
    from scipy.sparse import csr_array

    return csr_array((costs, (pairs[:, 0], pairs[:, 1])), shape=(count, count))


def _smoothed(path: np.ndarray, density: Probable) -> np.ndarray:
    """Smooth a path as much as it can be without leaving the dense part."""
    least = min(density.usual, density.log_density(path).min())
    for width in SMOOTHINGS:
        smooth = resampled(_filtered(path, width * len(path)), len(path))
        if density.log_density(smooth).min() >= least:
            return smooth
    return path


def _filtered(path: np.ndarray, width: float) -> np.ndarray:
    """Take the Gaussian mean along a path; mirrored at its ends, which so stay in place."""
    from scipy.ndimage import gaussian_filter1d

    before, after = 2 * path[0] - path[:0:-1], 2 * path[-1] - path[-2::-1]
    smooth = gaussian_filter1d(np.concatenate([before, path, after]), width, axis=0)
    out = smooth[len(before) : len(before) + len(path)]
    out[[0, -1]] = path[[0, -1]]
    return out
