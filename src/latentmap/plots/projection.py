"""Codes of any width, seen in two dimensions.

Two numbers are shown as they are. More are projected on the first two principal components of the
codes, and the axes say so; the way back leads from a point of that plane to a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.errors import DataError, SettingError

__all__ = ["View", "as_codes", "grid_of", "known_codes", "view_of", "window_of"]

_MARGIN = 0.03
_UNEQUAL = 4  # where one axis is so many times longer, equal units would leave a thin line


@dataclass(frozen=True)
class View:
    """A plane in code space, or a line where codes are single numbers."""

    center: np.ndarray  # (n_components,)
    axes: np.ndarray  # (1 or 2, n_components), orthonormal
    names: list[str]

    def there(self, codes: np.ndarray) -> np.ndarray:
        """Project codes, (n, n_components) to (n, 1 or 2)."""
        return (codes - self.center) @ self.axes.T

    def back(self, points: np.ndarray) -> np.ndarray:
        """Give the codes of points of the view."""
        return points @ self.axes + self.center


def as_codes(Z: Any) -> np.ndarray:
    """Check that these are codes to draw: (n, n_components), finite."""
    codes = np.asarray(Z, dtype=np.float64)
    if codes.ndim == 1:
        codes = codes[:, None]
    if codes.ndim != 2 or codes.shape[0] < 1 or codes.shape[1] < 1:
        raise DataError(f"codes: expected shape (n, n_components), found {np.shape(Z)}")
    if not np.isfinite(codes).all():
        raise DataError("codes: expected finite numbers, found NaN or infinity")
    return codes


def known_codes(estimator: Any, Z: Any = None) -> np.ndarray:
    """Check codes, or where none are given take the landmarks of a map, which lie where rows do."""
    if Z is None and not hasattr(estimator, "landmarks_"):
        kind = type(estimator).__name__
        raise SettingError(f"codes: expected some, as only a LatentMap has landmarks, not {kind}")
    return as_codes(estimator.landmarks_ if Z is None else Z)


def view_of(codes: np.ndarray) -> View:
    """Choose what to look at codes from."""
    width = codes.shape[1]
    if width <= 2:
        names = [f"code {i + 1}" for i in range(width)] if width > 1 else ["code"]
        return View(np.zeros(width), np.eye(width), names)
    center = codes.mean(axis=0)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(codes - center, rowvar=False, bias=True)))
    shares = values[::-1] / max(values.sum(), 1e-300)
    names = [f"principal component {i + 1} of {width} ({shares[i]:.0%})" for i in range(2)]
    axes = vectors[:, ::-1][:, :2].T
    # An eigenvector has no sign of its own: with this one, a picture drawn again is the same.
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return View(center, axes * np.sign(largest), names)


def window_of(points: np.ndarray, outer: tuple[float, float] = (0, 100)) -> np.ndarray:
    """Give the corners of the region to show, (2, 1 or 2): the lowest and the highest.

    Two axes are given the same length, so that distances in a square picture are true; unless one
    of them is more than four times the other. ``outer`` are percentiles.

    Examples
    --------
    >>> window_of(np.array([[0.0, 0.0], [100.0, 50.0]])).tolist()
    [[-3.0, -28.0], [103.0, 78.0]]
    """
    low, high = np.percentile(points, outer, axis=0)
    half = (high - low) / 2
    if half.max() <= _UNEQUAL * half.min():
        half[:] = half.max()
    half = np.where(half > 0, half * (1 + 2 * _MARGIN), 0.5)  # all codes in one place
    return np.array([(low + high) / 2 - half, (low + high) / 2 + half])


def grid_of(window: np.ndarray, n: int) -> np.ndarray:
    """Give the middles of n, or n by n, cells of a region, row by row as in a picture: top first.

    Examples
    --------
    >>> grid_of(np.array([[0.0, 0.0], [4.0, 4.0]]), 2).tolist()
    [[1.0, 3.0], [3.0, 3.0], [1.0, 1.0], [3.0, 1.0]]
    """
    low, high = window
    middles = (low + (np.arange(n)[:, None] + 0.5) * (high - low) / n).T
    if len(middles) == 1:
        return middles.T
    x, y = np.meshgrid(middles[0], middles[1][::-1])
    return np.column_stack([x.ravel(), y.ravel()])
