"""Modes of the density of codes, and the order in which they merge into clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from latentmap.progress import progress

MIN_NEIGHBORS, MAX_NEIGHBORS = 10, 100
# A k-d tree is faster than brute force up to this number of components.
MAX_TREE_COMPONENTS = 8


@dataclass(frozen=True)
class DensityModes:
    """Density estimate at n points, and its m modes.

    ``labels`` is the mode of each point and ``modes`` the point at each mode. ``saddles``, (m, m),
    is the log density at the highest saddle between two modes. ``radii`` is the root mean square
    distance of each point to its k nearest neighbours.
    """

    log_density: np.ndarray
    labels: np.ndarray
    modes: np.ndarray
    saddles: np.ndarray
    radii: np.ndarray
    k: int

    @classmethod
    def from_equal_points(cls, count: int) -> DensityModes:
        """Return the single mode of points that are all equal."""
        zeros, labels = np.zeros(count), np.zeros(count, np.intp)
        return cls(zeros, labels, labels[:1], np.zeros((1, 1)), zeros, 1)


class Merge(NamedTuple):
    """Merge of two groups of modes at the saddle between the modes of ``mode_pair``.

    ``absorbed_mode`` is the main mode of the group with less excess mass. ``excess_mass`` is the
    mass of this group above the saddle, in points. ``prominence`` is the difference between its
    highest log density and that of the saddle.
    """

    mode_pair: tuple[int, int]
    absorbed_mode: int
    excess_mass: float
    prominence: float


def find_modes(points: np.ndarray, k: int | None = None, verbose: bool = False) -> DensityModes:
    """Estimate the density of at least two different points, its modes and their saddles.

    f(x) = r(x)^−D, where r(x) is the root mean square distance of x to its k nearest other points,
    the distance to a measure of F. Chazal, D. Cohen-Steiner, Q. Mérigot (Foundations of
    Computational Mathematics 11, 2011), and D is the intrinsic dimension, at most d, estimated as
    by E. Levina and P. J. Bickel (NIPS 17, 2004) with the average of D. MacKay and Z. Ghahramani
    (2005). Each point is connected to the densest of its k neighbours, and so on up to a mode. If
    neighbours belong to different modes, the lower of their densities is a saddle; the highest such
    saddle counts (ToMATo: F. Chazal, L. Guibas, S. Oudot, P. Skraba, Journal of the ACM 60, 2013).
    Modes a and b without such neighbours have a saddle of density ‖a − b‖^−D.

    k is n^(1/D), with D at least 2, from 10 to 100: √n in the plane, where random fluctuations
    create spurious modes; 10 in many dimensions, where more neighbours would blur the density. If
    the graph of the 10 nearest neighbours has many connected components, k is at most a third of
    their size, so that the neighbours of a point are in its own component.
    """
    neighbors, distances = _nearest_others(points, k or _max_neighbors(len(points)), verbose)
    dimension = min(_intrinsic_dimension(distances), points.shape[1])
    if k is None:
        k = min(
            round(len(points) ** (1 / max(dimension, 2))), _median_component_size(neighbors) // 3
        )
        k = int(np.clip(k, MIN_NEIGHBORS, MAX_NEIGHBORS))
        neighbors, distances = neighbors[:, :k], distances[:, :k]
    radii = np.sqrt((distances**2).mean(axis=1))
    # The radius of equal points is 0, and its logarithm would be infinite.
    radii = np.maximum(radii, 1e-9 * points.std(axis=0).max())
    log_density = -dimension * np.log(radii)
    modes, labels = np.unique(_ascend(log_density, neighbors), return_inverse=True)
    saddles = _distant_saddles(points[modes], radii[modes], dimension)
    _update_saddles(saddles, log_density, labels, neighbors)
    return DensityModes(log_density, labels, modes, saddles, radii, neighbors.shape[1])


def _max_neighbors(count: int) -> int:
    return min(int(np.clip(round(count**0.5), MIN_NEIGHBORS, MAX_NEIGHBORS)), count - 1)


def _nearest_others(points: np.ndarray, k: int, verbose: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices and distances of the k nearest other points, each of shape (n, k)."""
    from sklearn.neighbors import NearestNeighbors

    algorithm = "kd_tree" if points.shape[1] <= MAX_TREE_COMPONENTS else "brute"
    index = NearestNeighbors(n_neighbors=k + 1, algorithm=algorithm).fit(points)
    with progress(f"Finding neighbours of {len(points):,} codes", 1, verbose):
        distances, neighbors = index.kneighbors(points)
    # The first neighbour is the point itself, or a point at the same position.
    return neighbors[:, 1:], distances[:, 1:]


