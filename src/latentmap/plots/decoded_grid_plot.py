"""The code plane, decoded: what every region of it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError, SettingError
from latentmap.plots.image_tiles import are_images, mosaic, tones
from latentmap.plots.projection import grid_of, known_codes, view_of, window_of
from latentmap.plots.style import axes_for, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plane"]

_SEEN = 200  # rows that set black and white
_OUTER = (0.5, 99.5)  # percentiles: a few stray codes shall not stretch the picture
_PIXELS, _ACROSS = 896, (14, 28)  # of the picture; images across, fewest and most
_LARGEST = 100  # pixels of an image: more would not be seen
_FAINTEST = 0.08  # ink of what no row is near: enough to tell the shape of the whole


def plane(estimator: Any, codes: Any = None, ax: Axes | None = None, n: int | None = None) -> Axes:
    """Draw the plane of the codes as a grid of decoded images.

    Parameters
    ----------
    estimator : fitted estimator
        Of images: its ``inverse_transform`` gives (n, h, w) or (n, h, w, c).
    codes : array-like of shape (m, n_components), optional
        Codes of rows: the grid spans where they lie. A ``LatentMap`` knows that by itself. Where a
        code has more than two numbers, it is the plane of the codes' first two principal
        components, through their mean; where it has one, the grid is a single row.
    ax : matplotlib.axes.Axes, optional
    n : int, optional
        Images in a row of the grid, and rows: by default 28, or of images wider than 32 pixels
        fewer, down to 14.

    Returns
    -------
    matplotlib.axes.Axes
        Its units are those of the codes. The fewer rows live at a spot, the paler its image: by the
        ``density`` of a ``LatentMap``, else by the codes nearby, where these are many.

    Raises
    ------
    DataError
        If the estimator's rows are no images.
    SettingError
        If ``n`` is below 1, or codes are needed and not given.
    """
    if n is not None and n < 1:
        raise SettingError(f"n: expected at least 1, found {n}")
    codes = known_codes(estimator, codes)
    view = view_of(codes)
    points = view.there(codes)
    window = window_of(points, (0, 100) if hasattr(estimator, "density") else _OUTER)
    seen = _seen(estimator, codes)
    n = n or int(np.clip(_PIXELS / seen.shape[2], *_ACROSS))
    grid = view.back(grid_of(window, n))
    images = _sized(np.asarray(estimator.inverse_transform(grid)))
    cells = _faded(tones(images, seen), _crowd(estimator, grid, points, window))
    ax = axes_for(ax, 7, 7.3 if len(window.T) > 1 else 1.6)
    _show(ax, mosaic(cells, n, gap=1), window)
    y = view.names[1] if len(window.T) > 1 else ""
    return dress(ax, "The code plane, decoded", view.names[0], y)


def _sized(images: np.ndarray) -> np.ndarray:
    """Repeat the pixels of small images, for thin gaps, or average those of large ones."""
    count, height, width = images.shape[:3]
    zoom, step = -(-_ACROSS[1] // height), max(1, min(height, width) // _LARGEST)
    if step == 1:
        return images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    images = images[:, : height // step * step, : width // step * step]
    blocks = images.reshape(count, height // step, step, width // step, step, -1)
    return blocks.mean(axis=(2, 4)).reshape(count, height // step, width // step, *images.shape[3:])


def _faded(cells: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    ink = _FAINTEST + (1 - _FAINTEST) * crowd
    return 1 - ink[:, None, None, None] * (1 - cells)


def _crowd(estimator: Any, grid: np.ndarray, points: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Tell, in 0–1, how many rows live at each place of the grid."""
    if hasattr(estimator, "density"):
        return np.asarray(estimator.density(grid), dtype=np.float64)
    width = points.shape[1]
    if len(points) < len(grid):
        return np.ones(len(grid))  # too few codes to tell
    counts, _ = np.histogramdd(points, round(len(grid) ** (1 / width)), list(window.T))
    near = np.lib.stride_tricks.sliding_window_view(np.pad(counts, 1), (3,) * width)
    sums = near.reshape(*counts.shape, -1).sum(axis=-1)
    sums = sums / np.median(sums[sums > 0])
    return np.minimum(sums if width == 1 else sums.T[::-1], 1).ravel()


def _seen(estimator: Any, codes: np.ndarray) -> np.ndarray:
    """Decode some of the codes themselves: what the corners of the plane hold may be glaring."""
    chosen = np.linspace(0, len(codes) - 1, min(len(codes), _SEEN)).astype(int)
    images = np.asarray(estimator.inverse_transform(codes[chosen]))
    if not are_images(images.shape[1:]):
        found = images.shape[1:]
        raise DataError(f"plane: expected a model of images, found rows of shape {found}")
    return images


def _show(ax: Axes, image: np.ndarray, window: np.ndarray) -> None:
    (left, right), (bottom, top) = window.T if len(window.T) > 1 else (window[:, 0], (0, 1))
    if len(window.T) == 1:
        ax.set_yticks([])
    ax.imshow(image, extent=(left, right, bottom, top))
    # Pixels are square in the picture, whatever the units of the two axes.
    height, width, _ = image.shape
    ax.set_aspect((right - left) / (top - bottom) * height / width)
