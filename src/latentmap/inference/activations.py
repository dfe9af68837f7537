"""Activations of Keras, computed by NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Constants of the SELU activation (G. Klambauer et al., NeurIPS 2017).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−x)) without an overflow.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0])).tolist()
    [0.0, 0.5]
    """
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def softplus(x: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(x)) without an overflow."""
    return np.logaddexp(x, 0.0)


def elu(x: np.ndarray) -> np.ndarray:
    """Return x above 0, and exp(x) − 1 below."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


def gelu(x: np.ndarray) -> np.ndarray:
    """Return x · Φ(x), where Φ is the normal distribution function."""
    from scipy.special import ndtr

    return x * ndtr(x)


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "gelu": gelu,
    "elu": elu,
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0.0))),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softplus": softplus,
    "softsign": lambda x: x / (1.0 + np.abs(x)),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "arcsinh": np.arcsinh,
}
