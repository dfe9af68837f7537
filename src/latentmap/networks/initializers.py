"""Initial values of weights, computed by NumPy or by few compiled programs.

Keras computes initial weights with operations of the engine, and JAX compiles a program for each
operation and shape. The compilation takes longer than a fit of few rows.
"""

import math
from collections.abc import Callable
from random import Random

import keras
import numpy as np
from keras import KerasTensor
from numpy.typing import ArrayLike

from latentmap.backend import uniform


@keras.saving.register_keras_serializable("latentmap")
class Zeros(keras.initializers.Zeros):
    """Initializer with the value 0.

    Examples
    --------
    >>> Zeros()((2,)).tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> KerasTensor:
        """Return an array of zeros."""
        return keras.ops.convert_to_tensor(np.zeros(shape, "float32"), dtype)


@keras.saving.register_keras_serializable("latentmap")
class Ones(keras.initializers.Ones):
    """Initializer with the value 1.

    Examples
    --------
    >>> Ones()((2,)).tolist()
    [1.0, 1.0]
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> KerasTensor:
        """Return an array of ones."""
        return keras.ops.convert_to_tensor(np.ones(shape, "float32"), dtype)


@keras.saving.register_keras_serializable("latentmap")
class Glorot(keras.initializers.GlorotUniform):
    """Glorot's initializer, with the same values as that of Keras.

    Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Examples
    --------
    >>> Glorot(seed=0)((4, 2)).shape
    (4, 2)
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> KerasTensor:
        """Return numbers from a uniform distribution around 0."""
        *window, fan_in, fan_out = shape
        fans = math.prod(window) * (fan_in + fan_out)
        return uniform(shape, math.sqrt(3.0 / max(1.0, fans / 2.0)), dtype, self.seed)


def constant_initializer(values: ArrayLike) -> Callable[..., KerasTensor]:
    """Return an initializer that sets a weight to given values."""
    return lambda shape, dtype=None: keras.ops.convert_to_tensor(
        np.asarray(values, "float32"), dtype
    )


def kernel_initializer(rng: Random, zero_init: bool = False) -> keras.initializers.Initializer:
    """Return Glorot's initializer of a kernel, or zeros for a network that is added to PCA.

    Seeds are drawn as in Keras, so that ``random_state=7`` has the same initial weights as plain
    Keras after ``keras.utils.set_random_seed(7)``.
    """
    return Zeros() if zero_init else Glorot(seed=draw_seed(rng))


def draw_seed(rng: Random) -> int:
    """Draw a seed in the same way as Keras."""
    return rng.randint(1, 10**9)
