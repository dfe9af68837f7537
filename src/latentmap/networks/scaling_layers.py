"""Layers that scale rows.

Models contain these layers, so that a fitted encoder accepts raw rows. Their arrays are weights
that are not trained, so that model files store them like all other weights.
"""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor
from numpy.typing import ArrayLike

from latentmap.backend import to_numpy
from latentmap.networks.initializers import Constant


class ConstantLayer(keras.layers.Layer):
    """Base class of layers with arrays that are not trained.

    These layers compute in float32 even if Keras has another dtype policy, because raw rows and
    positions between landmarks need the full precision.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def _set_constants(self, **values: ArrayLike) -> None:
        """Store arguments of the constructor as attributes and as weights that are not trained."""
        for name, value in values.items():
            array = np.asarray(value, "float32")
            constant = self.add_weight(
                name=name,
                shape=array.shape,
                initializer=Constant(array),
                trainable=False,
            )
            setattr(self, name, constant)
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        constants = {w.name: to_numpy(w.value).tolist() for w in self.weights}
        return {**super().get_config(), **constants}


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

    offset: keras.Variable
    scale: keras.Variable

    def __init__(
        self,
        offset: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        invert: bool = False,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.invert = invert
        self._set_constants(offset=offset, scale=scale)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Scale inputs of shape (n, ...); integers become floats."""
        x = keras.ops.cast(inputs, self.compute_dtype)
        if self.invert:
            return x * self.scale + self.offset
        return (x - self.offset) / self.scale

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "invert": self.invert}
