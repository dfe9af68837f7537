"""Replay memory: a mixture of Gaussians from which `partial_fit` samples rows like the fitted ones.

For the rows at each landmark it stores, in principal component coordinates, their number, their
mean, the directions of greatest variance, and the standard deviation in the other directions. This
is a mixture of probabilistic principal component analysers (M. E. Tipping, C. M. Bishop, Neural
Computation 11, 1999). Networks that are trained on new rows forget less of the earlier ones if they
are also trained on rows sampled from it (A. Robins, "Catastrophic Forgetting, Rehearsal and
Pseudorehearsal", Connection Science 7, 1995).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.maps.diagnostics import CodeLandmarks
from latentmap.maps.directions import DirectionTransform
from latentmap.maps.layout_sample import Layout
from latentmap.preprocessing.neighbors import DIRECTION_METRICS
from latentmap.preprocessing.pca_projection import PrincipalComponents
from latentmap.preprocessing.threads import use_one_thread

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap

N_DIRECTIONS = 4
# Each landmark's variance is estimated as if it had this many more rows with the pooled variance.
PRIOR_ROWS = 8


@dataclass(frozen=True)
class ReplayMemory(FileRecord):
    """Mixture with one Gaussian for each landmark, float32.

    Attributes
    ----------
    counts : ndarray of shape (K,)
        Number of rows at each landmark.
    means : ndarray of shape (K, d)
    directions : ndarray of shape (K, N_DIRECTIONS, d)
        Orthogonal. The variance along a direction is its squared length plus ``scatter``².
    scatter : ndarray of shape (K,)
        Standard deviation in all other directions.
    """

    file_keys: ClassVar[dict[str, str]] = {
        name: f"kept_{name}" for name in ("counts", "means", "directions", "scatter")
    }

    counts: np.ndarray
    means: np.ndarray
    directions: np.ndarray
    scatter: np.ndarray

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return random points, shape (n, d), float32.

        A point is mean_k + Σ_q ε_q direction_kq + scatter_k · ε. The probability of k is
        proportional to its count, and every ε is standard normal.
        """
        counts = self.counts.astype(np.float64)
        index = rng.choice(len(counts), size=n, p=counts / counts.sum())
        coefficients = rng.standard_normal((n, self.directions.shape[1]), np.float32)
        isotropic_noise = rng.standard_normal((n, self.means.shape[1]), np.float32)
        points = self.means[index] + self.scatter[index, None] * isotropic_noise
        return points + np.einsum("nq,nqd->nd", coefficients, self.directions[index])

    def concatenate(self, other: ReplayMemory) -> ReplayMemory:
        """Return the memory with the Gaussians of further landmarks appended."""
        return ReplayMemory(
            *(
                np.concatenate(pair)
                for pair in zip(vars(self).values(), vars(other).values(), strict=True)
            )
        )


def estimate_replay_memory(points: np.ndarray, index: np.ndarray, n_landmarks: int) -> ReplayMemory:
    """Estimate a Gaussian for each landmark; ``index`` is the landmark of each point.

    Examples
    --------
    >>> points = np.repeat([[0.0, 0.0], [9.0, 0.0]], 500, axis=0)
    >>> points[:, 1] = np.random.default_rng(0).normal(size=1000)
    >>> memory = estimate_replay_memory(points, np.repeat([0, 1], 500), 2)
    >>> sample = memory.sample(4000, np.random.default_rng(1))
    >>> memory.means[:, 0].tolist(), round(float(np.abs(sample[:, 1]).mean()), 1)
    ([0.0, 9.0], 0.8)
    """
    d = points.shape[1]
    counts = np.bincount(index, minlength=n_landmarks)
    means, residual_variances = np.zeros((n_landmarks, d)), np.zeros(n_landmarks)
    axes, axis_variances = (
        np.zeros((n_landmarks, N_DIRECTIONS, d)),
        np.zeros((n_landmarks, N_DIRECTIONS)),
    )
    groups = np.split(np.argsort(index, kind="stable"), np.cumsum(counts)[:-1])
    with use_one_thread():  # Threads slow small decompositions down.
        for k, rows in enumerate(groups):
            if len(rows):
                gaussian = _gaussian(points[rows].astype(np.float64))
                means[k], axes[k], axis_variances[k], residual_variances[k] = gaussian
    pooled_variance = (counts * residual_variances).sum() / max(counts.sum(), 1)
    shrunk_variances = (counts * residual_variances + PRIOR_ROWS * pooled_variance) / (
        counts + PRIOR_ROWS
    )
    directions = (
        axes * np.sqrt(np.maximum(axis_variances - shrunk_variances[:, None], 0.0))[..., None]
    )
    parts = (counts, means, directions, np.sqrt(shrunk_variances))
    return ReplayMemory(*(part.astype(np.float32) for part in parts))