def _median_component_size(neighbors: np.ndarray) -> int:
    """Return the median, over all points, of the size of the connected component of a point.

    Each point is connected to its 10 nearest neighbours.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, k = len(neighbors), min(MIN_NEIGHBORS, neighbors.shape[1])
    indices, offsets = neighbors[:, :k].ravel(), np.arange(0, n * k + 1, k)
    graph = csr_array((np.ones(n * k, np.int8), indices, offsets), shape=(n, n))
    components = connected_components(graph, directed=False)[1]
    return int(np.median(np.bincount(components)[components]))


def _intrinsic_dimension(distances: np.ndarray) -> float:
    """Estimate the intrinsic dimension from the distances of nearest neighbours."""
    max_distances = distances[:, -1:]
    nonzero_distances = np.where(
        (distances > 0) & (max_distances > 0), distances, max_distances + (max_distances == 0)
    )
    logs = np.log((max_distances + (max_distances == 0)) / nonzero_distances).mean(axis=1)
    return 1.0 / max(float(logs.mean()), 1e-3)


def _ascend(log_density: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return the mode that each point reaches by moving to its densest neighbour repeatedly."""
    rank = np.empty(len(log_density), np.intp)
    rank[np.argsort(-log_density, kind="stable")] = np.arange(len(log_density))
    points = np.arange(len(log_density))
    candidates = np.column_stack([points, neighbors])
    densest_neighbor = candidates[points, rank[candidates].argmin(axis=1)]
    while not (densest_neighbor[densest_neighbor] == densest_neighbor).all():
        densest_neighbor = densest_neighbor[densest_neighbor]
    return densest_neighbor


def _distant_saddles(modes: np.ndarray, radii: np.ndarray, dimension: float) -> np.ndarray:
    from scipy.spatial.distance import cdist

    distances = np.maximum(cdist(modes, modes), np.maximum(radii[:, None], radii))
    return -dimension * np.log(distances)


def _update_saddles(
    saddles: np.ndarray, log_density: np.ndarray, labels: np.ndarray, neighbors: np.ndarray
) -> None:
    """Update, in place, the saddle density of each pair of modes with neighbouring points."""
    is_border = labels[neighbors] != labels[:, None]
    start, border_neighbors = np.nonzero(is_border)[0], neighbors[is_border]
    heights = np.minimum(log_density[start], log_density[border_neighbors])
    border_saddles = np.full_like(saddles, -np.inf)
    np.maximum.at(border_saddles, (labels[start], labels[border_neighbors]), heights)
    border_saddles = np.maximum(border_saddles, border_saddles.T)
    np.copyto(saddles, border_saddles, where=np.isfinite(border_saddles))


def merge_tree(density: DensityModes) -> list[Merge]:
    """Compute the order in which modes merge as the density level decreases.

    Each of two groups that meet at a saddle of log density s has an excess mass (J. A. Hartigan,
    JASA 82, 1987; D. W. Müller, G. Sawitzki, JASA 86, 1991) n ∫ (f − e^s)₊ ≈ Σᵢ (1 − e^s / f(xᵢ))₊
    over its own points, from 0 to their number. A single high mode has a small excess mass; a
    plateau that is separated by a low saddle has an excess mass of nearly all its points.
    """
    n_modes = len(density.modes)
    order = np.argsort(density.labels, kind="stable")
    bounds = np.searchsorted(density.labels[order], np.arange(1, n_modes))
    members = dict(enumerate(np.split(density.log_density[order], bounds)))
    main_modes = np.arange(n_modes)  # Index of the main mode of the group of each mode.
    merges = []
    for mode_pair in _by_height(density.saddles):
        first, second = int(main_modes[mode_pair[0]]), int(main_modes[mode_pair[1]])
        if first == second:
            continue
        level = density.saddles[mode_pair]
        excess = [_excess_mass(members[group], level) for group in (first, second)]
        if excess[0] < excess[1]:
            first, second, excess = second, first, excess[::-1]
        prominence = float(members[second].max() - level)
        merges.append(Merge(mode_pair, second, excess[1], prominence))
        members[first] = np.concatenate([members[first], members.pop(second)])
        main_modes[main_modes == second] = first
        if len(merges) == n_modes - 1:
            break
    return merges


def _by_height(saddles: np.ndarray) -> list[tuple[int, int]]:
    """Return the two modes of each saddle, in descending order of the saddles."""
    first, second = np.triu_indices(len(saddles), 1)
    order = np.argsort(-saddles[first, second], kind="stable")
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def _excess_mass(log_density: np.ndarray, level: float) -> float:
    return float(np.maximum(-np.expm1(level - log_density), 0).sum())


def assign_modes(
    density: DensityModes, merges: list[Merge], selected_modes: set[int]
) -> np.ndarray:
    """Return the selected mode of each point, shape (n,), after merging all other modes."""
    main_modes = np.arange(len(density.modes))
    for merge in merges:
        first, second = main_modes[list(merge.mode_pair)].tolist()
        if first in selected_modes and second in selected_modes:
            continue
        if second in selected_modes:
            first, second = second, first
        main_modes[main_modes == second] = first
    return main_modes[density.labels]
