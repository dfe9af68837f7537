"""Drawing of points: as dots, or as an image of their density if there are many."""

from typing import Any

import numpy as np

from latentmap.plots.matplotlib_types import Axes

MAX_DOTS = 20_000

_GRID_SIDE = 700
_SMOOTHING = 0.7  # Standard deviation of the filter in cells; a single row covers 3 × 3 cells.
_SINGLE_ROW_PEAK = 0.34  # Smoothed count in the centre of a single row.
_MIN_OPACITY = 0.4  # Opacity of a cell with a single row.


def draw_points(
    ax: Axes, points: np.ndarray, colors: np.ndarray, is_hollow: np.ndarray | None = None
) -> None:
    """Draw points as dots in random order, or as an image if there are more than 20,000.

    Dots are circles without a filling where ``is_hollow`` is true; an image does not show this.
    """
    if len(points) > MAX_DOTS:
        _draw_image(ax, points, colors)
    else:
        is_hollow = np.zeros(len(points), bool) if is_hollow is None else is_hollow
        _draw_dots(ax, points, colors, is_hollow)


def _draw_dots(ax: Axes, points: np.ndarray, colors: np.ndarray, is_hollow: np.ndarray) -> None:
    count = len(points)
    order = np.random.default_rng(0).permutation(count)
    size = float(np.clip(420 / np.sqrt(count), 2, 50))
    alpha = float(np.clip(85 / np.sqrt(count), 0.3, 0.85))
    style: dict[str, Any] = {"s": size, "alpha": alpha, "rasterized": True}
    filled, hollow = (order[is_hollow[order] == value] for value in (False, True))
    ax.scatter(points[filled, 0], points[filled, 1], c=colors[filled], linewidths=0, **style)
    if len(hollow):
        width = max(0.6, size**0.5 / 6)
        edges: dict[str, Any] = {
            "facecolors": "none",
            "edgecolors": colors[hollow],
            "linewidths": width,
        }
        ax.scatter(points[hollow, 0], points[hollow, 1], **edges, **style)


def _draw_image(ax: Axes, points: np.ndarray, colors: np.ndarray) -> None:
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    low, high = np.array([left, bottom]), np.array([right, top])
    cells = ((points - low) / (high - low) * _GRID_SIDE).astype(int)
    column, line = np.clip(cells, 0, _GRID_SIDE - 1).T
    image = blend_points(line * _GRID_SIDE + column, colors, _GRID_SIDE)
    ax.imshow(image, extent=(left, right, bottom, top), origin="lower", aspect=ax.get_aspect())


def blend_points(cells: np.ndarray, colors: np.ndarray, side: int) -> np.ndarray:
    """Return an RGBA image with the mean colour and the density of the rows in each cell."""
    from scipy.ndimage import gaussian_filter

    def smooth_sum(weights: np.ndarray | None = None) -> np.ndarray:
        counts = np.bincount(cells, weights, side**2).reshape(side, side).astype(float)
        return gaussian_filter(counts, _SMOOTHING, radius=1, mode="constant")

    count = smooth_sum()
    is_occupied = count > 0
    means = [smooth_sum(channel) / np.where(is_occupied, count, 1) for channel in colors.T]
    density = np.log1p(count / count[is_occupied].mean())
    density = np.clip(density / np.percentile(density[is_occupied], 99.5), 0, 1)
    edge = np.minimum(count / _SINGLE_ROW_PEAK, 1)
    opacity = edge * (_MIN_OPACITY + (1 - _MIN_OPACITY) * density)
    return np.clip(np.dstack([*means, opacity]), 0, 1)
