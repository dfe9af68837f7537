"""Shortest path between two codes through regions of high density, in a graph of neighbours."""

import itertools

import numpy as np

from latentmap.analysis.sampling import Density
from latentmap.data.types import csr_array

N_NEIGHBORS = 10
POINTS_PER_EDGE = 7
POINTS_PER_PATH = 1024
# Widths of the smoothing filter that are tried, as fractions of the path.
FILTER_WIDTHS = (0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625)
# The weights of lower densities are capped, because sums of very large lengths lose precision.
MAX_WEIGHT_NATS = 20.0


def high_density_path(endpoints: np.ndarray, nodes: np.ndarray, density: Density) -> np.ndarray:
    """Return a short path between two codes that avoids low densities where possible.

    The length of an edge is multiplied by exp((m − log p)·√(2/d)) if its mean log density log p is
    below the median m; √(d/2) is the standard deviation of the log density of a Gaussian. The
    bottleneck is that of T. C. Hu, "The Maximum Capacity Route Problem", Operations Research 9,
    1961, the shortest path that of E. W. Dijkstra, 1959; SciPy computes both.
    """
    line = resample(endpoints, POINTS_PER_PATH)
    line_density = density.log_density(line)
    if line_density.min() >= density.median_log_density:
        return line
    points = np.concatenate([endpoints, nodes])
    edges = _neighbor_edges(points)
    min_log_density, mean_log_density = _edge_densities(points, edges, density)
    # The edge between the endpoints is long, so more samples determine its density.
    is_direct = edges.sum(axis=1) == 1
    min_log_density[is_direct] = line_density.min()
    mean_log_density[is_direct] = line_density.mean()
    costs = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1) + 1e-12
    deficit = (density.median_log_density - mean_log_density) * np.sqrt(2 / points.shape[1])
    costs *= np.exp(np.clip(deficit, 0, MAX_WEIGHT_NATS))
    level = min(density.low_log_density, _bottleneck(edges, min_log_density, len(points)))
    is_allowed = min_log_density >= max(level, line_density.min()) - 1e-9
    graph = _graph(edges[is_allowed], costs[is_allowed], len(points))
    path = points[_shortest_path(graph)]
    return _smooth(resample(path, POINTS_PER_PATH), density)


def resample(path: np.ndarray, count: int) -> np.ndarray:
    """Return points at equal distances along a polyline, shape (count, d)."""
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return interpolate_polyline(path, lengths, np.linspace(0, 1, count))


def interpolate_polyline(
    path: np.ndarray, lengths: np.ndarray, fractions: np.ndarray
) -> np.ndarray:
    """Return the points of a polyline at fractions of the sum of its segments' lengths."""
    sums = np.concatenate([[0.0], np.cumsum(lengths)])
    if not sums[-1]:
        sums = np.arange(len(path), dtype=float)  # The path has no length if all points are equal.
    positions = np.interp(fractions * sums[-1], sums, np.arange(len(path)))
    first = np.minimum(positions.astype(int), len(path) - 2)
    weight = (positions - first)[:, None]
    return (1 - weight) * path[first] + weight * path[first + 1]


def _neighbor_edges(points: np.ndarray) -> np.ndarray:
    """Return the edges of a connected graph: neighbours, a spanning tree, and the two ends."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import cdist

    distances = cdist(points, points)
    count = min(N_NEIGHBORS + 1, len(points))
    neighbors = np.argpartition(distances, count - 1, axis=1)[:, :count]
    tree = np.argwhere(minimum_spanning_tree(distances + 1e-12).toarray() > 0)
    nearest = np.column_stack([np.repeat(np.arange(len(points)), count), neighbors.ravel()])
    edges = np.sort(np.concatenate([nearest, tree, [[0, 1]]]), axis=1)
    return np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0)


def _edge_densities(
    points: np.ndarray, edges: np.ndarray, density: Density
) -> tuple[np.ndarray, np.ndarray]:
    """Return the minimum and the mean log density along each edge."""
    weights = np.linspace(0, 1, POINTS_PER_EDGE)[:, None, None]
    edge_points = (1 - weights) * points[edges[:, 0]] + weights * points[edges[:, 1]]
    flat = density.log_density(edge_points.reshape(-1, points.shape[1]))
    log_density = flat.reshape(POINTS_PER_EDGE, -1)
    return log_density.min(axis=0), log_density.mean(axis=0)


def _bottleneck(edges: np.ndarray, log_density: np.ndarray, n_points: int) -> float:
    """Return the highest density level at which the two ends, points 0 and 1, are connected."""
    from scipy.sparse.csgraph import minimum_spanning_tree

    top = log_density.max() + 1.0  # SciPy treats an entry of 0 as no edge.
    tree = minimum_spanning_tree(_graph(edges, top - log_density, n_points))
    tree = tree + tree.T
    return top - max(tree[edge] for edge in itertools.pairwise(_shortest_path(tree)))


def _shortest_path(graph: csr_array) -> list[int]:
    """Return the points on the shortest path from point 0 to point 1."""
    from scipy.sparse.csgraph import dijkstra

    predecessors = dijkstra(graph, directed=False, indices=0, return_predecessors=True)[1]
    path = [1]
    while path[-1] != 0:
        path.append(int(predecessors[path[-1]]))
    return path[::-1]


def _graph(edges: np.ndarray, costs: np.ndarray, n_points: int) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((costs, (edges[:, 0], edges[:, 1])), shape=(n_points, n_points))


def _smooth(path: np.ndarray, density: Density) -> np.ndarray:
    """Smooth a path with the widest filter that does not lower its minimum density."""
    minimum = min(density.median_log_density, density.log_density(path).min())
    for width in FILTER_WIDTHS:
        smooth_path = resample(_gaussian_filter(path, width * len(path)), len(path))
        if density.log_density(smooth_path).min() >= minimum:
            return smooth_path
    return path


def _gaussian_filter(path: np.ndarray, width: float) -> np.ndarray:
    """Filter a path that is extended by point reflection at both ends, which stay in place."""
    from scipy.ndimage import gaussian_filter1d

    start_reflection, end_reflection = 2 * path[0] - path[:0:-1], 2 * path[-1] - path[-2::-1]
    smooth_path = gaussian_filter1d(
        np.concatenate([start_reflection, path, end_reflection]), width, axis=0
    )
    smooth_path = smooth_path[len(start_reflection) : len(start_reflection) + len(path)]
    smooth_path[[0, -1]] = path[[0, -1]]
    return smooth_path
