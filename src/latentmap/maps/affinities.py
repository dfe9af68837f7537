"""Affinities of neighbours, which are the weights of the attractive forces of t-SNE.

With few points, affinities are Gaussian in the distance and have the same perplexity at every point
(L. van der Maaten, G. Hinton, JMLR 9, 2008). With many points, all neighbours have the same
affinity, which gives nearly the same layout and takes a fraction of the time (J. N. Böhm,
P. Berens, D. Kobak, JMLR 23, 2022).
"""

import warnings
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

BLOCK_NUMBERS = 1 << 22
TINY = float(np.finfo(np.float32).tiny)


def gaussian_affinities(neighbors: np.ndarray, distances: np.ndarray, perplexity: float) -> Any:
    """Return symmetric Gaussian affinities of given perplexity, as openTSNE affinities.

    ``neighbors`` and ``distances`` have shape (n, k), and k is about three times the perplexity.
    """
    from openTSNE.affinity import joint_probabilities_nn

    # Distances relative to their mean give the same affinities in every unit.
    unit = np.maximum(distances.mean(axis=1, dtype=np.float64), TINY)
    return _precomputed(joint_probabilities_nn(neighbors, distances / unit[:, None], [perplexity]))


def uniform_affinities(neighbors: np.ndarray) -> Any:
    """Return the symmetric graph of neighbours, shape (n, k), in which all edges are equal."""
    n, k = neighbors.shape
    offsets = np.arange(0, n * k + 1, k)
    directed_edges = csr_matrix((np.ones(n * k), neighbors.ravel(), offsets), shape=(n, n))
    edges = directed_edges.maximum(directed_edges.T)
    return _precomputed(edges / edges.sum())


def _precomputed(affinities: csr_matrix) -> Any:
    from openTSNE.affinity import PrecomputedAffinities

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PrecomputedAffinities(affinities, normalize=False)


def neighbor_distances(points: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each point to each of its neighbours, shape (n, k).

    faiss computes distances from products, which loses all digits of small distances.

    Examples
    --------
    >>> neighbor_distances(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[1], [0]])).tolist()
    [[5.0], [5.0]]
    """
    distances = np.empty(neighbors.shape)
    size = max(1, BLOCK_NUMBERS // (neighbors.shape[1] * points.shape[1]))
    for start in range(0, len(points), size):
        block = slice(start, start + size)
        distances[block] = np.linalg.norm(points[neighbors[block]] - points[block, None], axis=2)
    return distances
