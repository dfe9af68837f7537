"""Which new rows are of a new kind: those among which, and near which, no fitted row would lie.

A row alone tells little: an odd 4 lies as far from other 4s as a 9 does. Many tell more. So each
new row is judged by the company it has, among the new rows and many recalled ones together, and by
how far off the recalled ones lie, beside how far they lie from each other (as the local outlier
factor has it: M. M. Breunig et al., "LOF: Identifying Density-Based Local Outliers", SIGMOD 2000),
averaged over its neighbours. Company alone would call a thousand more 7s a new kind where few had
been fitted; distance alone, any odd row.
"""

import numpy as np

from latentmap.maps.layout import distinct
from latentmap.preprocessing.neighbors import NeighborIndex, drop_self, nearest_neighbors

NEIGHBORS = 15
COMPANY = 0.6
"""Of a new kind are rows whose neighbours have more than this share of new neighbours,"""
USUAL = 95.0
"""and lie farther off than so many of a hundred recalled rows do;"""
ALONE = 0.95
"""or whose neighbours have more than this share: tight kinds, as 1s, lie not far from others."""
VOTES = 3
"""Then those among new rows that mostly are of no new kind are taken out, so many times."""
FEWEST = 20
"""Fewer rows make no kind."""
NEAR = 10
MOST_JUDGES, MOST_MEASURES, FRESH = 10_000, 10_000, 2_000
TIMES_MORE, FEWEST_RECALLED, MOST_RECALLED = 10, 4_000, 100_000


def wanted_recalled(n_new: int, n_fitted: int) -> int:
    """Tell how many rows to recall: as many as were fitted, and ten times the new ones.

    Examples
    --------
    >>> wanted_recalled(100, 54_000), wanted_recalled(5_000, 1_000), wanted_recalled(10**6, 10)
    (54000, 50000, 100000)
    """
    wanted = max(TIMES_MORE * n_new, n_fitted, FEWEST_RECALLED)
    return min(wanted, MOST_RECALLED)


def new_kinds(points: np.ndarray, recalled: np.ndarray, seed: int) -> np.ndarray:
    """Tell which points are of a kind that the recalled ones do not know.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        The new rows, float32.
    recalled : ndarray of shape (m, d)
        Drawn as the fitted rows were spread, in random order, many more than are new.
    seed : int

    Returns
    -------
    ndarray of bool of shape (n,)
        All False where fewer than 20 different rows are new: copies are each other's only
        company, and make no kind.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, new = rng.normal(size=(4000, 3)), rng.normal(size=(60, 3))
    >>> new[:30] += 9.0
    >>> found = new_kinds(new.astype("float32"), old.astype("float32"), seed=0)
    >>> int(found[:30].sum()), int(found[30:].sum())
    (30, 0)
    """
    different, which = distinct(points)
    return _new_ones(different, recalled, seed)[which]


def _new_ones(points: np.ndarray, recalled: np.ndarray, seed: int) -> np.ndarray:
    if len(points) < FEWEST:
        return np.zeros(len(points), bool)
    near = nearest_neighbors(points, min(NEIGHBORS, len(points) - 1), seed)
    split = len(recalled) // 2
    fresh, others = recalled[: min(FRESH, split)], recalled[split:][:MOST_MEASURES]
    far, usual = _remoteness((points, fresh), others, seed)
    usual = usual[nearest_neighbors(fresh, min(NEIGHBORS, len(fresh) - 1), seed)].mean(axis=1)
    remote = far[near].mean(axis=1) > np.percentile(usual, USUAL)
    company = _company(points, recalled, seed)
    found = (remote & (company > COMPANY)) | (company > ALONE)
    for _ in range(VOTES):
        found &= found[near].mean(axis=1) > 0.5
    return found if found.sum() >= FEWEST else np.zeros(len(points), bool)


def _remoteness(
    queries: tuple[np.ndarray, ...], recalled: np.ndarray, seed: int
) -> list[np.ndarray]:
    """Give how far off the tenth nearest lies, beside how far it lies from the like of itself."""
    index, k = NeighborIndex(recalled, seed), min(NEAR, len(recalled) - 1)
    own = _distance(recalled, recalled[index.search(recalled, k + 1)[:, -1]])
    found = []
    for points in queries:
        near = index.search(points, k)
        usual = np.maximum(own[near].mean(axis=1), np.finfo(np.float32).tiny)
        found.append(_distance(points, recalled[near[:, -1]]) / usual)
    return found


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm((a - b).astype(np.float64), axis=1)


def _company(points: np.ndarray, recalled: np.ndarray, seed: int) -> np.ndarray:
    """Give the share of new neighbours that each point's new neighbours have."""
    judges = np.arange(len(points))
    if len(points) > MOST_JUDGES:
        judges = np.sort(np.random.default_rng(seed).permutation(len(points))[:MOST_JUDGES])
    own = np.full(len(points), -1)
    had = len(recalled)
    own[judges] = had + np.arange(len(judges))
    pool = np.concatenate([recalled, points[judges]]).astype(np.float32)  # ties are no new kind
    near = drop_self(NeighborIndex(pool, seed).search(points, NEIGHBORS + 1), own)
    fresh = near >= had
    theirs = np.where(fresh, fresh.mean(axis=1)[judges][np.where(fresh, near - had, 0)], 0.0)
    return theirs.sum(axis=1) / np.maximum(fresh.sum(axis=1), 1)
