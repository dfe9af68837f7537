"""Functions of NumPy that compute what the networks of a fitted model compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from latentmap.inference.evaluator import Evaluator
from latentmap.inference.graph import Node
from latentmap.networks.network_graphs import NetworkGraphs


class NetworkFunctions:
    """Encoder, decoder and reconstruction error of a fitted model.

    Parameters
    ----------
    graphs : NetworkGraphs
    weights : dict of Node to sequence of ndarray
    """

    def __init__(self, graphs: NetworkGraphs, weights: Mapping[Node, Sequence[np.ndarray]]) -> None:
        self._spec = graphs.spec
        self._offset, self._scale = graphs.spec.units()
        self.encode = Evaluator(graphs.code, weights)
        self._decode = Evaluator(graphs.scaled_row, weights)
        self._mass = None if graphs.mass is None else Evaluator(graphs.mass, weights)
        self.n_operations = max(self.encode.n_operations, self._decode.n_operations)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the rows of codes, shape (n, ...), in raw units."""
        rows = self._decode(codes).reshape(len(codes), *self._spec.row_shape)
        return (rows * self._scale + self._offset).astype(np.float32)

    def errors(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean squared error of the known numbers of each scaled row, shape (n,)."""
        scaled_rows = ((rows - self._offset) / self._scale).reshape(len(rows), -1)
        squares = np.square(scaled_rows - self._decode(self.encode(rows)), dtype=np.float64)
        terms = self._spec.terms
        if terms is None:
            return squares.mean(axis=1).astype(np.float32)
        n_known = (~np.isnan(scaled_rows[:, terms.offsets])).sum(axis=1)
        return (np.nansum(squares, axis=1) / np.maximum(n_known, 1)).astype(np.float32)

    def masses(self, rows: np.ndarray) -> np.ndarray:
        """Return the share of a map's distribution around its mode, shape (n,)."""
        assert self._mass is not None
        return self._mass(rows)[:, 0]
