"""Evaluation of functions of `keras.ops` as one compiled program, or without computing anything.

JAX compiles a program for each operation and shape that is called outside of a compiled function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.backend.engine import start_engine
from latentmap.backend.variables import to_numpy


def evaluate(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """Apply a function of `keras.ops` to arrays, on JAX in one compiled program.

    Examples
    --------
    >>> keras = start_engine()
    >>> evaluate(lambda x: keras.ops.mean(x**2), np.array([1.0, 3.0], "float32")).tolist()
    5.0
    """
    keras = start_engine()
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    else:
        arrays = tuple(map(keras.ops.convert_to_tensor, arrays))
    return to_numpy(function(*arrays))


def output_shape(function: Callable[..., Any], *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a function's output for float32 arrays of the given shapes.

    On JAX nothing is computed.

    Examples
    --------
    >>> keras = start_engine()
    >>> output_shape(lambda x: keras.ops.mean(x, axis=-1), (2, 3))
    (2,)
    """
    keras = start_engine()
    if keras.backend.backend() == "jax":
        import jax

        inputs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
        return tuple(jax.eval_shape(function, *inputs).shape)
    return tuple(keras.ops.shape(function(*map(keras.ops.zeros, shapes))))
