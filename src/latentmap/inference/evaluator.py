"""Evaluation of graphs by NumPy.

Sums are computed in double precision, so that the output of a row depends on the other rows by less
than the precision of the result. A call for one row takes less than a millisecond, because nothing
is compiled and rows are not padded to a block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from latentmap.inference.activations import ACTIVATIONS, sigmoid
from latentmap.inference.graph import Node, topological_order
from latentmap.preprocessing.threads import limit_threads

BLOCK_NUMBERS = 1 << 18  # Maximum number of numbers in an intermediate result, for the cache.
NORMALIZATION_EPSILON = 1e-3  # Default of `keras.layers.BatchNormalization`.

Operation = Callable[..., np.ndarray]
Weights = Mapping[Node, Sequence[np.ndarray]]


class Evaluator:
    """Function that computes the output of a graph for rows.

    Parameters
    ----------
    output : Node
        Output of the graph, which has one input.
    weights : dict of Node to sequence of ndarray

    Examples
    --------
    >>> from latentmap.inference.graph import dense, input_node
    >>> node = dense(input_node((2,)), 1)
    >>> double_sum = Evaluator(node, {node: [np.array([[2.0], [2.0]]), np.array([1.0])]})
    >>> double_sum(np.array([[1.0, 2.0], [0.0, 0.0]])).tolist()
    [[7.0], [1.0]]
    """

    def __init__(self, output: Node, weights: Weights) -> None:
        self._shape = output.shape
        nodes = topological_order(output)
        index = {node: i for i, node in enumerate(nodes)}
        self._steps = [
            (
                OPERATIONS[node.operation],
                [index[operand] for operand in node.inputs],
                node_constants(node, weights),
                node.settings,
            )
            for node in nodes[1:]
        ]
        self._input_shape = nodes[0].shape
        self._block_rows = max(16, BLOCK_NUMBERS // max(_n_numbers(node) for node in nodes))

        self.n_operations = sum(_n_operations(node) for node in nodes)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the output for rows of shape (n, ...), float32 of shape (n, ...).

        Threads slow products with few columns down, such as those of a layer with two units.
        """
        outputs = np.empty((len(rows), *self._shape), np.float32)
        with (
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),
            limit_threads(len(rows) * self.n_operations),
        ):
            for start in range(0, len(rows), self._block_rows):
                block = slice(start, start + self._block_rows)
                outputs[block] = self._evaluate(rows[block])
        return outputs

    def _evaluate(self, rows: np.ndarray) -> np.ndarray:
        # Keras converts 64-bit numbers to float32, so they are rounded here as well.
        rows = rows.astype(np.float32) if rows.dtype.itemsize > 4 else rows
        results = [rows.astype(np.float64).reshape(len(rows), *self._input_shape)]
        for function, operands, constants, settings in self._steps:
            results.append(function(*(results[i] for i in operands), *constants, **settings))
        return results[-1]


def node_constants(node: Node, weights: Weights) -> list[np.ndarray]:
    """Return the arrays that an operation takes after its inputs, computed from its weights."""
    constants = [np.asarray(array, np.float64) for array in weights.get(node, ())]
    if node.operation in ("reshape", "crop"):
        return [np.array(node.shape)]
    if node.operation == "around_mode":
        centers, anchors, radius = constants
        return [centers, _window(anchors, centers, radius), radius]
    if node.operation == "normalize":
        gamma, beta, mean, variance = constants
        factor = gamma / np.sqrt(variance + NORMALIZATION_EPSILON)
        return [factor, beta - mean * factor]
    return constants


def unsupported_activations(output: Node) -> set[str]:
    """Return the names of the activations of a graph that `ACTIVATIONS` does not have."""
    names = {node.settings.get("activation", "linear") for node in topological_order(output)}
    return names - ACTIVATIONS.keys()


def _n_operations(node: Node) -> int:
    """Return the number of multiplications of an operation for one row."""
    kernel_size = math.prod(node.weights[0]) if node.weights else 0
    if node.operation == "convolution":
        return kernel_size * node.shape[0] * node.shape[1]
    if node.operation == "transposed_convolution":
        return kernel_size * node.inputs[0].shape[0] * node.inputs[0].shape[1]
    return kernel_size


def _n_numbers(node: Node) -> int:
    """Return the number of numbers of one row that an operation holds at once."""
    if node.operation == "convolution":
        return 9 * node.inputs[0].width
    return 9 * node.width if node.operation == "transposed_convolution" else node.width


def _dense(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, activation: str) -> np.ndarray:
    return ACTIVATIONS[activation](x @ kernel + bias)


