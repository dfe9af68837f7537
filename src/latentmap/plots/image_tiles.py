"""Rows that are images: which they are, their tones, and many of them laid out as one."""

from __future__ import annotations

import numpy as np

__all__ = ["are_images", "mosaic", "tone_range", "tones"]

_EXTREMES = (0.5, 99.5)  # percentiles: one glaring pixel shall not dim the others


def are_images(row_shape: tuple[int, ...]) -> bool:
    """Tell whether rows of this shape are (h, w) or (h, w, c)."""
    return len(row_shape) in (2, 3)


def tones(images: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Give images as (n, h, w, 3) in 0–1, black and white being what they are in ``like``.

    Parameters
    ----------
    images, like : ndarray of shape (n, h, w) or (n, h, w, c)
        Three or four channels are colours; of another number the mean is shown, in grey.

    Examples
    --------
    >>> tones(np.full((1, 1, 1), 300.0), np.array([[[0, 255]]], dtype=np.uint8)).tolist()
    [[[[1.0, 1.0, 1.0]]]]
    """
    low, high = tone_range(like)
    scaled = np.clip((images.astype(np.float64) - low) / (high - low), 0, 1)
    if scaled.ndim == 4 and scaled.shape[3] in (3, 4):
        return scaled[..., :3]
    grey = scaled if scaled.ndim == 3 else scaled.mean(axis=3)
    return np.repeat(grey[..., None], 3, axis=3)


def tone_range(like: np.ndarray) -> tuple[float, float]:
    """Tell which number is black in images and which is white.

    Examples
    --------
    >>> tone_range(np.zeros((1, 2, 2), np.uint8)), tone_range(np.linspace(0, 0.9, 9))
    ((0.0, 255.0), (0.0, 1.0))
    """
    if like.dtype == np.uint8:
        return 0.0, 255.0
    low, high = (float(value) for value in np.percentile(like, _EXTREMES))
    if low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def mosaic(images: np.ndarray, columns: int, gap: int = 0) -> np.ndarray:
    """Lay images of shape (n, h, w, 3) out in rows of ``columns``, ``gap`` white pixels between.

    Examples
    --------
    >>> mosaic(np.zeros((6, 4, 5, 3)), columns=3, gap=1).shape
    (9, 17, 3)
    """
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    out = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, 3))
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        out[top : top + height, left : left + width] = image
    return out
