"""Conversion of rows that are images to 8-bit pixels and back."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from latentmap.data import Source
from latentmap.plots.image_tiles import intensity_range

_SAMPLE_ROWS = 200  # Number of rows that determine the values of black and white.


@dataclass(frozen=True)
class RowImages:
    """Conversion between rows and pixels, uint8; ``low`` is black and ``high`` is white."""

    shape: tuple[int, ...]
    low: float
    high: float

    @classmethod
    def from_source(cls, source: Source, shape: tuple[int, ...]) -> Self:
        """Determine the values of black and white from a sample of the rows."""
        sample = np.unique(np.linspace(0, len(source) - 1, _SAMPLE_ROWS).astype(int))
        return cls(shape, *intensity_range(source[sample]))

    @property
    def channels(self) -> int:
        """Number of displayed channels: 3 for RGB and RGBA, else 1, the mean of all channels."""
        return 3 if len(self.shape) == 3 and self.shape[2] in (3, 4) else 1

    @property
    def size(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        height, width = self.shape[:2]
        return height, width, self.channels

    def describe(self) -> dict[str, object]:
        """Return the kind, size and channels of the images, as JSON values."""
        height, width, channels = self.size
        return {"kind": "image", "height": height, "width": width, "channels": channels}

    def to_display(self, rows: ArrayLike) -> np.ndarray:
        """Convert rows to pixels, clipped to 0–255 and rounded."""
        array = np.asarray(rows, np.float32).reshape(-1, *self.shape)
        if array.ndim == 4:
            array = array.mean(axis=3) if self.channels == 1 else array[..., :3]
        scaled_pixels = (array - self.low) * np.float32(255 / (self.high - self.low))
        return np.rint(np.clip(scaled_pixels, 0, 255)).astype(np.uint8).reshape(-1, *self.size)

    def decode(self, rows: ArrayLike) -> np.ndarray:
        """Convert decoded rows to pixels."""
        return self.to_display(rows)

    def to_rows(self, pixels: np.ndarray) -> np.ndarray:
        """Convert pixels to rows in the units of the data, float32."""
        rows = self.low + pixels.astype(np.float32) * ((self.high - self.low) / 255)
        row_channels = self.shape[2] if len(self.shape) == 3 else 1
        if self.channels == 1:
            rows = np.repeat(rows, row_channels, axis=3)
        elif row_channels == 4:  # The fourth channel is opacity.
            rows = np.concatenate([rows, np.full_like(rows[..., :1], self.high)], axis=3)
        return rows.reshape(-1, *self.shape)


def shrink_images(pixels: np.ndarray, max_side: int) -> np.ndarray:
    """Shrink images, (n, h, w, c) uint8, so that no side is longer than ``max_side`` pixels."""
    height, width = pixels.shape[1:3]
    longer_side = max(height, width)
    if longer_side <= max_side:
        return pixels
    size = (
        max(1, round(width * max_side / longer_side)),
        max(1, round(height * max_side / longer_side)),
    )
    grey = pixels.shape[3] == 1
    small_images = [
        np.asarray(Image.fromarray(p[..., 0] if grey else p).resize(size, Image.Resampling.BOX))
        for p in pixels
    ]
    return np.stack(small_images).reshape(len(pixels), size[1], size[0], -1)
