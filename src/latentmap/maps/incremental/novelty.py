"""Detection of novel rows: new rows that belong to a class without fitted rows.

A single row is not enough evidence, because an unusual row of a known class can be as far from its
class as a row of a novel class. Each new row is therefore classified by its neighbourhood among new
and replayed rows: by the share of new rows in it, and by the distance to the replayed rows relative
to the distances among replayed rows (as in the local outlier factor: M. M. Breunig et al., "LOF:
Identifying Density-Based Local Outliers", SIGMOD 2000), averaged over the neighbours of the row.
The share alone would mark many new rows of a small known class, and the distance alone would mark
unusual rows.
"""

import numpy as np

from latentmap.maps.layout import unique_points
from latentmap.preprocessing.neighbors import NeighborIndex, drop_self, nearest_neighbors

NEIGHBORS = 15
# A row is novel if the share of new rows around it exceeds MIN_NEW_SHARE and its relative distance
# exceeds DISTANCE_PERCENTILE percent of those of replayed rows. If the share exceeds
# SUFFICIENT_NEW_SHARE, the distance is not tested, because a dense class can be near others.
MIN_NEW_SHARE, SUFFICIENT_NEW_SHARE = 0.6, 0.95
DISTANCE_PERCENTILE = 95.0
MAJORITY_ROUNDS = 3
MIN_CLASS_ROWS = 20  # Fewer novel rows do not form a class.
DISTANCE_NEIGHBORS = 10
MAX_NEW_ROWS, MAX_REFERENCE_ROWS, MAX_CALIBRATION_ROWS = 10_000, 10_000, 2_000
REPLAY_FACTOR, MIN_REPLAY_ROWS, MAX_REPLAY_ROWS = 10, 4_000, 100_000


def n_replay_rows(n_new: int, n_fitted: int) -> int:
    """Return the number of replayed rows: the fitted rows or ten times the new rows, within limits.

    Examples
    --------
    >>> n_replay_rows(100, 54_000), n_replay_rows(5_000, 1_000), n_replay_rows(10**6, 10)
    (54000, 50000, 100000)
    """
    return min(max(REPLAY_FACTOR * n_new, n_fitted, MIN_REPLAY_ROWS), MAX_REPLAY_ROWS)


def detect_novel_rows(points: np.ndarray, replayed_points: np.ndarray, seed: int) -> np.ndarray:
    """Return a mask of the novel rows.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        The new rows, float32.
    replayed_points : ndarray of shape (m, d)
        Replayed rows in random order, many more than new rows.
    seed : int

    Returns
    -------
    ndarray of bool of shape (n,)
        All False if fewer than 20 distinct rows are novel.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> replayed, new = rng.normal(size=(4000, 3)), rng.normal(size=(60, 3))
    >>> new[:30] += 9.0
    >>> is_novel = detect_novel_rows(new.astype("float32"), replayed.astype("float32"), seed=0)
    >>> int(is_novel[:30].sum()), int(is_novel[30:].sum())
    (30, 0)
    """
    # Copies of a row would be its nearest neighbours.
    first, inverse = unique_points(points)
    return _novel_mask(points[first], replayed_points, seed)[inverse]


def _novel_mask(points: np.ndarray, replayed_points: np.ndarray, seed: int) -> np.ndarray:
    if len(points) < MIN_CLASS_ROWS:
        return np.zeros(len(points), bool)
    neighbors = nearest_neighbors(points, min(NEIGHBORS, len(points) - 1), seed)
    middle = len(replayed_points) // 2
    calibration = replayed_points[: min(MAX_CALIBRATION_ROWS, middle)]
    reference = replayed_points[middle:][:MAX_REFERENCE_ROWS]
    distances, reference_distances = _relative_distances((points, calibration), reference, seed)
    k = min(NEIGHBORS, len(calibration) - 1)
    reference_distances = reference_distances[nearest_neighbors(calibration, k, seed)].mean(axis=1)
    threshold = np.percentile(reference_distances, DISTANCE_PERCENTILE)
    is_far = distances[neighbors].mean(axis=1) > threshold
    new_shares = _new_share(points, replayed_points, seed)
    is_novel = (is_far & (new_shares > MIN_NEW_SHARE)) | (new_shares > SUFFICIENT_NEW_SHARE)
    for _ in range(MAJORITY_ROUNDS):
        is_novel &= is_novel[neighbors].mean(axis=1) > 0.5
    return is_novel if is_novel.sum() >= MIN_CLASS_ROWS else np.zeros(len(points), bool)


def _relative_distances(
    queries: tuple[np.ndarray, ...], reference: np.ndarray, seed: int
) -> list[np.ndarray]:
    """Return distances to the tenth nearest reference row, relative to those of its neighbours."""
    index, k = NeighborIndex(reference, seed), min(DISTANCE_NEIGHBORS, len(reference) - 1)
    reference_distances = _distance(reference, reference[index.search(reference, k + 1)[:, -1]])
    results = []
    for points in queries:
        neighbors = index.search(points, k)
        scale = reference_distances[neighbors].mean(axis=1)
        scale = np.maximum(scale, np.finfo(np.float32).tiny)
        results.append(_distance(points, reference[neighbors[:, -1]]) / scale)
    return results


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm((a - b).astype(np.float64), axis=1)


def _new_share(points: np.ndarray, replayed_points: np.ndarray, seed: int) -> np.ndarray:
    """Return the mean share of new rows among the neighbours of each point's new neighbours."""
    sample = np.arange(len(points))
    if len(points) > MAX_NEW_ROWS:
        permutation = np.random.default_rng(seed).permutation(len(points))
        sample = np.sort(permutation[:MAX_NEW_ROWS])
    own_index = np.full(len(points), -1)
    n_replayed = len(replayed_points)
    own_index[sample] = n_replayed + np.arange(len(sample))
    # Replayed rows come first, so that they win ties of distance against new rows.
    pool = np.concatenate([replayed_points, points[sample]]).astype(np.float32)
    neighbors = NeighborIndex(pool, seed).search(points, NEIGHBORS + 1)
    neighbors = drop_self(neighbors, own_index)
    is_new = neighbors >= n_replayed
    shares = is_new.mean(axis=1)[sample]
    neighbor_shares = np.where(is_new, shares[np.where(is_new, neighbors - n_replayed, 0)], 0.0)
    return neighbor_shares.sum(axis=1) / np.maximum(is_new.sum(axis=1), 1)
