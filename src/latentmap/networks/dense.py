"""Networks of dense layers, and the one of no hidden layer at all."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from numbers import Integral, Real
from random import Random
from typing import Any

import keras
import numpy as np
from keras import layers

from latentmap.backend import uniform
from latentmap.errors import SettingError

__all__ = [
    "DenseNetwork",
    "LinearNetwork",
    "check_activation",
    "check_widths",
    "draw_seed",
    "kernel",
]


def kernel(rng: Random, zero: bool = False) -> Any:
    """Give the initializer of a layer's weights: Glorot's, or zeros for a path that starts silent.

    Seeds are drawn as Keras draws them, so that ``random_state=7`` starts from the very weights
    that plain Keras has after ``keras.utils.set_random_seed(7)``.

    Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Examples
    --------
    >>> kernel(Random(0), zero=True)((2,)).tolist()
    [0.0, 0.0]
    """
    if zero:
        return keras.initializers.Zeros()
    return _Glorot(seed=draw_seed(rng))


class _Glorot(keras.initializers.GlorotUniform):
    """Keras's own, which draws the same numbers without a compiled program for each shape."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        *window, fan_in, fan_out = shape
        fans = math.prod(window) * (fan_in + fan_out)
        return uniform(shape, math.sqrt(3.0 / max(1.0, fans / 2.0)), dtype, self.seed)


def draw_seed(rng: Random) -> int:
    """Draw a seed as Keras does where none is given.

    Examples
    --------
    >>> 1 <= draw_seed(Random(0)) <= 10**9
    True
    """
    return rng.randint(1, 10**9)


def check_widths(widths: Any, name: str) -> None:
    """Refuse what is not a tuple of integers above 0."""
    listed = isinstance(widths, tuple | list) and len(widths) > 0
    if not listed or not all(isinstance(width, Integral) and int(width) >= 1 for width in widths):
        raise SettingError(f"{name}: expected a tuple of integers above 0, found {widths!r}")


def check_activation(name: Any) -> None:
    """Refuse what is not the name of one of Keras's activations."""
    try:
        known = isinstance(name, str) and keras.activations.get(name) is not None
    except ValueError:
        known = False
    if not known:
        raise SettingError(f"activation: expected the name of a Keras activation, found {name!r}")


@dataclass(frozen=True)
class LinearNetwork:
    """One dense layer without activation each way: the network of the article.

    Parameters
    ----------
    principal : bool
        Start from the principal components of the rows. With squared error this is PCA itself.

    Examples
    --------
    >>> LinearNetwork(principal=False)
    LinearNetwork(principal=False)
    """

    principal: bool = True

    def encode(
        self, x: Any, n_components: int, rng: Random, zero: bool = False, heads: int = 1
    ) -> Any:
        """From scaled rows to codes; nothing where the principal path is all there is."""
        if zero:
            return None
        return layers.Dense(heads * n_components, kernel_initializer=kernel(rng))(
            layers.Flatten()(x)
        )

    def decode(self, z: Any, row_shape: tuple[int, ...], rng: Random, zero: bool) -> Any:
        """From codes to flat outputs; nothing where the principal path is all there is."""
        if zero:
            return None
        return layers.Dense(int(np.prod(row_shape)), kernel_initializer=kernel(rng))(z)

    def layer_sizes(self, row_shape: tuple[int, ...], n_components: int) -> list[int]:
        """Count the numbers in each layer's kernel, both ways."""
        return 2 * [math.prod(row_shape) * n_components]

    def uses(self, row_shape: tuple[int, ...]) -> int:
        """Tell how often each of these numbers is multiplied by for a row."""
        return 1


@dataclass(frozen=True)
class DenseNetwork:
    """Dense layers of the widths ``hidden`` in the encoder, and mirrored in the decoder.

    Parameters
    ----------
    hidden : tuple of int, or "auto"
        Widths from the row towards the code. "auto" takes one wide layer where the code has more
        than three numbers, and three narrowing ones where it has fewer: a plane is folded so
        tightly that depth pays.
    activation : str
        A Keras activation.
    dropout : float
        Share of hidden numbers dropped while training, 0 to 1.
    principal : bool
        Add the network to the principal components of the rows, starting at zero, so that what is
        fitted never gets worse than PCA.
    normalize : bool
        Normalise each hidden number over the batch (S. Ioffe, C. Szegedy, "Batch Normalization",
        ICML 2015).

    Examples
    --------
    >>> DenseNetwork(hidden=(512, 128)).hidden
    (512, 128)
    """

    hidden: tuple[int, ...] | str = "auto"
    activation: str = "silu"
    dropout: float = 0.0
    principal: bool = True
    normalize: bool = False

    def __post_init__(self) -> None:
        if self.hidden != "auto":
            check_widths(self.hidden, "hidden")
        check_activation(self.activation)
        if not isinstance(self.dropout, Real) or not 0 <= self.dropout < 1:
            raise SettingError(
                f"dropout: expected a number from 0 up to 1, without 1, found {self.dropout!r}"
            )

    def widths(self, n_components: int) -> tuple[int, ...]:
        """Give the widths of the encoder's hidden layers for a code of this size."""
        if self.hidden == "auto":
            return (512, 256, 128) if n_components <= 3 else (512,)
        return tuple(int(width) for width in self.hidden)

    def layer_sizes(self, row_shape: tuple[int, ...], n_components: int) -> list[int]:
        """Count the numbers in each layer's kernel, both ways."""
        widths = (math.prod(row_shape), *self.widths(n_components), n_components)
        return 2 * [into * out for into, out in itertools.pairwise(widths)]

    def uses(self, row_shape: tuple[int, ...]) -> int:
        """Tell how often each of these numbers is multiplied by for a row."""
        return 1

    def encode(
        self, x: Any, n_components: int, rng: Random, zero: bool = False, heads: int = 1
    ) -> Any:
        """From scaled rows, shape (n, ...), to codes, shape (n, heads · n_components)."""
        x = self._stack(layers.Flatten()(x), self.widths(n_components), rng)
        return layers.Dense(heads * n_components, kernel_initializer=kernel(rng, zero))(x)

    def decode(self, z: Any, row_shape: tuple[int, ...], rng: Random, zero: bool) -> Any:
        """From codes, shape (n, n_components), to flat outputs, shape (n, d)."""
        z = self._stack(z, self.widths(z.shape[-1])[::-1], rng)
        return layers.Dense(int(np.prod(row_shape)), kernel_initializer=kernel(rng, zero))(z)

    def _stack(self, x: Any, widths: tuple[int, ...], rng: Random) -> Any:
        for width in widths:
            end = None if self.normalize else self.activation
            x = layers.Dense(width, activation=end, kernel_initializer=kernel(rng))(x)
            if self.normalize:
                x = layers.BatchNormalization(momentum=0.9)(x)
                x = layers.Activation(self.activation)(x)
            if self.dropout:
                x = layers.Dropout(self.dropout, seed=draw_seed(rng))(x)
        return x
