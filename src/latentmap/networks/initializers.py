"""Initial values of weights, computed by NumPy or by few compiled programs.

Keras computes initial weights with operations of the engine, and JAX compiles a program for each
operation and shape. The compilation takes longer than a fit of few rows.
"""

import math
from random import Random

import keras
import numpy as np
from keras import KerasTensor

from latentmap.backend import uniform


@keras.saving.register_keras_serializable("latentmap")
class Constant(keras.initializers.Constant):
    """Initializer with given values, which are broadcast to the shape of the weight.

    Examples
    --------
    >>> Constant(1.0)((2,)).tolist()
    [1.0, 1.0]
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> KerasTensor:
        """Return the values as an array."""
        return keras.ops.convert_to_tensor(np.full(shape, self.value, "float32"), dtype)


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


def kernel_initializer(rng: Random, zero_init: bool = False) -> keras.initializers.Initializer:
    """Return Glorot's initializer of a kernel, or zeros for a network that is added to PCA.

    Seeds are drawn as in Keras, so that ``random_state=7`` has the same initial weights as plain
    Keras after ``keras.utils.set_random_seed(7)``.
    """
    return Constant(0.0) if zero_init else Glorot(seed=draw_seed(rng))


def draw_seed(rng: Random) -> int:
    """Draw a seed in the same way as Keras."""
    return rng.randint(1, 10**9)
