"""Affinities of neighbours, which are the weights of the attractive forces of t-SNE.

With few points, affinities are Gaussian in the distance and have the same perplexity at every point
(L. van der Maaten, G. Hinton, JMLR 9, 2008). With many points, all neighbours have the same
affinity, which gives nearly the same layout and takes a fraction of the time (J. N. Böhm,
P. Berens, D. Kobak, JMLR 23, 2022).
"""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.backend import postpone_imports

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

TINY = float(np.finfo(np.float32).tiny)


def gaussian_affinities(neighbors: np.ndarray, distances: np.ndarray, perplexity: float) -> Any:
    """Return symmetric Gaussian affinities of given perplexity, as openTSNE affinities.

    ``neighbors`` and ``distances`` have shape (n, k), and k is about three times the perplexity.
    """
    joint_probabilities = import_opentsne().affinity.joint_probabilities_nn
    # Distances relative to their mean give the same affinities in every unit.
    unit = np.maximum(distances.mean(axis=1, dtype=np.float64), TINY)
    return _precomputed(joint_probabilities(neighbors, distances / unit[:, None], [perplexity]))


def uniform_affinities(neighbors: np.ndarray) -> Any:
    """Return the symmetric graph of neighbours, shape (n, k), in which all edges are equal.

    A row is not its own neighbour, even if ``neighbors`` contains it.
    """
    from scipy.sparse import csr_matrix

    n = len(neighbors)
    is_other = neighbors != np.arange(n)[:, None]
    offsets = np.append(0, np.cumsum(is_other.sum(axis=1)))
    ends = neighbors[is_other]
    return edge_affinities(csr_matrix((np.ones(len(ends)), ends, offsets), shape=(n, n)))


def edge_affinities(directed_edges: csr_matrix) -> Any:
    """Return the symmetric graph of directed edges, in which all edges are equal.

    Each stored value of ``directed_edges``, shape (n, n), is 1.
    """
    edges = directed_edges.maximum(directed_edges.T)
    return _precomputed(edges / edges.sum())


def _precomputed(affinities: csr_matrix) -> Any:
    opentsne = import_opentsne()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return opentsne.affinity.PrecomputedAffinities(affinities, normalize=False)


def import_opentsne() -> ModuleType:
    """Import openTSNE without the parts of scikit-learn that this package does not need."""
    with postpone_imports():
        import openTSNE
    return openTSNE
