"""The landscape of codes: how dense they lie, its peaks, and the passes between them.

Clusters are peaks of a density that deep passes part (J. A. Hartigan, "Clustering Algorithms",
1975). Which peaks matter is a question of its own, put to the tree in which they merge; so the
landscape knows nothing of how many clusters there shall be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from latentmap.progress import progress

__all__ = ["Landscape", "Merge", "basins_of", "merges", "survey"]

FEWEST, MOST = 10, 100
"""Neighbours that a density is taken over, however few or many codes there are."""
_TREE_WIDTH = 8
"""Codes of up to so many numbers are searched in a tree, wider ones one by one."""
_BLOCK_NUMBERS = 2**21  # neighbours found at a time


@dataclass(frozen=True)
class Landscape:
    """Codes, seen as peaks with slopes around them."""

    height: np.ndarray
    """log f at each code, shape (n,)."""
    home: np.ndarray
    """The peak on whose slope each code lies, shape (n,), int."""
    tops: np.ndarray
    """The code on each of the m peaks, shape (m,), int."""
    passes: np.ndarray
    """log f at the highest pass between each two peaks, shape (m, m)."""
    reach: np.ndarray
    """How far each code's k neighbours lie, shape (n,): the radius that f is taken over."""
    k: int


class Merge(NamedTuple):
    """Two groups of peaks meet at a pass."""

    ends: tuple[int, int]
    """A peak of each, with the pass between them."""
    lesser: int
    """The chief peak of the group that has less above the pass."""
    excess: float
    """The excess mass of that group: how many codes would have to go to level it."""
    prominence: float
    """How far its highest peak stands above the pass, in log f."""


def survey(points: np.ndarray, k: int | None = None, visible: bool = False) -> Landscape:
    """Find the density of points, its peaks and their passes.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        float64, at least two rows, not all the same.
    k : int, optional
        Neighbours over which the density is taken, from 1 to n − 1. Without it, as the notes say.
    visible : bool
        Show a bar with the time left.

    Returns
    -------
    Landscape

    Notes
    -----
    f(x) = r(x)^−D, with r(x) the root mean square distance of x to its k nearest others, the
    distance to a measure of F. Chazal, D. Cohen-Steiner, Q. Mérigot (Foundations of Computational
    Mathematics 11, 2011), and D the dimension in which the points lie, at most d, by E. Levina and
    P. J. Bickel (NIPS 17, 2004), averaged as D. MacKay and Z. Ghahramani advise (2005). Every point
    climbs to the densest of its k neighbours until it is the densest itself; where neighbours have
    climbed to two peaks, they stand on a pass as high as the lower of them, and the highest such
    pass counts (ToMATo: F. Chazal, L. Guibas, S. Oudot, P. Skraba, Journal of the ACM 60, 2013).
    Peaks without such neighbours are parted by a pass of height ‖a − b‖^−D.

    k is n^(1/D), with D at least 2, but from 10 to 100: √n on a plane, where chance makes bumps and
    necks; in many dimensions, where it makes none, 10, as more would blur what there is.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> land = survey(np.concatenate([rng.normal(0, 1, (90, 2)), rng.normal(20, 1, (60, 2))]), 30)
    >>> len(land.tops), np.bincount(land.home).tolist()
    (2, [90, 60])
    """
    near, distances = _nearest_others(points, k or _most_neighbors(len(points)), visible)
    dimension = min(_dimension(distances), points.shape[1])
    if k is None:
        k = int(np.clip(round(len(points) ** (1 / max(dimension, 2))), FEWEST, MOST))
        near, distances = near[:, :k], distances[:, :k]
    reach = np.sqrt((distances**2).mean(axis=1))
    reach = np.maximum(reach, 1e-9 * points.std(axis=0).max())  # among equal points it is 0
    height = -dimension * np.log(reach)
    tops, home = np.unique(_climbed(height, near), return_inverse=True)
    passes = _far_passes(points[tops], reach[tops], dimension)
    _raise_passes(passes, height, home, near)
    return Landscape(height, home, tops, passes, reach, near.shape[1])


def _most_neighbors(count: int) -> int:
    return min(int(np.clip(round(count**0.5), FEWEST, MOST)), count - 1)


