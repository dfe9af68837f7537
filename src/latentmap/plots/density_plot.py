"""Plot of the density of rows on a map."""

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.model_info import as_map
from latentmap.errors import DataError, SettingError
from latentmap.plots import style
from latentmap.plots.class_labels import draw_class_names
from latentmap.plots.label_encoding import LabelEncoding
from latentmap.plots.matplotlib_types import Axes
from latentmap.plots.projection import Projection, bounding_region, codes_or_landmarks, grid_centers

_GRID_SIDE = 240
_COLORS = ("#ffffff", "#dfeaf5", "#b9d2e9", "#8fb6da", "#6a9bcb")
_CONTOUR_LEVELS = (0.05, 0.2, 0.4, 0.6, 0.8)


def density(
    estimator: object,
    codes: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the density of a map with contour lines and the names of classes.

    Parameters
    ----------
    estimator : LatentMap
        Fitted, with two components; its ``density`` is drawn.
    codes : array-like of shape (m, 2), optional
        Codes of rows, which determine the region; by default the landmarks of the map.
    labels : array-like of shape (m,), optional
        Labels of those codes. Up to 60 classes are named. A measured value is not drawn.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        White where the density is 0, dark where it is 1.

    Raises
    ------
    DataError
        If the codes do not have two components, or there is not one label for each code.
    SettingError
        If the estimator is not a map, or labels are given without codes.
    """
    from matplotlib.colors import LinearSegmentedColormap

    fitted_map = as_map(estimator)
    if fitted_map is None:
        raise SettingError(f"density: expected a LatentMap, found {type(estimator).__name__}")
    if codes is None and labels is not None:
        raise SettingError("codes: expected the codes that the labels belong to, found none")
    codes = codes_or_landmarks(estimator, codes)
    if codes.shape[1] != 2:
        raise DataError(f"density: expected codes of 2 components, found {codes.shape[1]}")
    encoding = LabelEncoding(labels, len(codes))
    region = bounding_region(codes)
    grid = grid_centers(region, _GRID_SIDE)
    values = np.asarray(fitted_map.density(grid)).reshape(_GRID_SIDE, _GRID_SIDE)
    ax = style.set_titles(
        style.get_axes(ax, 7, 7.3), "Density of rows", *Projection.fit(codes).names
    )
    style.set_limits(ax, region)
    ax.imshow(
        values,
        extent=(*region[:, 0], *region[:, 1]),
        cmap=LinearSegmentedColormap.from_list("density", _COLORS),
        vmin=0,
        vmax=1,
        aspect=ax.get_aspect(),
    )
    x, y = grid.reshape(_GRID_SIDE, _GRID_SIDE, 2).transpose(2, 0, 1)
    ax.contour(x, y, values, _CONTOUR_LEVELS, colors="#2c5a8f", linewidths=0.5, alpha=0.6)
    if encoding.names:
        draw_class_names(ax, codes, encoding, style.TEXT_COLOR)
    return ax
