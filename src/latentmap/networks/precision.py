"""Matrix products in bfloat16 while a network is trained, and only there.

A GPU multiplies bfloat16, a float32 with 8 instead of 24 digits, at many times the rate of float32.
So the layers that multiply compute in it for the steps of training (P. Micikevicius et al., "Mixed
Precision Training", ICLR 2018); weights, their updates, scaling, the components of PCA, softmax,
codes and losses stay float32. As soon as the steps are taken the layers compute in float32 again:
figures on held-out rows, `transform` and model files know nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers, ops

__all__ = ["PRECISIONS", "float32", "products_in"]

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Names, and Keras's names for them."""
_MULTIPLYING = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv2DTranspose)


@contextmanager
def products_in(precision: str, model: Any) -> Iterator[None]:
    """Let the layers of a model that multiply compute in this precision for a while.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
    model : keras.Model

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> with products_in("bfloat16", model):
    ...     inside = str(model(ops.ones((1, 2))).dtype)
    >>> "bfloat16" in inside, "float32" in str(model(ops.ones((1, 2))).dtype)
    (True, True)
    """
    chosen = [] if precision == "float32" else [x for x in _layers(model) if _multiplies(x)]
    before = [layer.dtype_policy for layer in chosen]
    try:
        for layer in chosen:
            layer.dtype_policy = keras.dtype_policies.get(PRECISIONS[precision])
        yield
    finally:
        for layer, policy in zip(chosen, before, strict=True):
            layer.dtype_policy = policy


def _layers(model: Any) -> list[Any]:
    """Give the layers of a model and of the models in it, each once."""
    inner = [
        layer
        for part in model.layers
        for layer in ([part, *_layers(part)] if hasattr(part, "layers") else [part])
    ]
    return list({id(layer): layer for layer in inner}.values())


def _multiplies(layer: Any) -> bool:
    """Tell whether a layer multiplies and learns; the path through PCA's components stays exact."""
    return isinstance(layer, _MULTIPLYING) and layer.trainable and layer.name != "components"


def float32(output: Any) -> Any:
    """Take a network's output as float32, whatever it was computed in.

    Examples
    --------
    >>> "float32" in str(float32(ops.ones((2,), "bfloat16")).dtype)
    True
    """
    return ops.cast(output, "float32")
