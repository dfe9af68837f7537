"""Landmarks: k-means centres that represent a layout."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.sources import ArraySource
from latentmap.maps.layout import standardize

MAX_LANDMARKS = 800
MAX_LAYOUT_ROWS = 100_000
ROWS_PER_LANDMARK = 4  # rows for each landmark, up to MAX_LANDMARKS landmarks
LANDMARKS_EACH = 4  # landmarks for each anchor
# The kernel width h, as a share of the median distance from a landmark to its third nearest one.
SHARPNESS = 0.7
WINDOW = 2.0  # the radius of the window, in units of h
KMEANS_ROWS_EACH = 60
KMEANS_ITERATIONS = 6


@dataclass(frozen=True)
class LandmarkSet:
    """Landmarks and the widths of their kernels.

    Attributes
    ----------
    centers : ndarray of shape (K, n_components)
    anchors : ndarray of shape (A, n_components)
        The fewer positions at which a window is evaluated first.
    width : float
        h in φ_k(z) = softmax_k(−‖z − c_k‖² / 2h²).
    radius : float
        Radius of the window around the mode.
    code_offset, code_scale : array-like
        Codes are positions among the landmarks · code_scale + code_offset.
    """

    centers: np.ndarray
    anchors: np.ndarray
    width: float
    radius: float
    code_offset: ArrayLike = 0.0
    code_scale: ArrayLike = 1.0


def compute_landmarks(spots: np.ndarray, seed: int, count: int | None = None) -> LandmarkSet:
    """Compute landmarks of layout positions, float32 of shape (n, n_components), by k-means.

    Their default number is n/4, at least 20 and at most 800. If there are fewer distinct positions,
    these are the landmarks; there are at least two.

    Examples
    --------
    >>> spots = np.random.default_rng(0).normal(size=(400, 2)).astype("float32")
    >>> chosen = compute_landmarks(spots, seed=0)
    >>> chosen.centers.shape, chosen.anchors.shape, 0 < chosen.width < chosen.radius < 1
    ((100, 2), (25, 2), True)
    """
    positions = np.unique(spots, axis=0)
    if len(positions) == 1:
        positions = np.repeat(positions, 2, axis=0)  # Keras warns of a softmax over one number.
    count = count or max(min(MAX_LANDMARKS, len(spots) // ROWS_PER_LANDMARK), 20)
    centers = positions if len(positions) <= count else _kmeans(spots, count, seed)
    anchors = centers
    if len(centers) > 8 * LANDMARKS_EACH:
        anchors = _kmeans(centers, len(centers) // LANDMARKS_EACH, seed)
    width = SHARPNESS * _median_third_distance(centers)
    return LandmarkSet(centers, anchors, width, WINDOW * width)


def layout_landmarks(positions: np.ndarray, seed: int) -> LandmarkSet:
    """Compute the landmarks of a layout in any units, on a sample if it has many positions."""
    sample = ArraySource(positions).sample(MAX_LAYOUT_ROWS, seed)[:]
    standardized, offset, scale = standardize(sample)
    return replace(
        compute_landmarks(standardized, seed),
        code_offset=offset.astype(np.float32),
        code_scale=np.asarray(scale, np.float32),
    )


def _kmeans(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    import faiss

    kmeans: Any = faiss.Kmeans(
        points.shape[1],
        count,
        niter=KMEANS_ITERATIONS,
        seed=seed + 1,
        min_points_per_centroid=1,
        max_points_per_centroid=KMEANS_ROWS_EACH,
    )
    kmeans.train(np.ascontiguousarray(points, np.float32))
    return kmeans.centroids


def _median_third_distance(centers: np.ndarray) -> float:
    """Return the median distance from a landmark to its third nearest, or to the farthest one."""
    from sklearn.neighbors import NearestNeighbors

    k = min(3, len(centers) - 1)
    if k == 0:
        return 1.0
    distances = NearestNeighbors(n_neighbors=k).fit(centers).kneighbors()[0]
    return float(np.median(distances[:, -1])) or 1.0
