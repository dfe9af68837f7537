"""Convolutions of 3 × 3 pixels with stride 2, computed as matrix products of patches.

XLA compiles a loop of training steps. On a CPU, convolutions inside a loop take ten times as long
as the matrix products of K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural
Networks for Document Processing", 2006. The transposed convolution computes the 2 × 2 outputs of
each pixel as channels (W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
Efficient Sub-Pixel Convolutional Neural Network", CVPR 2016). Weights and results are those of the
Keras layers.
"""

import itertools
from typing import Any

from keras import KerasTensor, layers, ops


class StridedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` with a kernel of 3 × 3, stride 2 and padding "same".

    Examples
    --------
    >>> import keras
    >>> StridedConv2D(5)(keras.ops.ones((1, 7, 8, 2))).shape
    (1, 4, 4, 5)
    """

    def __init__(self, filters: int, **options: Any) -> None:
        super().__init__(filters, 3, 2, "same", **options)

    def call(self, x: KerasTensor) -> KerasTensor:
        """Return the activations, shape (n, h / 2, w / 2, filters), rounded up."""
        height, width, channels = x.shape[1:]
        rows, columns = -(-height // 2), -(-width // 2)
        top, left = height % 2, width % 2  # Padding "same" pads odd sizes at both ends.
        bottom, right = 2 * rows + 1 - height - top, 2 * columns + 1 - width - left
        x = ops.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
        kernel = ops.reshape(self.kernel, (9 * channels, self.filters))
        patches = _patches(x, 3, (rows, columns), stride=2)
        return self.activation(ops.matmul(patches, kernel) + self.bias)


class StridedConv2DTranspose(layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with a kernel of 3 × 3, stride 2 and padding "same".

    Examples
    --------
    >>> import keras
    >>> StridedConv2DTranspose(5)(keras.ops.ones((1, 4, 4, 2))).shape
    (1, 8, 8, 5)
    """

    def __init__(self, filters: int, **options: Any) -> None:
        super().__init__(filters, 3, 2, "same", **options)

    def call(self, x: KerasTensor) -> KerasTensor:
        """Return the activations, shape (n, 2h, 2w, filters)."""
        height, width, channels = x.shape[1:]
        # The outputs of a pixel depend on this pixel and on those above it and to its left.
        x = ops.pad(x, ((0, 0), (1, 0), (1, 0), (0, 0)))
        blocks = ops.matmul(_patches(x, 2, (height, width)), self._block_kernel(channels))
        blocks = ops.reshape(blocks, (-1, height, width, 2, 2, self.filters))
        blocks = ops.transpose(blocks, (0, 1, 3, 2, 4, 5))
        y = ops.reshape(blocks, (-1, 2 * height, 2 * width, self.filters))
        return self.activation(y + self.bias)

    def _block_kernel(self, channels: int) -> KerasTensor:
        """Return the weights from 2 × 2 inputs to 2 × 2 outputs, (4 · channels, 4 · filters)."""
        kernel = ops.pad(self.kernel, ((0, 1), (0, 1), (0, 0), (0, 0)))
        # The first two rows of the kernel apply to the pixel itself, the last two to the one above.
        kernel = ops.reshape(kernel, (2, 2, 2, 2, self.filters, channels))
        kernel = ops.transpose(ops.flip(kernel, (0, 2)), (0, 2, 5, 1, 3, 4))
        return ops.reshape(kernel, (4 * channels, 4 * self.filters))


def _patches(x: KerasTensor, size: int, shape: tuple[int, int], stride: int = 1) -> KerasTensor:
    """Return patches of size × size pixels as channels, one patch for each pixel of the output."""
    height, width = (stride * length for length in shape)
    slices = [
        x[:, i : i + height : stride, j : j + width : stride]
        for i, j in itertools.product(range(size), repeat=2)
    ]
    return ops.concatenate(slices, -1)
