"""Landmarks of a map: k-means centres of its layout."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.sources import ArraySource
from latentmap.maps.layout import standardize
from latentmap.preprocessing.threads import limit_threads

MAX_LANDMARKS = 800
MAX_LAYOUT_ROWS = 100_000
ROWS_PER_LANDMARK = 4  # The number of landmarks is at most MAX_LANDMARKS.
LANDMARKS_PER_ANCHOR = 4
# Kernel width h in units of the median distance from a landmark to its third nearest landmark.
RELATIVE_WIDTH = 0.7
RELATIVE_RADIUS = 2.0  # Radius of the window around the mode in units of h.
KMEANS_ROWS_PER_CENTER = 60
KMEANS_ITERATIONS = 6


@dataclass(frozen=True)
class LandmarkSet:
    """Landmarks, and the widths of the kernels around them.

    Attributes
    ----------
    centers : ndarray of shape (K, n_components)
    anchors : ndarray of shape (A, n_components)
        Coarser landmarks, among which the mode is searched.
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


def compute_landmarks(positions: np.ndarray, seed: int, count: int | None = None) -> LandmarkSet:
    """Compute landmarks of layout positions, float32 of shape (n, n_components), by k-means.

    The default number of landmarks is n/4, at least 20 and at most 800. If there are fewer distinct
    positions, each is a landmark. A single distinct position gives two equal landmarks.

    Examples
    --------
    >>> positions = np.random.default_rng(0).normal(size=(400, 2)).astype("float32")
    >>> landmarks = compute_landmarks(positions, seed=0)
    >>> landmarks.centers.shape, landmarks.anchors.shape
    ((100, 2), (25, 2))
    """
    distinct_positions = np.unique(positions, axis=0)
    if len(distinct_positions) == 1:
        # Two equal landmarks avoid Keras's warning of a softmax over one number.
        distinct_positions = np.repeat(distinct_positions, 2, axis=0)
    count = count or max(min(MAX_LANDMARKS, len(positions) // ROWS_PER_LANDMARK), 20)
    centers = (
        distinct_positions if len(distinct_positions) <= count else _kmeans(positions, count, seed)
    )
    anchors = centers
    if len(centers) > 8 * LANDMARKS_PER_ANCHOR:
        anchors = _kmeans(centers, len(centers) // LANDMARKS_PER_ANCHOR, seed)
    width = RELATIVE_WIDTH * _median_third_distance(centers)
    return LandmarkSet(centers, anchors, width, RELATIVE_RADIUS * width)


def layout_landmarks(positions: np.ndarray, seed: int) -> LandmarkSet:
    """Compute the landmarks of a layout in any units, on a sample if it has many positions."""
    sample = ArraySource(positions).sample(MAX_LAYOUT_ROWS, seed)[:]
    standardized_positions, offset, scale = standardize(sample)
    return replace(
        compute_landmarks(standardized_positions, seed),
        code_offset=offset.astype(np.float32),
        code_scale=np.asarray(scale, np.float32),
    )


def _kmeans(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    import faiss

    kmeans: Any = faiss.Kmeans(
        points.shape[1],
        count,
        niter=KMEANS_ITERATIONS,
        seed=(seed + 1) % 2**31,
        min_points_per_centroid=1,
        max_points_per_centroid=KMEANS_ROWS_PER_CENTER,
    )
    n_points = min(len(points), KMEANS_ROWS_PER_CENTER * count)
    with limit_threads(n_points * count * points.shape[1] * KMEANS_ITERATIONS):
        kmeans.train(np.ascontiguousarray(points, np.float32))
    return kmeans.centroids


def _median_third_distance(centers: np.ndarray) -> float:
    """Return the median distance from a landmark to its third nearest landmark."""
    from scipy.spatial import cKDTree

    k = min(3, len(centers) - 1)
    if k == 0:
        return 1.0
    distances = cKDTree(centers).query(centers, k=k + 1)[0]
    return float(np.median(distances[:, -1])) or 1.0
