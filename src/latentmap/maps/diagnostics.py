"""Measurements of a fitted map: confidence, density, and agreement with its layout.

They are measured on the rows of `fit`, and a model file stores them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.preprocessing.neighbors import NeighborIndex

ERROR_PERCENTILE = 95.0
DENSITY_BLOCK_ROWS = 4096
DENSITY_WIDTH = 2.0  # Width of the kernel of the density, in units of `CodeLandmarks.width`.


@dataclass(frozen=True)
class CodeLandmarks:
    """Landmarks in the units of codes.

    Attributes
    ----------
    positions : ndarray of shape (K, n_components)
    width : float
        Width h of the soft assignment, in the units of codes.
    """

    positions: np.ndarray
    width: float

    def nearest(self, codes: np.ndarray) -> np.ndarray:
        """Return the index of the landmark nearest to each code."""
        index = NeighborIndex(self.positions.astype(np.float32), 0, n_searched_cells=0)
        return index.search(codes.astype(np.float32), 1)[:, 0]

    def kernel_density(self, codes: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Return Σ_k share_k exp(−‖z − c_k‖² / 2r²) at each code z, with r = 2h."""
        from scipy.spatial.distance import cdist

        radius, weights = DENSITY_WIDTH * self.width, share.astype(np.float64)
        blocks = [
            np.exp(
                -cdist(codes[i : i + DENSITY_BLOCK_ROWS], self.positions, "sqeuclidean")
                / (2 * radius**2)
            )
            @ weights
            for i in range(0, len(codes), DENSITY_BLOCK_ROWS)
        ]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def draw_codes(self, n: int, share: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Draw codes from Gaussians of width h at the landmarks, weighted by their shares."""
        weights = share.astype(np.float64)
        index = rng.choice(len(self.positions), size=n, p=weights / weights.sum())
        noise = rng.standard_normal((n, self.positions.shape[1]))
        return self.positions[index] + self.width * noise


@dataclass(frozen=True, kw_only=True)
class LayoutFit(FileRecord):
    """Agreement of codes with layout positions.

    Attributes
    ----------
    r2 : float
        Explained share of the layout's variance, at most 1.
    median_shift : float
        Median distance between a code and its layout position, as a share of the layout's width.
    """

    r2: float
    median_shift: float

    @classmethod
    def measure(cls, codes: np.ndarray, layout: np.ndarray) -> Self:
        """Measure how well codes reproduce a layout; both have shape (n, n_components).

        Examples
        --------
        >>> codes, layout = np.array([[0.0, 1.0], [4.0, 0.0]]), np.array([[0.0, 0.0], [4.0, 0.0]])
        >>> LayoutFit.measure(codes, layout)
        LayoutFit(r2=0.875, median_shift=0.125)
        """
        distances = np.linalg.norm(codes - layout, axis=1)
        spread = float(((layout - layout.mean(axis=0)) ** 2).sum()) or 1.0
        width = float(np.ptp(layout, axis=0).max()) or 1.0
        return cls(
            r2=1.0 - float((distances**2).sum()) / spread,
            median_shift=float(np.median(distances)) / width,
        )


@dataclass(frozen=True, kw_only=True)
class MapDiagnostics(FileRecord):
    """Measurements of a fitted map.

    Attributes
    ----------
    layout_fit : LayoutFit
        Agreement of the encoder with the layout.
    high_error : float
        95th percentile of the reconstruction errors of fitted rows.
    median_density : float
        Median of the kernel density at the codes of fitted rows.
    landmark_share : ndarray of shape (K,)
        Share of the fitted rows at each landmark, float32.
    """

    file_keys: ClassVar[dict[str, str]] = {
        "high_error": "usual_error",
        "median_density": "usual_crowd",
    }

    layout_fit: LayoutFit
    high_error: float
    median_density: float
    landmark_share: np.ndarray

    @classmethod
    def measure(
        cls,
        layout_fit: LayoutFit,
        codes: np.ndarray,
        errors: np.ndarray,
        landmarks: CodeLandmarks,
        seed: int,
    ) -> Self:
        """Measure the codes and reconstruction errors of fitted rows."""
        n_landmarks = len(landmarks.positions)
        nearest = NeighborIndex(landmarks.positions, seed).search(codes, 1)[:, 0]
        counts = np.bincount(nearest, minlength=n_landmarks)
        share = (counts / len(codes)).astype(np.float32)
        return cls(
            layout_fit=layout_fit,
            high_error=float(np.percentile(errors, ERROR_PERCENTILE)),
            median_density=float(np.median(landmarks.kernel_density(codes, share))) or 1.0,
            landmark_share=share,
        )

    def confidence(self, errors: np.ndarray, masses: np.ndarray, max_mass: float) -> np.ndarray:
        """Return the confidence in each row's code, from 0 to 1; see `LatentMap.confidence`.

        ``masses`` are the shares of the encoder's distribution in the window around the code.
        """
        quality = self.high_error / np.maximum(errors, max(self.high_error, 1e-30))
        return np.minimum(masses / max_mass, 1.0) * quality

    def with_errors(self, errors: np.ndarray) -> Self:
        """Return the diagnostics with the percentile of other reconstruction errors."""
        return replace(self, high_error=float(np.percentile(errors, ERROR_PERCENTILE)))

    def density(self, codes: np.ndarray, landmarks: CodeLandmarks) -> np.ndarray:
        """Return the density at each code relative to that of the median fitted row, at most 1."""
        density = landmarks.kernel_density(codes, self.landmark_share) / self.median_density
        return np.minimum(density, 1.0).astype(np.float32)

    def with_rows(
        self, n_before: int, nearest: np.ndarray, errors: np.ndarray, n_landmarks: int
    ) -> Self:
        """Return the diagnostics of the earlier and the new rows together.

        ``nearest`` is the landmark of each new row; ``errors`` are those of a sample of new rows.
        """
        total = n_before + len(nearest)
        padded_share = np.pad(self.landmark_share, (0, n_landmarks - len(self.landmark_share)))
        share = (padded_share * n_before + np.bincount(nearest, minlength=n_landmarks)) / total
        high_error = n_before * self.high_error
        high_error += len(nearest) * float(np.percentile(errors, ERROR_PERCENTILE))
        return replace(self, landmark_share=share.astype(np.float32), high_error=high_error / total)

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are not arrays."""
        return {"following": self.layout_fit.to_json(), **super().to_json()}

    @classmethod
    def from_file(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the diagnostics of a file; raise an error if they are damaged."""
        layout_fit = LayoutFit.from_file(values["following"], {})
        diagnostics = cls(layout_fit=layout_fit, **cls._read_fields(values, arrays))
        if not (diagnostics.high_error >= 0 and 0 < diagnostics.median_density < math.inf):
            raise ValueError(
                f"diagnostics: expected an error of at least 0 and a density above 0, found "
                f"{diagnostics.high_error} and {diagnostics.median_density}"
            )
        return diagnostics
