"""Replay memory: a mixture of Gaussians that stands in for the fitted rows in `partial_fit`.

For each landmark it stores a Gaussian of its rows in principal component coordinates: their number,
their mean, the few directions of greatest variance, and the standard deviation in the other
directions. Together they are a mixture of probabilistic principal component analysers (M. E.
Tipping, C. M. Bishop, Neural Computation 11, 1999). Rows sampled from it prevent forgetting when
networks are trained on new rows (A. Robins, "Catastrophic Forgetting, Rehearsal and
Pseudorehearsal", Connection Science 7, 1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

DIRECTIONS = 4
# Number of rows with the pooled variance that are added to each landmark's estimate.
PRIOR_ROWS = 8


@dataclass(frozen=True)
class ReplayMemory:
    """One Gaussian for each landmark, float32.

    Attributes
    ----------
    counts : ndarray of shape (K,)
        Number of rows at each landmark.
    means : ndarray of shape (K, d)
    directions : ndarray of shape (K, DIRECTIONS, d)
        Each has the length of the standard deviation along it, in addition to ``scatter``.
    scatter : ndarray of shape (K,)
        Standard deviation in every direction.
    """

    counts: np.ndarray
    means: np.ndarray
    directions: np.ndarray
    scatter: np.ndarray

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Sample points, shape (n, d), float32.

        mean_k + Σ_q ε_q direction_kq + scatter_k · ε, with k drawn with probability proportional to
        the counts, and each ε from the standard normal distribution.
        """
        share = self.counts.astype(np.float64)
        which = rng.choice(len(share), size=n, p=share / share.sum())
        along = rng.standard_normal((n, self.directions.shape[1]), np.float32)
        across = rng.standard_normal((n, self.means.shape[1]), np.float32)
        points = self.means[which] + self.scatter[which, None] * across
        return points + np.einsum("nq,nqd->nd", along, self.directions[which])

    def concatenate(self, other: ReplayMemory) -> ReplayMemory:
        """Append the Gaussians of further landmarks."""
        return ReplayMemory(
            *(
                np.concatenate(pair)
                for pair in zip(vars(self).values(), vars(other).values(), strict=True)
            )
        )


def estimate_replay_memory(points: np.ndarray, which: np.ndarray, n_landmarks: int) -> ReplayMemory:
    """Estimate a Gaussian for each landmark.

    Examples
    --------
    >>> two = np.repeat([[0.0, 0.0], [9.0, 0.0]], 500, axis=0)
    >>> two[:, 1] = np.random.default_rng(0).normal(size=1000)
    >>> memory = estimate_replay_memory(two, np.repeat([0, 1], 500), 2)
    >>> sample = memory.sample(4000, np.random.default_rng(1))
    >>> memory.means[:, 0].tolist(), round(float(np.abs(sample[:, 1]).mean()), 1)
    ([0.0, 9.0], 0.8)
    """
    d = points.shape[1]
    counts = np.bincount(which, minlength=n_landmarks)
    means, residual = np.zeros((n_landmarks, d)), np.zeros(n_landmarks)
    axes, along = np.zeros((n_landmarks, DIRECTIONS, d)), np.zeros((n_landmarks, DIRECTIONS))
    groups = np.split(np.argsort(which, kind="stable"), np.cumsum(counts)[:-1])
    with threadpool_limits(1, "blas"):  # Threads do not pay for small decompositions.
        for k, rows in enumerate(groups):
            if len(rows):
                gaussian = _gaussian(points[rows].astype(np.float64))
                means[k], axes[k], along[k], residual[k] = gaussian
    pooled = (counts * residual).sum() / max(counts.sum(), 1)
    across = (counts * residual + PRIOR_ROWS * pooled) / (counts + PRIOR_ROWS)
    directions = axes * np.sqrt(np.maximum(along - across[:, None], 0.0))[..., None]
    parts = (counts, means, directions, np.sqrt(across))
    return ReplayMemory(*(part.astype(np.float32) for part in parts))


def _gaussian(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return the mean, the main directions, the variances along them, and the residual variance."""
    mean, d = points.mean(axis=0), points.shape[1]
    _, lengths, vectors = np.linalg.svd(points - mean, full_matrices=False)
    variances = lengths**2 / max(len(points) - 1, 1)
    n_axes = min(DIRECTIONS, len(vectors))
    axes, along = np.zeros((DIRECTIONS, d)), np.zeros(DIRECTIONS)
    axes[:n_axes], along[:n_axes] = vectors[:n_axes], variances[:n_axes]
    return mean, axes, along, float(variances[n_axes:].sum() / max(d - n_axes, 1))
