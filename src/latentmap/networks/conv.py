"""A convolutional network for images: each stage halves the picture, and the decoder doubles it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from keras import layers

from latentmap.errors import DataError
from latentmap.networks.dense import check_activation, check_widths, kernel

__all__ = ["ConvNetwork"]


@dataclass(frozen=True)
class ConvNetwork:
    """Convolutions of 3 × 3 with stride 2, and transposed ones on the way back.

    Parameters
    ----------
    filters : tuple of int
        Channels of each stage, from the image towards the code.
    activation : str
        A Keras activation.
    principal : bool
        Add the network to the principal components of the rows, starting at zero.

    Examples
    --------
    >>> ConvNetwork(filters=(16, 32)).filters
    (16, 32)
    """

    filters: tuple[int, ...] = (16, 32)
    activation: str = "silu"
    principal: bool = True

    def __post_init__(self) -> None:
        check_widths(self.filters, "filters")
        check_activation(self.activation)

    def layer_sizes(self, row_shape: tuple[int, ...], n_components: int) -> list[int]:
        """Count the numbers in each layer's kernel, both ways."""
        channels = (image_shape(row_shape)[2], *self.filters)
        stages = [9 * into * out for into, out in itertools.pairwise(channels)]
        return 2 * [*stages, math.prod(self._small(row_shape)) * n_components]

    def uses(self, row_shape: tuple[int, ...]) -> int:
        """Tell how often each of these numbers is multiplied by for a row, at the most."""
        return math.prod(image_shape(row_shape)[:2])

    def encode(
        self, x: Any, n_components: int, rng: Random, zero: bool = False, heads: int = 1
    ) -> Any:
        """From scaled images, shape (n, h, w[, c]), to codes, shape (n, heads · n_components)."""
        x = layers.Reshape(image_shape(x.shape[1:]))(x)
        for channels in self.filters:
            x = self._convolution(layers.Conv2D, channels, rng)(x)
        return layers.Dense(heads * n_components, kernel_initializer=kernel(rng, zero))(
            layers.Flatten()(x)
        )

    def decode(self, z: Any, row_shape: tuple[int, ...], rng: Random, zero: bool) -> Any:
        """From codes to flat outputs, shape (n, h·w·c)."""
        height, width, channels = image_shape(row_shape)
        small = self._small(row_shape)
        z = layers.Dense(int(np.prod(small)), self.activation, kernel_initializer=kernel(rng))(z)
        z = layers.Reshape(small)(z)
        for filters in self.filters[-2::-1]:
            z = self._convolution(layers.Conv2DTranspose, filters, rng)(z)
        z = layers.Conv2DTranspose(
            channels, 3, strides=2, padding="same", kernel_initializer=kernel(rng, zero)
        )(z)
        spare = (z.shape[1] - height, z.shape[2] - width)
        return layers.Flatten()(layers.Cropping2D(((0, spare[0]), (0, spare[1])))(z))

    def _small(self, row_shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Give the shape after the last stage; each one halves, rounding up."""
        height, width, _ = image_shape(row_shape)
        shrunk = 2 ** len(self.filters)
        return -(-height // shrunk), -(-width // shrunk), self.filters[-1]

    def _convolution(self, layer: Any, channels: int, rng: Random) -> Any:
        return layer(
            channels, 3, 2, "same", activation=self.activation, kernel_initializer=kernel(rng)
        )


def image_shape(row_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Give height, width and channels of a row that is an image.

    Raises
    ------
    DataError
        If the row is no image.

    Examples
    --------
    >>> image_shape((28, 28))
    (28, 28, 1)
    """
    if len(row_shape) not in (2, 3):
        raise DataError(
            "the network 'conv' takes images, expected rows of shape (height, width) or "
            f"(height, width, channels), found {row_shape}"
        )
    height, width, channels = (*row_shape, 1)[:3]
    return height, width, channels
