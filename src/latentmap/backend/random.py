"""Random numbers, drawn so that arrays of any shape share a few compiled programs.

JAX compiles a program for each shape, which for its random numbers takes a third of a second, or
many times that where an array has several small dimensions.
"""

from __future__ import annotations

import math
from typing import Any

from latentmap.backend.engine import start

__all__ = ["uniform"]

_LENGTHS = (1 << 16, 1 << 18, 1 << 20, 1 << 22)


def uniform(shape: tuple[int, ...], limit: float, dtype: Any = None, seed: int = 0) -> Any:
    """Draw numbers from −limit to limit: the very ones of ``keras.random.uniform``.

    On JAX a number depends on the seed and on its place alone, so they can be the first ones of a
    flat array, of one of a few lengths.

    Parameters
    ----------
    shape : tuple of int
    limit : float
    dtype : str, optional
        Keras's usual one by default.
    seed : int

    Returns
    -------
    tensor of that shape

    Examples
    --------
    >>> uniform((2, 3), 0.5, seed=7).shape
    (2, 3)
    """
    keras = start()
    count = math.prod(shape)
    length = next((length for length in _LENGTHS if length >= count), None)
    if length is None or not _known_by_place():
        return keras.random.uniform(shape, -limit, limit, dtype, seed)
    drawn = keras.random.uniform((length,), -limit, limit, dtype, seed)
    return keras.ops.reshape(drawn[:count], shape)


def _known_by_place() -> bool:
    if start().backend.backend() != "jax":
        return False
    import jax

    return bool(jax.config.jax_threefry_partitionable)
