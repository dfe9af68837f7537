"""Detection of novel rows: new rows that belong to a class which the map does not know.

One row says little: an unusual 4 is as far from other 4s as a 9 is. So each new row is judged by
its neighbourhood among the new rows and many replayed rows: by the share of new rows in it, and by
the distance to the replayed rows relative to the distances among these (as in the local outlier
factor: M. M. Breunig et al., "LOF: Identifying Density-Based Local Outliers", SIGMOD 2000),
averaged over its neighbours. The share alone would call a thousand more 7s novel if few had been
fitted; the distance alone, any unusual row.
"""

import numpy as np

from latentmap.maps.layout import unique_points
from latentmap.preprocessing.neighbors import NeighborIndex, drop_self, nearest_neighbors

NEIGHBORS = 15
# A row is novel if its neighbours have more than MIN_NEW_SHARE new neighbours and are farther away
# than DISTANCE_PERCENTILE percent of replayed rows, or if their share exceeds SURE_NEW_SHARE: a
# tight class is not far from others.
MIN_NEW_SHARE, SURE_NEW_SHARE = 0.6, 0.95
DISTANCE_PERCENTILE = 95.0
VOTE_ROUNDS = 3
MIN_CLASS_ROWS = 20  # Fewer novel rows do not form a class.
DISTANCE_NEIGHBORS = 10
MAX_NEW_NEIGHBORS, MAX_REFERENCE_ROWS, MAX_CALIBRATION_ROWS = 10_000, 10_000, 2_000
REPLAY_FACTOR, MIN_REPLAY_ROWS, MAX_REPLAY_ROWS = 10, 4_000, 100_000


def n_replay_rows(n_new: int, n_fitted: int) -> int:
    """Return the number of rows to replay: as many as were fitted, and ten times the new rows.

    Examples
    --------
    >>> n_replay_rows(100, 54_000), n_replay_rows(5_000, 1_000), n_replay_rows(10**6, 10)
    (54000, 50000, 100000)
    """
    return min(max(REPLAY_FACTOR * n_new, n_fitted, MIN_REPLAY_ROWS), MAX_REPLAY_ROWS)


def detect_novel_rows(points: np.ndarray, recalled: np.ndarray, seed: int) -> np.ndarray:
    """Return a mask of the novel rows.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        The new rows, float32.
    recalled : ndarray of shape (m, d)
        Replayed rows in random order, many more than new ones.
    seed : int

    Returns
    -------
    ndarray of bool of shape (n,)
        All False if fewer than 20 distinct rows are novel. Copies count once, because they are each
        other's neighbours.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, new = rng.normal(size=(4000, 3)), rng.normal(size=(60, 3))
    >>> new[:30] += 9.0
    >>> found = detect_novel_rows(new.astype("float32"), old.astype("float32"), seed=0)
    >>> int(found[:30].sum()), int(found[30:].sum())
    (30, 0)
    """
    unique, inverse = unique_points(points)
    return _novel_mask(unique, recalled, seed)[inverse]


def _novel_mask(points: np.ndarray, recalled: np.ndarray, seed: int) -> np.ndarray:
    if len(points) < MIN_CLASS_ROWS:
        return np.zeros(len(points), bool)
    neighbors = nearest_neighbors(points, min(NEIGHBORS, len(points) - 1), seed)
    split = len(recalled) // 2
    calibration = recalled[: min(MAX_CALIBRATION_ROWS, split)]
    reference = recalled[split:][:MAX_REFERENCE_ROWS]
    distances, usual = _relative_distances((points, calibration), reference, seed)
    k = min(NEIGHBORS, len(calibration) - 1)
    usual = usual[nearest_neighbors(calibration, k, seed)].mean(axis=1)
    is_far = distances[neighbors].mean(axis=1) > np.percentile(usual, DISTANCE_PERCENTILE)
    new_share = _new_share(points, recalled, seed)
    novel = (is_far & (new_share > MIN_NEW_SHARE)) | (new_share > SURE_NEW_SHARE)
    for _ in range(VOTE_ROUNDS):
        novel &= novel[neighbors].mean(axis=1) > 0.5
    return novel if novel.sum() >= MIN_CLASS_ROWS else np.zeros(len(points), bool)


def _relative_distances(
    queries: tuple[np.ndarray, ...], reference: np.ndarray, seed: int
) -> list[np.ndarray]:
    """Return distances to the tenth nearest reference row, relative to those of its neighbours."""
    index, k = NeighborIndex(reference, seed), min(DISTANCE_NEIGHBORS, len(reference) - 1)
    reference_distances = _distance(reference, reference[index.search(reference, k + 1)[:, -1]])
    results = []
    for points in queries:
        neighbors = index.search(points, k)
        usual = reference_distances[neighbors].mean(axis=1)
        usual = np.maximum(usual, np.finfo(np.float32).tiny)
        results.append(_distance(points, reference[neighbors[:, -1]]) / usual)
    return results


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm((a - b).astype(np.float64), axis=1)


def _new_share(points: np.ndarray, recalled: np.ndarray, seed: int) -> np.ndarray:
    """Return the mean share of new rows around each point's new neighbours."""
    sample = np.arange(len(points))
    if len(points) > MAX_NEW_NEIGHBORS:
        permutation = np.random.default_rng(seed).permutation(len(points))
        sample = np.sort(permutation[:MAX_NEW_NEIGHBORS])
    own_index = np.full(len(points), -1)
    n_recalled = len(recalled)
    own_index[sample] = n_recalled + np.arange(len(sample))
    # Replayed rows come first, so that a row at the same distance as a new one is not new.
    pool = np.concatenate([recalled, points[sample]]).astype(np.float32)
    neighbors = NeighborIndex(pool, seed).search(points, NEIGHBORS + 1)
    neighbors = drop_self(neighbors, own_index)
    is_new = neighbors >= n_recalled
    shares = is_new.mean(axis=1)[sample]
    neighbor_shares = np.where(is_new, shares[np.where(is_new, neighbors - n_recalled, 0)], 0.0)
    return neighbor_shares.sum(axis=1) / np.maximum(is_new.sum(axis=1), 1)
