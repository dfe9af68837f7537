"""How much data lives where on the plane of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError, SettingError
from latentmap.plots.class_labels import name_classes
from latentmap.plots.label_encoding import Tags
from latentmap.plots.projection import grid_of, known_codes, view_of, window_of
from latentmap.plots.style import INK, axes_for, dress, frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["density"]

_SIDE = 240  # spots across
_LAND = ("#ffffff", "#dfeaf5", "#b9d2e9", "#8fb6da", "#6a9bcb")
_HEIGHTS = (0.05, 0.2, 0.4, 0.6, 0.8)


def density(estimator: Any, codes: Any = None, labels: Any = None, ax: Axes | None = None) -> Axes:
    """Draw the density of a map's plane as a landscape, with the names of classes on it.

    Parameters
    ----------
    estimator : LatentMap
        Fitted, of two components; its ``density`` is drawn.
    codes : array-like of shape (m, 2), optional
        Codes of rows: the picture spans where they lie. The map knows that by itself.
    labels : array-like of shape (m,), optional
        Of those codes: up to 60 classes are named. A measured value is not shown.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        White where nothing lives, dark in the thick of the fitted rows.

    Raises
    ------
    DataError
        If codes are not two numbers each, or the labels are not one a code.
    SettingError
        If the estimator is no map, or there are labels without codes.
    """
    from matplotlib.colors import LinearSegmentedColormap

    if not hasattr(estimator, "density"):
        raise SettingError(f"density: expected a LatentMap, found {type(estimator).__name__}")
    if codes is None and labels is not None:
        raise SettingError("labels: expected the codes that they belong to, found none")
    codes = known_codes(estimator, codes)
    if codes.shape[1] != 2:
        raise DataError(f"density: expected codes of 2 numbers, found {codes.shape[1]}")
    tags = Tags(labels, len(codes))
    window = window_of(codes)
    spots = grid_of(window, _SIDE)
    heights = np.asarray(estimator.density(spots)).reshape(_SIDE, _SIDE)
    ax = dress(axes_for(ax, 7, 7.3), "How much data lives where", *view_of(codes).names)
    land = LinearSegmentedColormap.from_list("land", _LAND)
    frame(ax, window)
    x, y = spots.reshape(_SIDE, _SIDE, 2).transpose(2, 0, 1)
    ax.imshow(
        heights,
        extent=(*window[:, 0], *window[:, 1]),
        cmap=land,
        vmin=0,
        vmax=1,
        aspect=ax.get_aspect(),
    )
    ax.contour(x, y, heights, _HEIGHTS, colors="#2c5a8f", linewidths=0.5, alpha=0.6)
    if tags.names:
        name_classes(ax, codes, tags, INK)
    return ax
