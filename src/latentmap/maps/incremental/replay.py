"""Rows recalled: what a map keeps of the rows it was fitted to, so that it can grow without them.

Of the rows at each landmark only a Gaussian is kept, in the coordinates that the layout was found
in: their number, their mean, the few directions along which they vary most, and how far they
scatter across these. Together that is a mixture of probabilistic principal component analysers
(M. E. Tipping, C. M. Bishop, Neural Computation 11, 1999), and rows drawn from it stand in for the
fitted ones: a network that is shown them beside new rows does not forget (A. Robins, "Catastrophic
Forgetting, Rehearsal and Pseudorehearsal", Connection Science 7, 1995).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

DIRECTIONS = 4
STEADIED = 8
"""A landmark's scatter counts as if it had so many more rows, of the scatter of all landmarks."""


class Recalled(NamedTuple):
    """The Gaussians, one a landmark, float32."""

    counts: np.ndarray
    """Shape (K,): rows at each landmark; one without rows is never drawn."""
    means: np.ndarray
    """Shape (K, d)."""
    directions: np.ndarray
    """Shape (K, DIRECTIONS, d): each as long as the deviation along it beyond the scatter."""
    scatter: np.ndarray
    """Shape (K,): the deviation along any direction."""

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw points that are spread as the fitted ones were.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of shape (n, d)
            mean_k + Σ_q ε_q direction_kq + scatter_k · ε, with k drawn by the counts and each ε
            from the standard normal; float32.
        """
        share = self.counts.astype(np.float64)
        which = rng.choice(len(share), size=n, p=share / share.sum())
        along = rng.standard_normal((n, self.directions.shape[1]), np.float32)
        across = rng.standard_normal((n, self.means.shape[1]), np.float32)
        points = self.means[which] + self.scatter[which, None] * across
        return points + np.einsum("nq,nqd->nd", along, self.directions[which])

    def joined(self, other: Recalled) -> Recalled:
        """Put the Gaussians of more landmarks after these."""
        return Recalled(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def recall(points: np.ndarray, which: np.ndarray, n_landmarks: int) -> Recalled:
    """Keep a Gaussian of the points at each landmark.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    which : ndarray of shape (n,)
        The landmark of each point.
    n_landmarks : int

    Returns
    -------
    Recalled

    Examples
    --------
    >>> two = np.repeat([[0.0, 0.0], [9.0, 0.0]], 500, axis=0)
    >>> two[:, 1] = np.random.default_rng(0).normal(size=1000)
    >>> kept = recall(two, np.repeat([0, 1], 500), 2)
    >>> drawn = kept.draw(4000, np.random.default_rng(1))
    >>> kept.means[:, 0].tolist(), round(float(np.abs(drawn[:, 1]).mean()), 1)
    ([0.0, 9.0], 0.8)
    """
    d = points.shape[1]
    counts = np.bincount(which, minlength=n_landmarks)
    means, rest = np.zeros((n_landmarks, d)), np.zeros(n_landmarks)
    axes, along = np.zeros((n_landmarks, DIRECTIONS, d)), np.zeros((n_landmarks, DIRECTIONS))
    parted = np.split(np.argsort(which, kind="stable"), np.cumsum(counts)[:-1])
    with threadpool_limits(1, "blas"):  # each is small, and threads would wait for one another
        for k, own in enumerate(parted):
            if len(own):
                means[k], axes[k], along[k], rest[k] = _gaussian(points[own].astype(np.float64))
    pooled = (counts * rest).sum() / max(counts.sum(), 1)
    across = (counts * rest + STEADIED * pooled) / (counts + STEADIED)
    directions = axes * np.sqrt(np.maximum(along - across[:, None], 0.0))[..., None]
    parts = (counts, means, directions, np.sqrt(across))
    return Recalled(*(part.astype(np.float32) for part in parts))


def _gaussian(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Give mean, main directions, the variance along these, and along each of the others."""
    mean, d = points.mean(axis=0), points.shape[1]
    _, lengths, found = np.linalg.svd(points - mean, full_matrices=False)
    variances = lengths**2 / max(len(points) - 1, 1)
    kept = min(DIRECTIONS, len(found))
    axes, along = np.zeros((DIRECTIONS, d)), np.zeros(DIRECTIONS)
    axes[:kept], along[:kept] = found[:kept], variances[:kept]
    return mean, axes, along, float(variances[kept:].sum() / max(d - kept, 1))
