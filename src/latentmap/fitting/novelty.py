"""Which new rows are of a new kind: those among which hardly any fitted row would lie.

A row alone tells little: an odd 4 lies as far from other 4s as a 9 does. Many tell more: where rows
of a new kind come, they lie among each other, and rows recalled from the map do not. So each new
row is judged by the company it has, among the new rows and many recalled ones together.
"""

from __future__ import annotations

import numpy as np

from latentmap.fitting.neighbors import Neighbors, without_own

__all__ = ["FEWEST", "new_kinds", "wanted_recalled"]

NEIGHBORS = 15
COMPANY = 0.7
"""A row is of a new kind where its neighbours have more than this share of new neighbours."""
FEWEST = 20
"""Fewer rows make no kind."""
MOST_JUDGES = 10_000
TIMES_MORE, FEWEST_RECALLED, MOST_RECALLED = 10, 2_000, 100_000


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
        Drawn as the fitted rows were spread, many more than are new.
    seed : int

    Returns
    -------
    ndarray of bool of shape (n,)
        All False where fewer than 20 rows are new.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, new = rng.normal(size=(1000, 3)), rng.normal(size=(60, 3))
    >>> new[:30] += 9.0
    >>> found = new_kinds(new.astype("float32"), old.astype("float32"), seed=0)
    >>> int(found[:30].sum()), int(found[30:].sum())
    (30, 0)
    """
    judges = np.arange(len(points))
    if len(points) > MOST_JUDGES:
        judges = np.sort(np.random.default_rng(seed).permutation(len(points))[:MOST_JUDGES])
    own = np.full(len(points), -1)
    own[judges] = np.arange(len(judges))
    pool = np.concatenate([points[judges], recalled]).astype(np.float32)
    k = min(NEIGHBORS, len(pool) - 1)
    near = without_own(Neighbors(pool, seed).search(points, k + 1), own)
    fresh = near < len(judges)
    company = fresh.mean(axis=1)[judges]
    theirs = np.where(fresh, company[np.where(fresh, near, 0)], 0.0).sum(axis=1)
    found = theirs / np.maximum(fresh.sum(axis=1), 1) > COMPANY
    return found if found.sum() >= FEWEST else np.zeros(len(points), bool)
