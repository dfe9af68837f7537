"""Projection of codes to two dimensions by principal components, and the visible region."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.sampling import reference_codes
from latentmap.data.code_checks import check_codes

_MARGIN = 0.03
# A region with a larger aspect ratio would be a thin line if both axes had the same scale.
_MAX_RATIO_WITH_EQUAL_UNITS = 4


@dataclass(frozen=True)
class Projection:
    """An orthogonal projection of codes to a plane, or to a line for codes of one component."""

    center: np.ndarray
    axes: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def fit(cls, codes: np.ndarray) -> Self:
        """Return the identity for up to two components, else the first two principal components."""
        width = codes.shape[1]
        if width <= 2:
            axis_names = ("code",) if width == 1 else ("code 1", "code 2")
            return cls(np.zeros(width), np.eye(width), axis_names)
        center = codes.mean(axis=0)
        deviations = codes - center
        values, vectors = np.linalg.eigh(deviations.T @ deviations / len(codes))
        shares = values[::-1] / max(values.sum(), 1e-300)
        names = tuple(f"principal component {i + 1} of {width} ({shares[i]:.0%})" for i in range(2))
        axes = vectors[:, ::-1][:, :2].T
        # The sign of an eigenvector is arbitrary; a fixed rule makes plots reproducible.
        largest_components = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        return cls(center, axes * np.sign(largest_components), names)

    def transform(self, codes: np.ndarray) -> np.ndarray:
        """Return the points, shape (n, 1 or 2), of codes of shape (n, n_components)."""
        return (codes - self.center) @ self.axes.T

    def inverse_transform(self, points: np.ndarray) -> np.ndarray:
        """Return the codes, shape (n, n_components), of points of shape (n, 1 or 2)."""
        return points @ self.axes + self.center


def as_codes(codes: ArrayLike) -> np.ndarray:
    """Return finite codes as float64 of shape (n, n_components), or raise a DataError."""
    array = np.asarray(codes)
    array = array[:, None] if array.ndim == 1 else array
    check_codes(array, min_rows=1)
    return array.astype(np.float64)


def codes_or_landmarks(estimator: object, codes: ArrayLike | None = None) -> np.ndarray:
    """Return the given codes or, without codes, the landmarks of a map."""
    return reference_codes(estimator) if codes is None else as_codes(codes)


def bounding_region(points: np.ndarray, percentiles: tuple[float, float] = (0, 100)) -> np.ndarray:
    """Return the lowest and the highest corner of the region to show, shape (2, 1 or 2).

    Both sides have the same length, so that a square plot does not distort distances, unless one
    side is more than four times as long as the other.
    """
    low, high = np.percentile(points, percentiles, axis=0)
    half_widths = (high - low) / 2
    if half_widths.max() <= _MAX_RATIO_WITH_EQUAL_UNITS * half_widths.min():
        half_widths[:] = half_widths.max()
    half_widths = np.where(
        half_widths > 0, half_widths * (1 + 2 * _MARGIN), 0.5
    )  # If all points are equal, the region has the width 1.
    return np.array([(low + high) / 2 - half_widths, (low + high) / 2 + half_widths])


def grid_centers(region: np.ndarray, n: int) -> np.ndarray:
    """Return the centres of n or n x n cells of a region, line by line from the top."""
    low, high = region
    centers = (low + (np.arange(n)[:, None] + 0.5) * (high - low) / n).T
    if len(centers) == 1:
        return centers.T
    x, y = np.meshgrid(centers[0], centers[1][::-1])
    return np.column_stack([x.ravel(), y.ravel()])
