"""Networks that take over what smaller ones of the same kind have learned."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers


def take_over(new: Any, old: Any) -> None:
    """Give a model the weights of another that differs only in having fewer of some numbers.

    Where a weight has grown, the old numbers are its leading block: what comes after is as the new
    model began. So a map with more landmarks starts with the old ones where they were.

    Parameters
    ----------
    new, old : keras.Model

    Examples
    --------
    >>> narrow, wide = (keras.Sequential([keras.Input((2,)), layers.Dense(n)]) for n in (3, 5))
    >>> take_over(wide, narrow)
    >>> row = np.ones((1, 2), "float32")
    >>> bool((wide(row)[:, :3] == narrow(row)).all())
    True
    """
    for wide, narrow in zip(new.weights, old.weights, strict=True):
        values = np.array(keras.ops.convert_to_numpy(wide.value))
        values[tuple(slice(size) for size in narrow.shape)] = keras.ops.convert_to_numpy(
            narrow.value
        )
        wide.assign(values)


def keep_normalized(model: Any) -> None:
    """Let batch normalisation go on with the means that it has: few new rows would move them."""
    for layer in _layers(model):
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _layers(model: Any) -> Iterator[Any]:
    parts: list = getattr(model, "models", None) or getattr(model, "layers", [])
    for part in parts:
        yield part
        yield from _layers(part)
