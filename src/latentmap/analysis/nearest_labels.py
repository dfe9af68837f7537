"""Sampled codes that speak for all others: each row goes with most of its nearest ones.

The labels of the rows that were grouped come by the same vote as those of new ones, so that a row
never changes its cluster by being asked about again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from latentmap.progress import progress

__all__ = ["Voters", "elected"]

VOTERS = (15, 5, 1)
"""Nearest codes that are asked; fewer where a small cluster would be outvoted everywhere."""
_BLOCK = 4096


@dataclass(frozen=True)
class Voters:
    """Codes that vote, each for its own cluster.

    Parameters
    ----------
    points : ndarray of shape (m, n_components)
        float32.
    labels : ndarray of shape (m,), int
    count : int
        How many of them decide, at most m.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [5.0], [6.0]], np.float32)
    >>> labels, sure = Voters(points, np.array([0, 0, 1, 1]), 3).vote(np.array([[4.9]]))
    >>> labels.tolist(), round(float(sure[0]), 2)
    ([1], 0.67)
    """

    points: np.ndarray
    labels: np.ndarray
    count: int

    @cached_property
    def _search(self) -> Any:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=self.count).fit(self.points)

    def vote(self, codes: np.ndarray, visible: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Give the cluster of each code, shape (n,), and the share of votes for it, (n,)."""
        labels, sure = np.empty(len(codes), np.int64), np.empty(len(codes), np.float32)
        with progress(f"Assigning {len(codes):,} codes", len(codes), visible) as advance:
            for start in range(0, len(codes), _BLOCK):
                part = slice(start, start + _BLOCK)
                near = self._search.kneighbors(codes[part], return_distance=False)
                labels[part], sure[part] = _majority(self.labels[near])
                advance(len(near))
        return labels, sure


def elected(
    some: np.ndarray, groups: np.ndarray, points: np.ndarray, visible: bool
) -> tuple[Voters, np.ndarray, np.ndarray]:
    """Let grouped codes vote on all; number the groups by size.

    Parameters
    ----------
    some : ndarray of shape (m, n_components)
    groups : ndarray of shape (m,), int
        Any number for each group.
    points : ndarray of shape (n, n_components)
        All codes, these among them.
    visible : bool
        Show a bar with the time left.

    Returns
    -------
    voters : Voters
    labels : ndarray of shape (n,), int
        From 0, the largest group first.
    sure : ndarray of shape (n,)
    """
    names, groups = np.unique(groups, return_inverse=True)
    for count in VOTERS:
        voters = Voters(some.astype(np.float32), groups, min(count, len(some)))
        labels, sure = voters.vote(points, visible)
        sizes = np.bincount(labels, minlength=len(names))
        if sizes.all():  # no cluster was outvoted everywhere
            break
    rank = np.empty(len(names), np.intp)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(names))
    return Voters(voters.points, rank[groups], voters.count), rank[labels], sure


def _majority(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give what most voted for, the nearest voter's choice where tied, and its share."""
    counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    best = counts.argmax(axis=1)
    at = np.arange(len(votes))
    return votes[at, best], counts[at, best] / votes.shape[1]
