"""Conversion of images to RGB, and grids of images."""

import numpy as np

from latentmap.plots.matplotlib_types import Axes

# Pixels outside of these percentiles are clipped, so that a few of them do not darken all others.
_RANGE_PERCENTILES = (0.5, 99.5)


def is_image_shape(row_shape: tuple[int, ...]) -> bool:
    """Return whether rows of this shape are images, (h, w) or (h, w, c)."""
    return len(row_shape) in (2, 3)


def image_gap(side: int) -> int:
    """Return the width of the gap between images, in pixels, from the side of an image."""
    return max(1, round(side / 14))


def to_rgb(images: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return images as RGB in 0–1, (n, h, w, 3); the reference determines black and white."""
    low, high = intensity_range(reference)
    values = np.clip((images.astype(np.float64) - low) / (high - low), 0, 1)
    if values.ndim == 4 and values.shape[3] in (3, 4):
        return values[..., :3]
    grey = values if values.ndim == 3 else values.mean(axis=3)
    return np.repeat(grey[..., None], 3, axis=3)


def intensity_range(images: np.ndarray) -> tuple[float, float]:
    """Return the values that are drawn in black and in white."""
    if images.dtype == np.uint8:
        return 0.0, 255.0
    low, high = (float(value) for value in np.percentile(images, _RANGE_PERCENTILES))
    if low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def tile_images(images: np.ndarray, columns: int, gap: int = 0) -> np.ndarray:
    """Return one image with images of shape (n, h, w, 3) in a grid, separated by white pixels."""
    count, height, width, _ = images.shape
    lines = -(-count // columns)
    grid = np.ones((lines * (height + gap) - gap, columns * (width + gap) - gap, 3))
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        grid[top : top + height, left : left + width] = image
    return grid


def show_image(ax: Axes, image: np.ndarray, interpolation: str | None = None) -> None:
    """Draw an RGB image without ticks."""
    ax.imshow(image, interpolation=interpolation)
    ax.set_xticks([])
    ax.set_yticks([])
