"""Scaling is part of the model, so a fitted encoder takes raw rows as they were read.

The numbers are weights that are not trained: they travel in the model file with all the others.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

__all__ = ["ConstantsLayer", "Scaling"]


class ConstantsLayer(keras.layers.Layer):
    """A layer with arrays that are not trained, and travel with the weights.

    It computes in float32 whatever Keras's policy for the other layers: raw numbers, and spots
    between landmarks, need all of its digits.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def _constant(self, name: str, value: Any) -> Any:
        value = np.asarray(value, "float32")
        return self.add_weight(
            name=name,
            shape=value.shape,
            initializer=lambda shape, dtype: keras.ops.convert_to_tensor(value, dtype),
            trainable=False,
        )


@keras.saving.register_keras_serializable("latentmap")
class Scaling(ConstantsLayer):
    """Shift and scale: ``(x − offset) / scale``, or back with ``invert=True``.

    Parameters
    ----------
    offset, scale : array-like of shape () or broadcastable to one row, optional
        The numbers; 0 and 1 until they are known.
    invert : bool
        ``x · scale + offset`` instead.

    Examples
    --------
    >>> Scaling(offset=10.0, scale=2.0)(np.array([[14.0]], "float32")).tolist()
    [[2.0]]
    >>> Scaling(offset=10.0, scale=2.0, invert=True)(np.array([[2.0]], "float32")).tolist()
    [[14.0]]
    """

    def __init__(
        self, offset: Any = 0.0, scale: Any = 1.0, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._offset = np.asarray(offset, "float32")
        self._scale = np.asarray(scale, "float32")
        self.invert = invert
        self.offset = self._constant("offset", self._offset)
        self.scale = self._constant("scale", self._scale)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Scale ``inputs``, shape (n, ...); integers become floats."""
        x = keras.ops.cast(inputs, self.compute_dtype)
        if self.invert:
            return x * self.scale + self.offset
        return (x - self.offset) / self.scale

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal layer."""
        return {
            **super().get_config(),
            "offset": self._offset.tolist(),
            "scale": self._scale.tolist(),
            "invert": self.invert,
        }
