"""Codes of any width, seen in two dimensions.

Two numbers are shown as they are. More are projected on the first two principal components of the
codes, and the axes say so; the way back leads from a point of that plane to a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.errors import DataError

__all__ = ["View", "as_codes", "view_of"]


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
