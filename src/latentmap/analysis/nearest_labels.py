"""Nearest-neighbour classifier that assigns cluster labels to codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from latentmap.progress import progress

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors

# Fewer neighbours vote if a cluster is so small that it would lose every vote.
N_NEIGHBORS = (15, 5, 1)
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class NearestLabelClassifier:
    """Majority vote of the nearest labelled codes."""

    points: np.ndarray
    labels: np.ndarray
    n_neighbors: int

    @cached_property
    def _index(self) -> NearestNeighbors:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=self.n_neighbors).fit(self.points)

    def predict(self, codes: np.ndarray, verbose: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the label of each code, and the share of its neighbours with that label."""
        labels, confidence = np.empty(len(codes), np.int64), np.empty(len(codes), np.float32)
        with progress(f"Assigning {len(codes):,} codes", len(codes), verbose) as advance:
            for start in range(0, len(codes), BLOCK_ROWS):
                part = slice(start, start + BLOCK_ROWS)
                neighbors = self._index.kneighbors(codes[part], return_distance=False)
                labels[part], confidence[part] = _majority(self.labels[neighbors])
                advance(len(neighbors))
        return labels, confidence


def fit_classifier(
    sample: np.ndarray, groups: np.ndarray, codes: np.ndarray, verbose: bool
) -> tuple[NearestLabelClassifier, np.ndarray, np.ndarray]:
    """Fit a classifier to a clustered sample; labels are in descending order of cluster size."""
    names, groups = np.unique(groups, return_inverse=True)
    for n_neighbors in N_NEIGHBORS:
        count = min(n_neighbors, len(sample))
        classifier = NearestLabelClassifier(sample.astype(np.float32), groups, count)
        labels, confidence = classifier.predict(codes, verbose)
        sizes = np.bincount(labels, minlength=len(names))
        if sizes.all():
            break
    rank = np.empty(len(names), np.intp)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(names))
    classifier = NearestLabelClassifier(classifier.points, rank[groups], classifier.n_neighbors)
    return classifier, rank[labels], confidence


def _majority(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the most frequent label of each row of votes and its share; the nearest wins ties."""
    counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    best_labels = counts.argmax(axis=1)
    rows = np.arange(len(votes))
    return votes[rows, best_labels], counts[rows, best_labels] / votes.shape[1]
