"""Layers that scale rows.

Models contain these layers, so that a fitted encoder accepts raw rows. Their arrays are weights
that are not trained, so that model files store them like all other weights.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import KerasTensor
from numpy.typing import ArrayLike


def constant_initializer(values: ArrayLike) -> Callable[..., KerasTensor]:
    """Return an initializer that sets a weight to given values."""
    return lambda shape, dtype=None: keras.ops.convert_to_tensor(
        np.asarray(values, "float32"), dtype
    )


class ConstantLayer(keras.layers.Layer):
    """Base class of layers with arrays that are not trained.

    They compute in float32 even if Keras has another dtype policy, because raw rows and positions
    between landmarks need the full precision.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def _constant(self, name: str, value: ArrayLike) -> keras.Variable:
        initializer = constant_initializer(value)
        return self.add_weight(np.shape(value), initializer, name=name, trainable=False)


@keras.saving.register_keras_serializable("latentmap")
class Scaling(ConstantLayer):
    """Compute (x − offset) / scale, or x · scale + offset with ``invert=True``.

    Parameters
    ----------
    offset, scale : array-like of shape () or broadcastable to one row
    invert : bool

    Examples
    --------
    >>> Scaling(offset=10.0, scale=2.0)(np.array([[14.0]], "float32")).tolist()
    [[2.0]]
    >>> Scaling(offset=10.0, scale=2.0, invert=True)(np.array([[2.0]], "float32")).tolist()
    [[14.0]]
    """

    def __init__(
        self,
        offset: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        invert: bool = False,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self._offset = np.asarray(offset, "float32")
        self._scale = np.asarray(scale, "float32")
        self.invert = invert
        self.offset = self._constant("offset", self._offset)
        self.scale = self._constant("scale", self._scale)
        self.built = True

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Scale inputs of shape (n, ...); integers become floats."""
        x = keras.ops.cast(inputs, self.compute_dtype)
        if self.invert:
            return x * self.scale + self.offset
        return (x - self.offset) / self.scale

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "offset": self._offset.tolist(),
            "scale": self._scale.tolist(),
            "invert": self.invert,
        }
