"""Landmarks: the few points of a layout that stand for all of it."""

from typing import Any, NamedTuple

import numpy as np

MOST = 800
ROWS_EACH = 4
"""Rows for each landmark, where they are few."""
ANCHOR_SHARE = 4
SHARPNESS = 0.7
"""h, as a share of the middle distance from a landmark to its third nearest."""
WINDOW = 2.0
"""The window's radius, in h."""
SEEN_EACH = 60
ITERATIONS = 6


class LandmarkSet(NamedTuple):
    """Landmarks, and how far each of them speaks."""

    centers: np.ndarray
    """Shape (K, n_components)."""
    anchors: np.ndarray
    """Shape (A, n_components), fewer: where a window is tried first."""
    width: float
    """h of φ_k(z) = softmax_k(−‖z − c_k‖² / 2h²)."""
    radius: float
    """Of the window around the mode."""


def choose_landmarks(spots: np.ndarray, seed: int, count: int | None = None) -> LandmarkSet:
    """Choose the k-means centres of a layout.

    Parameters
    ----------
    spots : ndarray of shape (n, n_components)
        float32, the position of every fitted row.
    seed : int
    count : int, optional
        How many; by default K.

    Returns
    -------
    LandmarkSet
        K = min(800, n/4) of them, or as many as there are different spots where these are few, but
        at least two.

    Examples
    --------
    >>> spots = np.random.default_rng(0).normal(size=(400, 2)).astype("float32")
    >>> chosen = choose_landmarks(spots, seed=0)
    >>> chosen.centers.shape, chosen.anchors.shape, 0 < chosen.width < chosen.radius < 1
    ((100, 2), (25, 2), True)
    """
    different = np.unique(spots, axis=0)
    if len(different) == 1:
        different = np.repeat(different, 2, axis=0)  # Keras warns of a softmax over one number
    count = count or max(min(MOST, len(spots) // ROWS_EACH), 20)
    centers = different if len(different) <= count else _means(spots, count, seed)
    anchors = centers
    if len(centers) > 8 * ANCHOR_SHARE:
        anchors = _means(centers, len(centers) // ANCHOR_SHARE, seed)
    width = SHARPNESS * _third_nearest(centers)
    return LandmarkSet(centers, anchors, width, WINDOW * width)


def _means(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    import faiss

    means: Any = faiss.Kmeans(
        points.shape[1],
        count,
        niter=ITERATIONS,
        seed=seed + 1,
        min_points_per_centroid=1,
        max_points_per_centroid=SEEN_EACH,
    )
    means.train(np.ascontiguousarray(points, np.float32))
    return means.centroids


def _third_nearest(centers: np.ndarray) -> float:
    """Give the middle distance from a landmark to its third nearest, or the farthest there is."""
    from sklearn.neighbors import NearestNeighbors

    k = min(3, len(centers) - 1)
    if k == 0:
        return 1.0
    distances = NearestNeighbors(n_neighbors=k).fit(centers).kneighbors()[0]
    return float(np.median(distances[:, -1])) or 1.0