def _nearest_others(points: np.ndarray, k: int, visible: bool) -> tuple[np.ndarray, np.ndarray]:
    """Give the numbers and the distances of the k nearest others of each point, (n, k) each."""
    from sklearn.neighbors import NearestNeighbors

    way = "kd_tree" if points.shape[1] <= _TREE_WIDTH else "brute"
    search = NearestNeighbors(n_neighbors=k + 1, algorithm=way).fit(points)
    near = np.empty((len(points), k + 1), np.int32)
    distances = np.empty((len(points), k + 1))
    size = max(1, _BLOCK_NUMBERS // (k + 1))
    with progress(f"Finding neighbours of {len(points):,} codes", len(points), visible) as advance:
        for start in range(0, len(points), size):
            part = slice(start, start + size)
            distances[part], near[part] = search.kneighbors(points[part])
            advance(len(points[part]))
    # The point itself comes first, unless others lie in the same place: then any of them may.
    return near[:, 1:], distances[:, 1:]


def _dimension(distances: np.ndarray) -> float:
    """Estimate in how many dimensions points lie, from the distances of their neighbours."""
    farthest = distances[:, -1:]
    inner = np.where((distances > 0) & (farthest > 0), distances, farthest + (farthest == 0))
    logs = np.log((farthest + (farthest == 0)) / inner).mean(axis=1)
    return 1.0 / max(float(logs.mean()), 1e-3)


def _climbed(height: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Give the number of the point that each one ends at, going to the highest neighbour."""
    rank = np.empty(len(height), np.intp)
    rank[np.argsort(-height, kind="stable")] = np.arange(len(height))
    here = np.arange(len(height))
    circle = np.column_stack([here, near])
    above = circle[here, rank[circle].argmin(axis=1)]
    while not (above[above] == above).all():
        above = above[above]
    return above


def _far_passes(tops: np.ndarray, reach: np.ndarray, dimension: float) -> np.ndarray:
    from scipy.spatial.distance import cdist

    apart = np.maximum(cdist(tops, tops), np.maximum(reach[:, None], reach))
    return -dimension * np.log(apart)


def _raise_passes(
    passes: np.ndarray, height: np.ndarray, home: np.ndarray, near: np.ndarray
) -> None:
    """Put passes where neighbours have climbed to different peaks."""
    across = home[near] != home[:, None]
    start, ends = np.nonzero(across)[0], near[across]
    found = np.full_like(passes, -np.inf)
    np.maximum.at(found, (home[start], home[ends]), np.minimum(height[start], height[ends]))
    found = np.maximum(found, found.T)
    np.copyto(passes, found, where=np.isfinite(found))


def merges(land: Landscape) -> list[Merge]:
    """Sink the sea level from the top, and tell how peaks merge, one at a time.

    Parameters
    ----------
    land : Landscape
        Of m peaks.

    Returns
    -------
    list of Merge
        m − 1 of them, the highest pass first.

    Notes
    -----
    Of two groups that meet at a pass of log f = s, each has an excess mass (J. A. Hartigan, JASA
    82, 1987; D. W. Müller, G. Sawitzki, JASA 86, 1991) n ∫ (f − e^s)₊ ≈ Σᵢ (1 − e^s / f(xᵢ))₊ over
    its own codes, from 0 up to their number. That of the lesser tells how much of a cluster of its
    own it is: a single high peak has little, a wide plateau parted by a deep pass nearly all.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> land = survey(np.concatenate([rng.normal(0, 1, (90, 2)), rng.normal(20, 1, (60, 2))]), 30)
    >>> [round(merge.excess) for merge in merges(land)]
    [60]
    """
    inside = np.argsort(land.home, kind="stable")
    bounds = np.searchsorted(land.home[inside], np.arange(1, len(land.tops)))
    heights = dict(enumerate(np.split(land.height[inside], bounds)))
    chief, groups = np.arange(len(land.tops)), _Groups(len(land.tops))
    found = []
    for ends in _by_height(land.passes):
        first, second = (groups.find(end) for end in ends)
        if first == second:
            continue
        level = land.passes[ends]
        excess = [_excess(heights[group], level) for group in (first, second)]
        if excess[0] < excess[1]:
            first, second, excess = second, first, excess[::-1]
        prominence = float(heights[second].max() - level)
        found.append(Merge(ends, int(chief[second]), excess[1], prominence))
        heights[first] = np.concatenate([heights[first], heights.pop(second)])
        groups.join(first, second)
        if len(found) == len(land.tops) - 1:
            break
    return found


def _by_height(passes: np.ndarray) -> list[tuple[int, int]]:
    """Give the two ends of each pass, the highest first."""
    first, second = np.triu_indices(len(passes), 1)
    order = np.argsort(-passes[first, second], kind="stable")
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def _excess(heights: np.ndarray, level: float) -> float:
    return float(np.maximum(-np.expm1(level - heights), 0).sum())


def basins_of(land: Landscape, tree: list[Merge], kept: set[int]) -> np.ndarray:
    """Give each code the one of the kept peaks that it belongs to.

    Parameters
    ----------
    land : Landscape
    tree : list of Merge
        As `merges` gives it.
    kept : set of int
        At least one peak.

    Returns
    -------
    ndarray of shape (n,)
        A kept peak for each code: peaks merge in the order of the tree, unless both groups have a
        kept one.
    """
    groups = _Groups(len(land.tops))
    owner = {peak: peak for peak in kept}
    for merge in tree:
        first, second = (groups.find(end) for end in merge.ends)
        if first in owner and second in owner:
            continue
        if second in owner:
            first, second = second, first
        groups.join(first, second)
    return np.array([owner[groups.find(peak)] for peak in range(len(land.tops))])[land.home]


class _Groups:
    """Disjoint sets of peaks."""

    def __init__(self, count: int) -> None:
        self.above = list(range(count))

    def find(self, peak: int) -> int:
        while self.above[peak] != peak:
            self.above[peak] = peak = self.above[self.above[peak]]
        return peak

    def join(self, first: int, second: int) -> None:
        """Make the second group part of the first."""
        self.above[second] = first
