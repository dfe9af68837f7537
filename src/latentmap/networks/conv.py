"""A convolutional network for images."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from latentmap.errors import DataError
from latentmap.networks.dense import check_activation, check_widths, dense_layer

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor


@dataclass(frozen=True)
class ConvNetwork:
    """Network for images: 3 × 3 convolutions with stride 2, transposed in the decoder.

    Parameters
    ----------
    filters : tuple of int
        Number of channels of each layer, from the image to the code.
    activation : str
        A Keras activation.
    principal : bool
        Add the network, which initially outputs zero, to the principal components of the rows.
    """

    filters: tuple[int, ...] = (16, 32)
    activation: str = "silu"
    principal: bool = True

    def __post_init__(self) -> None:
        check_widths(self.filters, "filters")
        check_activation(self.activation)

    def layer_sizes(self, row_shape: tuple[int, ...], n_components: int) -> list[int]:
        """Return the number of kernel weights in each layer of the encoder and the decoder."""
        channels = (image_shape(row_shape)[2], *self.filters)
        stages = [9 * n_in * n_out for n_in, n_out in itertools.pairwise(channels)]
        return 2 * [*stages, math.prod(self.innermost_shape(row_shape)) * n_components]

    def encode(
        self,
        x: KerasTensor,
        n_components: int,
        rng: Random,
        zero_init: bool = False,
        n_heads: int = 1,
    ) -> KerasTensor:
        """Return codes of scaled images (n, h, w[, c]); see `Network`."""
        from keras import layers

        from latentmap.networks.strided_convolutions import StridedConv2D

        x = layers.Reshape(image_shape(x.shape[1:]))(x)
        for channels in self.filters:
            x = _convolution(StridedConv2D, channels, rng, self.activation)(x)
        return dense_layer(n_heads * n_components, rng, zero_init=zero_init)(layers.Flatten()(x))

    def decode(
        self, z: KerasTensor, row_shape: tuple[int, ...], rng: Random, zero_init: bool
    ) -> KerasTensor:
        """Return flat outputs for codes, shape (n, h·w·c); see `Network`."""
        from keras import layers

        from latentmap.networks.strided_convolutions import StridedConv2DTranspose

        height, width, channels = image_shape(row_shape)
        innermost = self.innermost_shape(row_shape)
        z = dense_layer(math.prod(innermost), rng, self.activation)(z)
        z = layers.Reshape(innermost)(z)
        for filters in self.filters[-2::-1]:
            z = _convolution(StridedConv2DTranspose, filters, rng, self.activation)(z)
        z = _convolution(StridedConv2DTranspose, channels, rng, zero_init=zero_init)(z)
        crop_size = (z.shape[1] - height, z.shape[2] - width)
        return layers.Flatten()(layers.Cropping2D(((0, crop_size[0]), (0, crop_size[1])))(z))

    def innermost_shape(self, row_shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Return the shape after the last convolution; each one halves the size, rounded up."""
        height, width, _ = image_shape(row_shape)
        factor = 2 ** len(self.filters)
        return -(-height // factor), -(-width // factor), self.filters[-1]


def _convolution(
    layer_type: type[keras.Layer],
    filters: int,
    rng: Random,
    activation: str | None = None,
    zero_init: bool = False,
) -> keras.Layer:
    from latentmap.networks.initializers import Constant, kernel_initializer

    return layer_type(
        filters,
        activation=activation,
        kernel_initializer=kernel_initializer(rng, zero_init),
        bias_initializer=Constant(0.0),
    )


def image_shape(row_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return height, width and channels; raise DataError if the row is not an image.

    Examples
    --------
    >>> image_shape((28, 28))
    (28, 28, 1)
    """
    if len(row_shape) not in (2, 3):
        raise DataError(
            "the network 'conv' takes images: expected rows of shape (height, width) or "
            f"(height, width, channels), found {row_shape}"
        )
    height, width, channels = (*row_shape, 1)[:3]
    return height, width, channels