def _convolution(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, activation: str
) -> np.ndarray:
    """Convolve images (n, h, w, c) with a 3 × 3 kernel and stride 2, padded as in Keras."""
    # A side of even length is padded by one number at its end, and one of odd length at both ends.
    padding = [(size % 2, 1) for size in x.shape[1:3]]
    padded = np.pad(x, [(0, 0), *padding, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]
    n, height, width = windows.shape[:3]
    columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * height * width, -1)
    output = columns @ kernel.reshape(columns.shape[1], -1) + bias
    return ACTIVATIONS[activation](output).reshape(n, height, width, -1)


def _transposed_convolution(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, activation: str
) -> np.ndarray:
    """Apply the transpose of `_convolution` to images (n, h, w, c), which doubles their size."""
    n, height, width, channels = x.shape
    filters = len(bias)
    products = x.reshape(-1, channels) @ kernel.reshape(-1, channels).T
    products = products.reshape(n, height, width, 3, 3, filters)
    output = np.zeros((n, 2 * height + 1, 2 * width + 1, filters))
    for i in range(3):
        for j in range(3):
            output[:, i : i + 2 * height : 2, j : j + 2 * width : 2] += products[..., i, j, :]
    return ACTIVATIONS[activation](output[:, :-1, :-1] + bias)


def _softmax(x: np.ndarray) -> np.ndarray:
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _squared_distances(positions: np.ndarray, centers: np.ndarray) -> np.ndarray:
    norms = (positions**2).sum(axis=-1, keepdims=True) + (centers**2).sum(axis=-1)
    return np.maximum(norms - 2.0 * positions @ centers.T, 0.0)


def _window(positions: np.ndarray, centers: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return np.exp(-_squared_distances(positions, centers) / (2.0 * radius**2))


def _around_mode(
    logits: np.ndarray, centers: np.ndarray, anchor_windows: np.ndarray, radius: np.ndarray
) -> np.ndarray:
    """Return positions and masses, shape (n, d + 1); see `maps.landmark_layers.MeanAroundMode`."""
    p = _softmax(logits)
    weights = p * anchor_windows[(p @ anchor_windows.T).argmax(axis=-1)]
    weights = p * _window(_weighted_mean(weights, centers), centers, radius)
    mass = weights.sum(axis=-1, keepdims=True)
    return np.concatenate([_weighted_mean(weights, centers), mass], axis=-1)


def _weighted_mean(weights: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return weights @ centers / (weights.sum(axis=-1, keepdims=True) + 1e-12)


def _soft_assignment(x: np.ndarray, centers: np.ndarray, width: np.ndarray) -> np.ndarray:
    return _softmax(-_squared_distances(x, centers) / (2.0 * width**2))


def _logit(x: np.ndarray, margin: float) -> np.ndarray:
    q = np.clip(x, margin, 1.0 - margin)
    return np.log(q) - np.log1p(-q)


def _table_logits(x: np.ndarray, terms: Any) -> np.ndarray:
    """Convert encoded rows to outputs; see `TableLoss.logits`."""
    p = np.clip(x / terms.weights + terms.shares, terms.margins, 1.0 - terms.margins)
    log_p = np.log(p)
    booleans = log_p - np.log1p(-p)
    return np.where(terms.is_boolean, booleans, np.where(terms.is_category, log_p, x))


def _table_link(x: np.ndarray, terms: Any) -> np.ndarray:
    """Convert outputs to encoded rows; see `TableLoss.link`."""
    levels = np.where(terms.level_exists, x[:, terms.level_indices], -np.inf)
    levels = _softmax(levels) if terms.is_category.any() else np.zeros_like(levels)
    p = levels.reshape(len(x), -1)[:, terms.level_positions]
    p = (np.where(terms.is_boolean, sigmoid(x), p) - terms.shares) * terms.weights
    return np.where(terms.is_boolean | terms.is_category, p, x)


OPERATIONS: dict[str, Operation] = {
    "dense": _dense,
    "scale": lambda x, offset, scale: (x - offset) / scale,
    "unscale": lambda x, offset, scale: x * scale + offset,
    "normalize": lambda x, factor, offset: x * factor + offset,
    "activation": lambda x, activation: ACTIVATIONS[activation](x),
    "dropout": lambda x: x,
    "clip": lambda x, low, high: np.clip(x, low, high),
    "reshape": lambda x, shape: x.reshape(len(x), *shape),
    "crop": lambda x, shape: x[:, : shape[0], : shape[1]],
    "columns": lambda x, start, stop: x[:, start:stop],
    "concatenate": lambda x, y: np.concatenate([x, y], axis=1),
    "add": np.add,
    "replace_missing": lambda x: np.where(np.isnan(x), 0.0, x),
    "is_missing": lambda x, indices: np.isnan(x[:, indices]).astype(np.float64),
    "logit": _logit,
    "table_logits": _table_logits,
    "table_link": _table_link,
    "convolution": _convolution,
    "transposed_convolution": _transposed_convolution,
    "around_mode": _around_mode,
    "soft_assignment": _soft_assignment,
}
