"""Sprite sheets: WebP files of limited size, each with up to 1,024 images."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from latentmap.explorer.row_images import shrink_images

IMAGES_PER_SHEET, IMAGES_PER_LINE = 1024, 32
_MAX_SIDE = 64
# Image sizes to try, as fractions of the full side length.
_SIDES = (1.0, 0.75, 0.5, 0.375, 0.25)
_QUALITIES = (85, 60, 35)
_SAMPLE_SHEETS = 2  # Number of sheets used to estimate the total size.
_BLOCK_IMAGES = 128  # Number of full-size images in memory.
_MAX_BUDGET_SHARE = 0.97  # The estimate must not exceed this share of the budget.

LoadImages = Callable[[np.ndarray], np.ndarray]
"""Function from the indices of images to the images, (m, h, w, c) uint8."""


@dataclass(frozen=True)
class SpriteSheets:
    """Image files that contain images of one size."""

    files: list[bytes]
    height: int
    width: int

    def describe(self) -> dict[str, object]:
        """Return the layout of the images, as JSON values."""
        return {
            "images_per_sheet": IMAGES_PER_SHEET,
            "images_per_line": IMAGES_PER_LINE,
            "height": self.height,
            "width": self.width,
        }

    @property
    def nbytes(self) -> int:
        """The size of all files in bytes."""
        return sum(map(len, self.files))


def pack_sprites(
    load: LoadImages, count: int, budget: float, advance: Callable[[int], object] = lambda _: None
) -> SpriteSheets:
    """Pack images into sprite sheets of at most ``budget`` bytes.

    Sizes and qualities are tried in descending order. The lowest may exceed the budget.
    """
    sheets = [
        np.arange(i, min(i + IMAGES_PER_SHEET, count)) for i in range(0, count, IMAGES_PER_SHEET)
    ]
    numbers = sorted({0, len(sheets) // 2})[:_SAMPLE_SHEETS]
    sample = [_load_thumbnails(load, sheets[i]) for i in numbers]
    ratio = count / sum(map(len, sample))
    full_side = min(_MAX_SIDE, max(sample[0].shape[1:3]))
    settings = [(max(4, round(full_side * s)), quality) for s in _SIDES for quality in _QUALITIES]
    for side, quality in settings:
        sample_bytes = sum(len(_encode_sheet(images, side, quality)) for images in sample)
        is_last = (side, quality) == settings[-1]
        if sample_bytes * ratio > _MAX_BUDGET_SHARE * budget and not is_last:
            continue
        files = []
        for indices in sheets:
            files.append(_encode_sheet(_load_thumbnails(load, indices), side, quality))
            advance(len(indices))
        result = SpriteSheets(files, *shrink_images(sample[0][:1], side).shape[1:3])
        if result.nbytes <= budget or is_last:
            break
    return result


def _load_thumbnails(load: LoadImages, indices: np.ndarray) -> np.ndarray:
    blocks = (indices[i : i + _BLOCK_IMAGES] for i in range(0, len(indices), _BLOCK_IMAGES))
    return np.concatenate([shrink_images(load(block), _MAX_SIDE) for block in blocks])


def _encode_sheet(images: np.ndarray, side: int, quality: int) -> bytes:
    """Return a WebP file with up to 1,024 images, 32 in a line; unused positions are black."""
    images = shrink_images(images, side)
    count, height, width, channels = images.shape
    lines = -(-count // IMAGES_PER_LINE)
    tiles = np.zeros((lines * IMAGES_PER_LINE, height, width, channels), np.uint8)
    tiles[:count] = images
    sheet = tiles.reshape(lines, IMAGES_PER_LINE, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(lines * height, IMAGES_PER_LINE * width, channels)
    image = Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=quality, method=2)
    return file.getvalue()
