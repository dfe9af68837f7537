"""The code plane, decoded: what every region of it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError, SettingError
from latentmap.plots.images import are_images, mosaic, tones
from latentmap.plots.look import axes_for, dress
from latentmap.plots.projection import View, as_codes, view_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plane"]

_SEEN = 200  # rows that set black and white
_OUTER = (0.5, 99.5)  # percentiles: a few stray codes shall not stretch the picture


def plane(estimator: Any, codes: Any, ax: Axes | None = None, n: int = 20) -> Axes:
    """Draw the plane of the codes as a grid of decoded images.

    Parameters
    ----------
    estimator : fitted estimator
        Of images: its ``inverse_transform`` gives (n, h, w) or (n, h, w, c).
    codes : array-like of shape (m, n_components)
        Codes of rows: the grid spans where they lie. Where a code has more than two numbers, it is
        the plane of the codes' first two principal components, through their mean; where it has
        one, the grid is a single row.
    ax : matplotlib.axes.Axes, optional
    n : int
        Images in a row of the grid, and rows.

    Returns
    -------
    matplotlib.axes.Axes
        Its units are those of the codes. Where the codes are many, the images are pale that no code
        lies near.

    Raises
    ------
    DataError
        If the estimator's rows are no images.
    SettingError
        If ``n`` is below 1.
    """
    if n < 1:
        raise SettingError(f"n: expected at least 1, found {n}")
    codes = as_codes(codes)
    view = view_of(codes)
    low, high = _span(view.there(codes))
    centers = [_centers(*ends, n) for ends in zip(low, high, strict=True)]
    cells = tones(_decoded(estimator, view, centers), _seen(estimator, codes))
    _fade(cells, _empty(view.there(codes), low, high, n))
    ax = axes_for(ax, 7, 7 if len(low) > 1 else 1.6)
    _show(ax, mosaic(cells, n, gap=max(1, cells.shape[1] // 14)), low, high)
    y = view.names[1] if len(low) > 1 else ""
    return dress(ax, "The code plane, decoded", view.names[0], y)


def _empty(points: np.ndarray, low: np.ndarray, high: np.ndarray, n: int) -> np.ndarray:
    """Tell of each cell, in the order of `_decoded`, whether no code lies in or beside it."""
    if len(points) < n ** points.shape[1]:
        return np.zeros(n ** points.shape[1], dtype=bool)  # too few codes to tell
    counts, _ = np.histogramdd(points, n, list(zip(low, high, strict=True)))
    padded = np.pad(counts, 1)
    near = np.lib.stride_tricks.sliding_window_view(padded, (3,) * counts.ndim)
    sums = near.reshape(*counts.shape, -1).sum(axis=-1)
    return (sums if sums.ndim == 1 else sums.T[::-1]).ravel() == 0


def _fade(cells: np.ndarray, empty: np.ndarray) -> None:
    cells[empty] = 1 - 0.3 * (1 - cells[empty])


def _seen(estimator: Any, codes: np.ndarray) -> np.ndarray:
    """Decode some of the codes themselves: what the corners of the plane hold may be glaring."""
    chosen = np.linspace(0, len(codes) - 1, min(len(codes), _SEEN)).astype(int)
    return np.asarray(estimator.inverse_transform(codes[chosen]))


def _span(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.percentile(points, _OUTER, axis=0)
    flat = np.where(high > low, 0.0, 0.5)  # all codes in one place
    return low - flat, high + flat


def _centers(low: float, high: float, n: int) -> np.ndarray:
    return low + (np.arange(n) + 0.5) * (high - low) / n


def _decoded(estimator: Any, view: View, centers: list[np.ndarray]) -> np.ndarray:
    if len(centers) == 1:
        points = centers[0][:, None]
    else:
        # The first row of a picture is its top: there the second number is greatest.
        x, y = np.meshgrid(centers[0], centers[1][::-1])
        points = np.column_stack([x.ravel(), y.ravel()])
    rows = np.asarray(estimator.inverse_transform(view.back(points)))
    if not are_images(rows.shape[1:]):
        raise DataError(f"plane: expected a model of images, found rows of shape {rows.shape[1:]}")
    return rows


def _show(ax: Axes, image: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    bottom, top = (low[1], high[1]) if len(low) > 1 else (0.0, 1.0)
    if len(low) == 1:
        ax.set_yticks([])
    ax.imshow(image, extent=(low[0], high[0], bottom, top))
    # Pixels are square in the picture, whatever the units of the two axes.
    height, width, _ = image.shape
    ax.set_aspect((high[0] - low[0]) / (top - bottom) * height / width)
