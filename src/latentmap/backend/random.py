"""Random numbers for arrays of any shape from a few compiled programs.

JAX compiles a program for each shape of random numbers. This takes a third of a second, and much
longer for an array with several small dimensions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentmap.backend.engine import start_engine
from latentmap.backend.variables import to_numpy

if TYPE_CHECKING:
    from keras import KerasTensor

_LENGTHS = (1 << 19, 1 << 22)


def uniform(
    shape: tuple[int, ...], limit: float, dtype: str | None = None, seed: int = 0
) -> KerasTensor:
    """Draw the same numbers from −limit to limit as ``keras.random.uniform``.

    On JAX a random number depends only on the seed and on its index. The result is therefore cut
    from a flat array that has one of a few lengths.

    Examples
    --------
    >>> tuple(uniform((2, 3), 0.5, seed=7).shape)
    (2, 3)
    """
    keras = start_engine()
    count = math.prod(shape)
    length = next((length for length in _LENGTHS if length >= count), None)
    if length is None or not _depends_on_index():
        return keras.random.uniform(shape, -limit, limit, dtype, seed)
    numbers = keras.random.uniform((length,), -limit, limit, dtype, seed)
    # JAX would compile a program for each shape that it slices or reshapes.
    values = to_numpy(numbers)[:count].reshape(shape)
    return keras.ops.convert_to_tensor(values, keras.backend.standardize_dtype(numbers.dtype))


def _depends_on_index() -> bool:
    """Return whether a random number depends only on the seed and on its index."""
    if start_engine().backend.backend() != "jax":
        return False
    import jax

    return bool(jax.config.jax_threefry_partitionable)
