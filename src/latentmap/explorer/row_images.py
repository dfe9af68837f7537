"""Rows that are images, as bytes of grey or colour; and as thumbnails.

Black and white are set once, from the data, so that an original and what is decoded are shown in
the same tones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from latentmap.data import Source
from latentmap.plots.image_tiles import intensity_range

__all__ = ["Pictures", "shrunk"]

_SEEN = 200  # rows that set black and white


@dataclass(frozen=True)
class Pictures:
    """How rows of one shape become bytes: (n, ...) to (n, h, w, c) uint8, c being 1 or 3.

    Attributes
    ----------
    shape : tuple of int
        Of a row: (h, w) or (h, w, channels).
    low, high : float
        The numbers that are black and white.

    Examples
    --------
    >>> pictures = Pictures((1, 2), 0.0, 1.0)
    >>> pictures.bytes_of([[[0.5, 2.0]]]).tolist()
    [[[[128], [255]]]]
    >>> pictures.rows_of(np.array([[[[128], [255]]]])).round(2).tolist()
    [[[0.5, 1.0]]]
    """

    shape: tuple[int, ...]
    low: float
    high: float

    @classmethod
    def of(cls, source: Source, shape: tuple[int, ...]) -> Pictures:
        """Choose the tones from some of the rows."""
        some = np.unique(np.linspace(0, len(source) - 1, _SEEN).astype(int))
        return cls(shape, *intensity_range(source[some]))

    @property
    def channels(self) -> int:
        """Three for colour (transparency is left out), else one: the mean of all."""
        return 3 if len(self.shape) == 3 and self.shape[2] in (3, 4) else 1

    @property
    def size(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return (*self.shape[:2], self.channels)  # type: ignore[return-value]

    def bytes_of(self, rows: Any) -> np.ndarray:
        """Give rows as pictures, clipped to 0–255 and rounded."""
        rows = np.asarray(rows, np.float32).reshape(-1, *self.shape)
        if rows.ndim == 4:
            grey = self.channels == 1
            rows = rows.mean(axis=3) if grey else rows[..., :3]
        scaled = (rows - self.low) * np.float32(255 / (self.high - self.low))
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8).reshape(-1, *self.size)

    def rows_of(self, pictures: np.ndarray) -> np.ndarray:
        """Give pictures, (n, h, w, c) uint8, as rows in the data's own units, float32."""
        rows = self.low + pictures.astype(np.float32) * ((self.high - self.low) / 255)
        missing = int(np.prod(self.shape)) // (self.size[0] * self.size[1]) - self.channels
        if self.channels == 1 and missing:
            rows = np.repeat(rows, 1 + missing, axis=3)
        elif missing:  # transparency: nothing shines through
            rows = np.concatenate([rows, np.full_like(rows[..., :1], self.high)], axis=3)
        return rows.reshape(-1, *self.shape)


def shrunk(pictures: np.ndarray, most: int) -> np.ndarray:
    """Shrink pictures whose longer side is above ``most`` pixels, (n, h, w, c) uint8.

    Examples
    --------
    >>> shrunk(np.zeros((2, 100, 50, 3), np.uint8), 64).shape
    (2, 64, 32, 3)
    """
    height, width = pictures.shape[1:3]
    longest = max(height, width)
    if longest <= most:
        return pictures
    size = (max(1, round(width * most / longest)), max(1, round(height * most / longest)))
    grey = pictures.shape[3] == 1
    small = [
        np.asarray(Image.fromarray(p[..., 0] if grey else p).resize(size, Image.Resampling.BOX))
        for p in pictures
    ]
    return np.stack(small).reshape(len(pictures), size[1], size[0], -1)
