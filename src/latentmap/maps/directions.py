"""Directions of rows, whose Euclidean distances rank rows by the cosine or the correlation.

The Euclidean distance of two vectors of length 1 is sqrt(2 − 2 cos), so that a search for Euclidean
neighbours finds those of the cosine. The reconstruction of a row from its principal component
coordinates p, in units of the scale but not shifted, is p · C + b. All reconstructions are linear
combinations of b and the d rows of C, so that d + 1 numbers determine their lengths and angles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from latentmap.preprocessing.pca_projection import PrincipalComponents
from latentmap.preprocessing.scaling import TINY, Scale

UNIT_TOLERANCE = 1e-3  # Rows of float16 numbers with the length 1 differ from it by less than this.
ROUNDING = 2.0**-11  # Relative rounding error of stored coordinates, which are float16.


@dataclass(frozen=True)
class DirectionTransform:
    """Map from coordinates on principal components to unit vectors.

    Attributes
    ----------
    matrix : ndarray of shape (d, d + 1)
    offset : ndarray of shape (d + 1,)
        Directions are coordinates · matrix + offset, divided by their length.
    """

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def of_rows(cls, principal: PrincipalComponents, scale: Scale, metric: str) -> Self:
        """Return the directions of raw rows divided by their scale.

        For "correlation", the mean of each row is subtracted first.

        Examples
        --------
        >>> principal = PrincipalComponents(np.zeros(2), np.eye(2))
        >>> scale = Scale(np.zeros(2), np.ones(()), False)
        >>> directions = DirectionTransform.of_rows(principal, scale, "cosine")
        >>> a, b, c = directions.apply(np.array([[3.0, 0.0], [0.0, 7.0], [1.0, 1.0]]))
        >>> [round(float(x), 3) + 0.0 for x in (a @ b, a @ c)]
        [0.0, 0.707]
        """
        shift = principal.mean + scale.offset.ravel() / scale.scale.ravel()
        vectors = np.vstack([principal.components, shift]).astype(np.float64)
        if metric == "correlation":
            vectors -= vectors.mean(axis=1, keepdims=True)
        # With fewer than d + 1 columns, the triangular factor is narrower.
        factor = np.linalg.qr(vectors.T)[1].T
        return cls(factor[:-1], factor[-1])

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Return the directions of coordinates on the components, shape (n, d + 1), float32.

        The result is 0 for a row whose length is 0, such as a constant row for the correlation. It
        is also 0 for a row whose length is below the rounding error of stored coordinates.
        """
        points = points.astype(np.float64)
        vectors = points @ self.matrix + self.offset
        lengths, distances = (np.linalg.norm(a, axis=1, keepdims=True) for a in (vectors, points))
        has_direction = lengths > np.maximum(ROUNDING * distances, TINY)
        return (has_direction * vectors / np.maximum(lengths, TINY)).astype(np.float32)


def have_unit_length(rows: np.ndarray) -> bool:
    """Return whether all rows, shape (n, d), have length 1, as many embeddings have.

    Examples
    --------
    >>> have_unit_length(np.array([[0.6, 0.8], [0.0, 1.0]])), have_unit_length(np.ones((2, 2)))
    (True, False)
    """
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    return rows.shape[1] > 1 and bool((np.abs(lengths - 1) < UNIT_TOLERANCE).all())
