"""Values of a network's variables, and detection of their changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.backend.engine import engine_name

if TYPE_CHECKING:
    import keras

VariableVersions = list[tuple[object, int]]  # Array of each variable, and number of its changes.


def to_numpy(array: Any) -> np.ndarray:
    """Convert an array of the engine to NumPy.

    On JAX the result may share the memory of the array. On PyTorch it is a copy, and bfloat16
    becomes float32.

    Examples
    --------
    >>> import keras
    >>> to_numpy(keras.ops.ones(2)).tolist()
    [1.0, 1.0]
    """
    import keras

    if keras.backend.backend() != "torch":
        return keras.ops.convert_to_numpy(array)
    import torch

    # The conversion by Keras would raise a warning of NumPy.
    array = array.float() if array.dtype is torch.bfloat16 else array
    return array.numpy(force=True).copy()


def copy_value(variable: keras.Variable) -> np.ndarray:
    """Return a copy of a variable's value.

    The compiled loop on JAX overwrites the arrays of its state, so that they must be copied.

    Examples
    --------
    >>> import keras
    >>> copy_value(keras.Variable([1.0])).tolist()
    [1.0]
    """
    return np.array(to_numpy(variable.value))


def variable_versions(variables: Iterable[keras.Variable]) -> VariableVersions | None:
    """Return the versions of variables; None if the engine does not count changes.

    JAX never changes an array: a variable that changes has another one. PyTorch counts the changes
    of a tensor, except those of its attribute ``data``.

    Examples
    --------
    >>> import keras
    >>> variable = keras.Variable([1.0])
    >>> versions = variable_versions([variable])
    >>> _ = variable.assign([2.0])
    >>> have_equal_versions(versions, variable_versions([variable]))
    False
    """
    engine = engine_name()
    if engine == "jax":
        return [(variable.value, 0) for variable in variables]
    if engine == "torch":
        return [(variable.value, variable.value._version) for variable in variables]
    return None


def have_equal_versions(first: VariableVersions | None, second: VariableVersions | None) -> bool:
    """Return whether no variable has changed between two calls of `variable_versions`.

    Examples
    --------
    >>> have_equal_versions([], []), have_equal_versions(None, None)
    (True, False)
    """
    if first is None or second is None:
        return False
    return all(a is b and i == j for (a, i), (b, j) in zip(first, second, strict=True))
