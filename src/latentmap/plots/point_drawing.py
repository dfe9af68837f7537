"""Points on an Axes: few as dots, many as a shaded image, so that they never become a blob.

Of more than twenty thousand, dots cover each other, and all that is left of a cluster is its
outline. A fine grid of counts still shows where rows are dense: its colour is the mean of the rows
in a cell, its opacity grows with the logarithm of their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MOST_DOTS", "draw_points"]

MOST_DOTS = 20_000
"""Rows that are drawn as dots of their own."""

_CELLS = 700  # across the picture
_BLUR = 0.7  # cells: a lone row is a soft dot of three by three
_LONE = 0.34  # what the blur leaves in its middle
_FAINTEST = 0.4  # opacity of a row that is alone in its cell


def draw_points(ax: Axes, points: np.ndarray, colors: np.ndarray) -> None:
    """Draw points on an Axes whose limits are set.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    points : ndarray of shape (n, 2)
        Up to 20,000 are dots, in shuffled order, so that no class covers another; and pixels even
        in a .pdf or .svg. More are an image.
    colors : ndarray of shape (n, 3)
        In 0–1.
    """
    if len(points) > MOST_DOTS:
        _shade(ax, points, colors)
    else:
        _dot(ax, points, colors)


def _dot(ax: Axes, points: np.ndarray, colors: np.ndarray) -> None:
    count = len(points)
    order = np.random.default_rng(0).permutation(count)
    ax.scatter(
        points[order, 0],
        points[order, 1],
        c=colors[order],
        s=np.clip(420 / np.sqrt(count), 2, 50),
        alpha=np.clip(85 / np.sqrt(count), 0.3, 0.85),
        linewidths=0,
        rasterized=True,
    )


def _shade(ax: Axes, points: np.ndarray, colors: np.ndarray) -> None:
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    low, high = np.array([left, bottom]), np.array([right, top])
    column, row = np.clip(((points - low) / (high - low) * _CELLS).astype(int), 0, _CELLS - 1).T
    image = shaded(row * _CELLS + column, colors, _CELLS)
    ax.imshow(image, extent=(left, right, bottom, top), origin="lower", aspect=ax.get_aspect())


def shaded(cells: np.ndarray, colors: np.ndarray, side: int) -> np.ndarray:
    """Blend rows that share cells.

    Parameters
    ----------
    cells : ndarray of shape (n,), int
        The cell of each row, counted row by row.
    colors : ndarray of shape (n, 3)
    side : int
        Cells across and down.

    Returns
    -------
    ndarray of shape (side, side, 4)
        Red, green, blue and opacity in 0–1.

    Examples
    --------
    >>> image = shaded(np.array([0, 0, 1]), np.array([[1.0, 0, 0]] * 3), 2)
    >>> bool(image[0, 0, 3] > image[0, 1, 3] > 0)
    True
    """
    from scipy.ndimage import gaussian_filter

    def soft(weights: np.ndarray | None = None) -> np.ndarray:
        counts = np.bincount(cells, weights, side**2).reshape(side, side).astype(float)
        return gaussian_filter(counts, _BLUR, radius=1, mode="constant")

    count = soft()
    taken = count > 0
    tints = [soft(part) / np.where(taken, count, 1) for part in colors.T]
    crowd = np.log1p(count / count[taken].mean())
    crowd = np.clip(crowd / np.percentile(crowd[taken], 99.5), 0, 1)
    edge = np.minimum(count / _LONE, 1)
    return np.clip(np.dstack([*tints, edge * (_FAINTEST + (1 - _FAINTEST) * crowd)]), 0, 1)
