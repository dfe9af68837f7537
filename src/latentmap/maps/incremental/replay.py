"""Replay memory: a mixture of Gaussians from which `partial_fit` samples rows like the fitted ones.

For the rows at each landmark it stores, in principal component coordinates, their number, their
mean, the directions of greatest variance, and the standard deviation in the other directions. This
is a mixture of probabilistic principal component analysers (M. E. Tipping, C. M. Bishop, Neural
Computation 11, 1999). Networks that are trained on new rows forget less of the earlier ones if they
are also trained on rows sampled from it (A. Robins, "Catastrophic Forgetting, Rehearsal and
Pseudorehearsal", Connection Science 7, 1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.preprocessing.threads import use_one_thread

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