def _gaussian(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return the mean, the main directions, the variances along them, and the residual variance."""
    mean, d = points.mean(axis=0), points.shape[1]
    _, lengths, vectors = np.linalg.svd(points - mean, full_matrices=False)
    variances = lengths**2 / max(len(points) - 1, 1)
    n_axes = min(N_DIRECTIONS, len(vectors))
    axes, axis_variances = np.zeros((N_DIRECTIONS, d)), np.zeros(N_DIRECTIONS)
    axes[:n_axes], axis_variances[:n_axes] = vectors[:n_axes], variances[:n_axes]
    return mean, axes, axis_variances, float(variances[n_axes:].sum() / max(d - n_axes, 1))


@dataclass(frozen=True, kw_only=True)
class ReplayState(FileRecord):
    """Replay memory, and the principal components of its coordinates.

    Attributes
    ----------
    mixture : ReplayMemory
        In coordinates on the principal components.
    row_mean : ndarray of shape (n_features,) or None
    components : ndarray of shape (d, n_features) or None
        Scaled rows are row_mean + coordinates · components. None if the encoder contains both.
    """

    file_keys: ClassVar[dict[str, str]] = {
        "row_mean": "kept_row",
        "components": "kept_components",
    }

    mixture: ReplayMemory
    row_mean: np.ndarray | None = None
    components: np.ndarray | None = None

    @classmethod
    def estimate(
        cls, layout: Layout, landmarks: CodeLandmarks, encoder_has_components: bool
    ) -> Self | None:
        """Estimate the Gaussians from the sample of a layout; None without a sample."""
        sample = layout.sample
        if sample is None:
            return None
        nearest = landmarks.nearest(sample.positions)
        mixture = estimate_replay_memory(sample.points, nearest, len(landmarks.positions))
        rows_per_point = np.float32(len(layout.positions) / len(sample.points))
        mixture = replace(mixture, counts=mixture.counts * rows_per_point)
        if encoder_has_components:
            return cls(mixture=mixture)
        mean, components = sample.principal.mean, sample.principal.components
        return cls(mixture=mixture, row_mean=mean, components=components)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their names in a file."""
        return self.mixture.to_arrays() | super().to_arrays()

    @staticmethod
    def exists_in(arrays: Mapping[str, np.ndarray]) -> bool:
        """Return whether a file contains a replay memory; files of older versions do not."""
        return all(key in arrays for key in ReplayMemory.file_keys.values())

    @classmethod
    def _read_fields(
        cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, Any]:
        mixture = ReplayMemory.from_file({}, arrays)
        return {**super()._read_fields(values, arrays), "mixture": mixture}

    def principal(self, encoder_components: PrincipalComponents | None) -> PrincipalComponents:
        """Return the stored principal components, or those that the encoder contains."""
        if self.row_mean is not None and self.components is not None:
            return PrincipalComponents(self.row_mean, self.components)
        if encoder_components is None:
            raise ValueError("replay components: expected components in the file, found none")
        return encoder_components

    def validate(
        self, n_landmarks: int, n_features: int, encoder_components: PrincipalComponents | None
    ) -> None:
        """Raise ValueError unless there is one finite Gaussian for each landmark."""
        principal = self.principal(encoder_components)
        width = len(principal.components)
        if principal.mean.shape != (n_features,) or principal.components.shape[1:] != (n_features,):
            raise ValueError(f"replay components: expected {n_features} columns, one per feature")
        n_directions = self.mixture.directions.shape[1]
        shapes = [(), (width,), (n_directions, width), ()]
        for (name, array), shape in zip(self.mixture.to_arrays().items(), shapes, strict=True):
            if array.shape != (n_landmarks, *shape) or not np.isfinite(array).all():
                raise ValueError(
                    f"{name}: expected finite numbers of shape {(n_landmarks, *shape)}, "
                    f"found shape {array.shape} or NaN or infinity"
                )
        if self.mixture.counts.min() < 0 or not self.mixture.counts.sum() > 0:
            raise ValueError("replay counts: expected numbers of at least 0, with a sum above 0")


class ReplaySampler:
    """Random generator of rows that resemble the earlier rows of a map."""

    def __init__(self, model: LatentMap, replay_state: ReplayState, seed: int) -> None:
        self.mixture, self.rng = replay_state.mixture, np.random.default_rng(seed)
        self.principal = replay_state.principal(model._encoder_components())
        self._state, self._row_shape = model._state, model.row_shape_
        self._directions = None
        if model.metric in DIRECTION_METRICS:
            scale, metric = model._state.row_scale, str(model.metric)
            self._directions = DirectionTransform.of_rows(self.principal, scale, metric)

    def to_search_points(self, points: np.ndarray) -> np.ndarray:
        """Return points, or their directions if the metric is the cosine or the correlation."""
        return points if self._directions is None else self._directions.apply(points)

    def sample_points(self, n: int) -> np.ndarray:
        """Draw n rows as coordinates on the principal components, shape (n, d)."""
        return self.mixture.sample(n, self.rng)

    def sample_rows(self, n: int) -> np.ndarray:
        """Draw n replay rows in the units of the fitted rows, shape (n, ...)."""
        scaled_rows = self.sample_points(n) @ self.principal.components + self.principal.mean
        return self._state.raw_rows(scaled_rows, self._row_shape)
