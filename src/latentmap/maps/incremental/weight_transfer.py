"""Transfer of weights to a larger network of the same structure."""

from collections.abc import Iterator

import keras
from keras import layers

from latentmap.backend import copy_value


def transfer_weights(new_model: keras.Model, old_model: keras.Model) -> None:
    """Copy the weights of a model to a model of the same structure with wider layers.

    They become the leading block of each larger array; its other values do not change. A map
    with added landmarks thus starts with the earlier landmarks at their positions.

    Examples
    --------
    >>> narrow, wide = (keras.Sequential([keras.Input((2,)), layers.Dense(n)]) for n in (3, 5))
    >>> transfer_weights(wide, narrow)
    >>> row = keras.ops.ones((1, 2))
    >>> bool((wide(row)[:, :3] == narrow(row)).all())
    True
    """
    for new_weight, old_weight in zip(new_model.weights, old_model.weights, strict=True):
        values = copy_value(new_weight)
        values[tuple(slice(size) for size in old_weight.shape)] = copy_value(old_weight)
        new_weight.assign(values)


def freeze_batch_normalization(model: keras.Model) -> None:
    """Freeze the statistics of batch normalisation, which would adapt to the new rows."""
    for layer in _layers(model):
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _layers(model: keras.Layer) -> Iterator[keras.Layer]:
    parts: list = getattr(model, "models", None) or getattr(model, "layers", [])
    for part in parts:
        yield part
        yield from _layers(part)
