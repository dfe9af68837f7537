"""What a fitted map tells of itself: how sure it is, how dense its spots are, where its points lie.

All of it is measured once, at the end of a fit, and kept in the file.
"""

from typing import Any

import keras
import numpy as np

from latentmap.autoencoders.base import DESCRIBED_ROWS, BaseAutoEncoder
from latentmap.data.code_checks import check_codes
from latentmap.data.sources import ArraySource
from latentmap.maps.layout import following
from latentmap.preprocessing.neighbors import NeighborIndex
from latentmap.training.preparation import PreparedData

USUAL_ERROR = 95.0
"""Rows that fit worse than this percentile of the fitted ones lose confidence."""
DENSITY_BLOCK = 4096
DENSITY_WIDTH = 2.0
"""Of the kernel that tells how much data lives at a spot, in h."""


class MapFigures(BaseAutoEncoder):
    """What can be asked of a fitted map; not for use by itself."""

    def confidence(self, X: Any) -> np.ndarray:
        """Tell how sure the map is of each row's place.

        The share of the encoder's distribution over the landmarks that lies around the chosen spot,
        of the most that can lie there: a row that may live in two places is unsure. Where a row is
        reconstructed worse than nearly all fitted rows, the share is multiplied by (usual error /
        its error): a row unlike all of them is unsure, too.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source

        Returns
        -------
        ndarray of shape (n,)
            From 0 to 1.

        Raises
        ------
        DataError
            If the rows do not look like those that were fitted.
        """
        _, error, mass = self._figures(X).T
        learned = self._learned
        most = (1.0 + 1.0 / learned["window"] ** 2) ** (-learned["n_components"] / 2)
        usual = learned["usual_error"]
        return np.minimum(mass / most, 1.0) * (usual / np.maximum(error, max(usual, 1e-30)))

    def density(self, Z: Any) -> np.ndarray:
        """Tell how much data lives at each spot.

        The fitted rows' density, from their share at each landmark, as a share of what the middle
        fitted row has around it.

        Parameters
        ----------
        Z : array-like of shape (n, n_components)

        Returns
        -------
        ndarray of shape (n,)
            From 0, where no fitted row lives near, to 1, where at least as many do as around the
            middle one.

        Raises
        ------
        DataError
            If a spot has another width.
        """
        spots = check_codes(Z, self._fitted()._n_features_out)
        dense = self._crowd(spots) / self._learned["usual_crowd"]
        return np.minimum(dense, 1.0).astype(np.float32)

    @property
    def landmarks_(self) -> np.ndarray:
        """The points that carry the map, shape (K, n_components), in the units of its codes."""
        self._fitted()
        centers = keras.ops.convert_to_numpy(self._around.centers)
        return centers * self._fitted_arrays["code_scale"] + self._fitted_arrays["code_offset"]

    @property
    def layout_fit_(self) -> dict[str, float]:
        """How closely the encoder follows the layout on fitted rows."""
        self._fitted()
        return dict(self._learned["following"])

    @property
    def _around(self) -> Any:
        return self.encoder_.get_layer("around_mode")

    @property
    def _width(self) -> float:
        """h, in the units of the codes."""
        radius = keras.ops.convert_to_numpy(self._around.radius)
        return float(radius * self._fitted_arrays["code_scale"]) / self._learned["window"]

    def _crowd(self, spots: np.ndarray) -> np.ndarray:
        """Give Σ_k π_k exp(−‖z − c_k‖² / 2r²), with π_k the share of rows at a landmark."""
        from scipy.spatial.distance import cdist

        radius, centers = DENSITY_WIDTH * self._width, self.landmarks_
        share = self._fitted_arrays["landmark_share"].astype(np.float64)
        blocks = [
            np.exp(-cdist(spots[i : i + DENSITY_BLOCK], centers, "sqeuclidean") / (2 * radius**2))
            @ share
            for i in range(0, len(spots), DENSITY_BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def _describe(self, ready: PreparedData, spots: np.ndarray) -> None:
        """Note what is usual among the fitted rows, and how closely the map follows its layout."""
        rows, places = (
            source.sample(DESCRIBED_ROWS, ready.seed) for source in (ready.rows, ArraySource(spots))
        )
        codes, wanted = self.transform(rows).astype(np.float64), places[:]
        errors = self.reconstruction_error(rows)
        self._learned["following"] = following(codes, wanted)
        self._learned["usual_error"] = float(np.percentile(errors, USUAL_ERROR))
        landmarks = self.landmarks_
        nearest = NeighborIndex(landmarks, ready.seed).search(codes, 1)[:, 0]
        share = np.bincount(nearest, minlength=len(landmarks)) / len(codes)
        self._fitted_arrays["landmark_share"] = share.astype(np.float32)
        self._learned["usual_crowd"] = float(np.median(self._crowd(codes))) or 1.0

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        share = self._fitted_arrays["landmark_share"].astype(np.float64)
        landmarks = self.landmarks_
        chosen = rng.choice(len(landmarks), size=n, p=share / share.sum())
        return landmarks[chosen] + self._width * rng.standard_normal((n, landmarks.shape[1]))
