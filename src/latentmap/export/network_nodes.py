"""ONNX nodes of the graphs of a network, one function for each operation of a graph.

The functions correspond to those of `inference.evaluator`. Numbers are float32, except in distances
to landmarks, which are differences of nearly equal numbers and are computed in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.export.onnx_graph import OnnxGraph
from latentmap.inference.activations import SELU_ALPHA, SELU_SCALE
from latentmap.inference.evaluator import Weights, node_constants
from latentmap.inference.graph import Node, topological_order

Float = np.float32


def add_network(g: OnnxGraph, output: Node, weights: Weights, x: str) -> str:
    """Add the nodes of a network, and return its output for the rows ``x``, float32."""
    nodes = topological_order(output)
    tensors = {nodes[0]: g.add("Reshape", x, np.array([0, *nodes[0].shape]))}
    for node in nodes[1:]:
        constants = [
            array.astype(Float) if array.dtype.kind == "f" else array
            for array in node_constants(node, weights)
        ]
        operands = [tensors[operand] for operand in node.inputs]
        tensors[node] = OPERATIONS[node.operation](g, *operands, *constants, **node.settings)
    return tensors[output]


def squared_distances(g: OnnxGraph, x: str, centers: np.ndarray) -> str:
    """Return the squared distances from float64 rows to centers, shape (n, n_centers)."""
    norms = g.add_sum(g.add("Mul", x, x), 1, keepdims=1)
    return g.add("Max", g.add("Add", norms, relative_distances(g, x, centers)), np.float64(0))


def relative_distances(g: OnnxGraph, x: str, centers: np.ndarray, tensor: str | None = None) -> str:
    """Return squared distances minus the squared length of x, shape (n, n_centers), float64.

    ``tensor`` is the name of the centers, if they are in the graph already.
    """
    centers = centers.astype(np.float64)
    norms = (centers**2).sum(axis=1)
    return g.add("Gemm", x, centers if tensor is None else tensor, norms, alpha=-2.0, transB=1)


def _gelu(g: OnnxGraph, x: str) -> str:
    erf = g.add("Erf", g.add("Div", x, Float(math.sqrt(2))))
    return g.add("Mul", g.add("Mul", x, Float(0.5)), g.add("Add", erf, Float(1)))


def _silu(g: OnnxGraph, x: str) -> str:
    return g.add("Mul", x, g.add("Sigmoid", x))


def _mish(g: OnnxGraph, x: str) -> str:
    return g.add("Mul", x, g.add("Tanh", g.add("Softplus", x)))


def _operator(name: str, **attributes: float) -> Callable[[OnnxGraph, str], str]:
    return lambda g, x: g.add(name, x, **attributes)


ACTIVATIONS: dict[str, Callable[[OnnxGraph, str], str]] = {
    "linear": lambda g, x: x,
    "relu": _operator("Relu"),
    "leaky_relu": _operator("LeakyRelu", alpha=0.2),
    "silu": _silu,
    "swish": _silu,
    "gelu": _gelu,
    "elu": _operator("Elu"),
    "selu": _operator("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "sigmoid": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "softplus": _operator("Softplus"),
    "softsign": _operator("Softsign"),
    "mish": _mish,
    "arcsinh": _operator("Asinh"),
}


def _dense(g: OnnxGraph, x: str, kernel: np.ndarray, bias: np.ndarray, activation: str) -> str:
    return ACTIVATIONS[activation](g, g.add("Gemm", x, kernel, bias))


def _convolution(
    g: OnnxGraph, x: str, kernel: np.ndarray, bias: np.ndarray, activation: str
) -> str:
    x = _convolve(g, "Conv", x, kernel, bias, auto_pad="SAME_UPPER")
    return ACTIVATIONS[activation](g, x)


def _transposed_convolution(
    g: OnnxGraph, x: str, kernel: np.ndarray, bias: np.ndarray, activation: str
) -> str:
    x = _convolve(g, "ConvTranspose", x, kernel, bias, pads=[0, 0, 1, 1])
    return ACTIVATIONS[activation](g, x)


def _convolve(
    g: OnnxGraph, operator: str, x: str, kernel: np.ndarray, bias: np.ndarray, **padding: object
) -> str:
    """Apply an operator of stride 2, in which the channels of an image are its first axis."""
    x = g.add("Transpose", x, perm=[0, 3, 1, 2])
    kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    x = g.add(operator, x, kernel, bias, strides=[2, 2], **padding)
    return g.add("Transpose", x, perm=[0, 2, 3, 1])


def _crop(g: OnnxGraph, x: str, shape: np.ndarray) -> str:
    return g.add("Slice", x, np.array([0, 0]), shape[:2], np.array([1, 2]))


def _replace_missing(g: OnnxGraph, x: str) -> str:
    return g.add("Where", g.add("IsNaN", x), Float(0), x)


def _is_missing(g: OnnxGraph, x: str, indices: np.ndarray) -> str:
    return g.cast(g.add("IsNaN", g.add("Gather", x, indices, axis=1)), Float)


def _logit(g: OnnxGraph, x: str, margin: float) -> str:
    return _log_odds(g, g.add("Clip", x, Float(margin), Float(1 - margin)))


def _log_odds(g: OnnxGraph, p: str) -> str:
    return g.add("Sub", g.add("Log", p), g.add("Log", g.add("Sub", Float(1), p)))


def _around_mode(
    g: OnnxGraph, logits: str, centers: np.ndarray, anchor_windows: np.ndarray, radius: np.ndarray
) -> str:
    p = g.add("Softmax", g.cast(logits, np.float64), axis=1)
    centers, windows = centers.astype(np.float64), anchor_windows.astype(np.float64)
    anchor = g.add("ArgMax", g.add("MatMul", p, windows.T), axis=1, keepdims=0)
    mean = _weighted_mean(g, g.add("Mul", p, g.add("Gather", windows, anchor, axis=0)), centers)
    exponent = g.add("Div", squared_distances(g, mean, centers), -2 * np.float64(radius) ** 2)
    weights = g.add("Mul", p, g.add("Exp", exponent))
    mass = g.add_sum(weights, 1, keepdims=1)
    return g.cast(g.add("Concat", _weighted_mean(g, weights, centers), mass, axis=1), Float)


def _weighted_mean(g: OnnxGraph, weights: str, centers: np.ndarray) -> str:
    total = g.add("Add", g.add_sum(weights, 1, keepdims=1), np.float64(1e-12))
    return g.add("Div", g.add("MatMul", weights, centers), total)


def _soft_assignment(g: OnnxGraph, x: str, centers: np.ndarray, width: np.ndarray) -> str:
    distances = relative_distances(g, g.cast(x, np.float64), centers)
    exponents = g.add("Div", distances, -2 * np.float64(width) ** 2)
    return g.cast(g.add("Softmax", exponents, axis=1), Float)


def _table_logits(g: OnnxGraph, x: str, terms: Any) -> str:
    p = g.add("Add", g.add("Div", x, terms.weights), terms.shares)
    p = g.add("Min", g.add("Max", p, terms.margins), 1 - terms.margins)
    outputs = g.add("Where", terms.is_category, g.add("Log", p), x)
    return g.add("Where", terms.is_boolean, _log_odds(g, p), outputs)


def _table_link(g: OnnxGraph, x: str, terms: Any) -> str:
    levels = g.add("Gather", x, terms.level_indices, axis=1)
    levels = g.add("Softmax", g.add("Where", terms.level_exists, levels, Float(-np.inf)), axis=2)
    flat = g.add("Reshape", levels, np.array([0, terms.level_indices.size]))
    p = g.add("Gather", flat, terms.level_positions, axis=1)
    p = g.add("Where", terms.is_boolean, g.add("Sigmoid", x), p)
    encoded = g.add("Mul", g.add("Sub", p, terms.shares), terms.weights)
    return g.add("Where", terms.is_boolean | terms.is_category, encoded, x)


OPERATIONS: dict[str, Callable[..., str]] = {
    "dense": _dense,
    "scale": lambda g, x, offset, scale: g.add("Div", g.add("Sub", x, offset), scale),
    "unscale": lambda g, x, offset, scale: g.add("Add", g.add("Mul", x, scale), offset),
    "normalize": lambda g, x, factor, offset: g.add("Add", g.add("Mul", x, factor), offset),
    "activation": lambda g, x, activation: ACTIVATIONS[activation](g, x),
    "dropout": lambda g, x: x,
    "clip": lambda g, x, low, high: g.add("Clip", x, Float(low), Float(high)),
    "reshape": lambda g, x, shape: g.add("Reshape", x, np.array([0, *shape])),
    "crop": _crop,
    "columns": lambda g, x, start, stop: g.columns(x, start, stop),
    "concatenate": lambda g, x, y: g.add("Concat", x, y, axis=1),
    "add": lambda g, x, y: g.add("Add", x, y),
    "replace_missing": _replace_missing,
    "is_missing": _is_missing,
    "logit": _logit,
    "table_logits": _table_logits,
    "table_link": _table_link,
    "convolution": _convolution,
    "transposed_convolution": _transposed_convolution,
    "around_mode": _around_mode,
    "soft_assignment": _soft_assignment,
}
