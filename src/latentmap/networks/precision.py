"""Matrix products in bfloat16 during training.

A GPU multiplies bfloat16 (8 significant bits) several times as fast as float32 (24 bits). Dense and
convolutional layers can therefore use bfloat16 during training steps (P. Micikevicius et al.,
"Mixed Precision Training", ICLR 2018). Weights, updates, scaling, principal components, softmax,
codes and losses remain float32, and so do all computations after the training.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

# Names of Keras's dtype policies by the names of `Training.precision`.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@contextmanager
def matrix_precision(precision: str, model: keras.Model) -> Iterator[None]:
    """Compute the matrix products of trainable layers in another precision within the block.

    Examples
    --------
    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> with matrix_precision("bfloat16", model):
    ...     inside = str(model(keras.ops.ones((1, 2))).dtype)
    >>> "bfloat16" in inside, "float32" in str(model(keras.ops.ones((1, 2))).dtype)
    (True, True)
    """
    import keras

    changed_layers = (
        [] if precision == "float32" else [x for x in _layers(model) if _supports_precision(x)]
    )
    policies = [layer.dtype_policy for layer in changed_layers]
    try:
        for layer in changed_layers:
            layer.dtype_policy = keras.dtype_policies.get(PRECISIONS[precision])
        yield
    finally:
        for layer, policy in zip(changed_layers, policies, strict=True):
            layer.dtype_policy = policy


def _layers(model: keras.Model) -> list[keras.Layer]:
    """Return the distinct layers of a model and of the models in it."""
    all_layers = [
        layer
        for part in model.layers
        for layer in ([part, *_layers(part)] if hasattr(part, "layers") else [part])
    ]
    return list({id(layer): layer for layer in all_layers}.values())


def _supports_precision(layer: keras.Layer) -> bool:
    """Return whether a layer may use another precision; principal components may not."""
    from keras import layers

    matrix_layers = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv2DTranspose)
    return isinstance(layer, matrix_layers) and layer.trainable and layer.name != "components"
