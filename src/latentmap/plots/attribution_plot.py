"""Plot of rows, their expected values, and the attribution of the difference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.image_tiles import image_gap, is_image_shape, show_image, tile_images, to_rgb
from latentmap.plots.matplotlib_types import Axes

_ABOVE_COLOR, _BELOW_COLOR = style.PALETTE[2], style.PALETTE[0]
_MAX_IMAGES_IN_ONE_LINE = 10
_MAX_BARS = 3
_GAP, _CAPTION = 1 / 14, 0.42  # Heights relative to that of an image.
_TITLE = "Highest outlier scores; red: above the expected value, blue: below"
_NO_DIFFERENCE = "all known values are as expected: the code of the row is unusual"
_TITLE_WITH_CATEGORIES = (
    "Highest outlier scores; red: too high, blue: too low, grey: other category"
)
_TITLE_INCHES = 6.0
_LAYERS = ("original", "expected", "attribution")


def attribution(
    rows: ArrayLike,
    expected: ArrayLike,
    attributions: ArrayLike,
    captions: Sequence[str],
    ax: Axes | None = None,
    column_names: Sequence[str] | None = None,
    *,
    is_ordered: ArrayLike | None = None,
) -> Axes:
    """Draw rows, their expected values, and the share of each value in the outlier score.

    Parameters
    ----------
    rows, expected : array-like of shape (n, ...)
        Rows and their expected values: numbers in the units of the data, or texts. Images are drawn
        ten to a line: the original, the expected image, and a heat map of the attributions. For
        other rows, the three columns with the largest attribution are named, with both values.
    attributions : array-like of shape (n, ...)
        Numbers from −1 to 1, as ``latentmap.analysis.attribute`` returns them.
    captions : sequence of str
        One for each row.
    ax : matplotlib.axes.Axes, optional
    column_names : sequence of str, optional
    is_ordered : array-like of shape (d,) of bool, optional
        Whether the values of a column have an order. By default all columns have one. Bars of
        columns without an order, such as categories, are grey.

    Raises
    ------
    DataError
        If the arrays differ in shape, there is no row, or there is not one caption for each row.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> ax = attribution(
    ...     [[1.0, 5.0]], [[1.0, 2.0]], [[0.0, 1.0]], ["row 7"], column_names=["a", "b"]
    ... )
    >>> [text.get_text() for text in ax.texts]
    ['b: 5, expected 2']
    """
    layers = [np.asarray(layer) for layer in (rows, expected, attributions)]
    shapes = [layer.shape for layer in layers]
    shape = shapes[0]
    if shapes != [shape] * 3 or len(shape) < 2 or not shape[0] == len(captions) > 0:
        raise DataError(
            "attribution: expected rows, expected values and attributions of one shape and a "
            f"caption for each row, at least one, found {shapes} and {len(captions)} captions"
        )
    ax = style.get_axes(ax, *_figure_size(shape))
    captions = [style.display_text(caption) for caption in captions]
    if is_image_shape(shape[1:]):
        return _draw_images(ax, layers, captions)
    layers = [layer.reshape(len(layer), -1) for layer in layers]
    names = style.column_names_or_default(column_names, layers[0].shape[1])
    have_order = np.ones(len(names), bool) if is_ordered is None else np.asarray(is_ordered, bool)
    return _draw_columns(ax, layers, captions, names, have_order)


def _figure_size(shape: tuple[int, ...]) -> tuple[float, float]:
    if not is_image_shape(shape[1:]):
        return 8.0, 0.52 * shape[0] + 0.9
    columns = min(shape[0], _MAX_IMAGES_IN_ONE_LINE)
    lines = -(-shape[0] // _MAX_IMAGES_IN_ONE_LINE)
    line = (3 * (1 + _GAP) + _CAPTION) * shape[1] / shape[2]
    return max(columns + 1.0, _TITLE_INCHES), lines * line * columns / (columns + 0.5) + 0.45


def _draw_images(ax: Axes, layers: Sequence[np.ndarray], captions: Sequence[str]) -> Axes:
    rows, expected, attributions = layers
    (count, height, width), columns = rows.shape[:3], min(len(rows), _MAX_IMAGES_IN_ONE_LINE)
    gap, caption_height = image_gap(height), max(4, round(height * _CAPTION))
    line_height = 3 * (height + gap) + caption_height
    rgb_layers = (to_rgb(rows, rows), to_rgb(expected, rows), _heat_map(attributions))
    cells = np.ones((count, line_height - gap, width, 3))
    for i, layer in enumerate(rgb_layers):
        start = caption_height + i * (height + gap)
        cells[:, start : start + height] = layer
    canvas = tile_images(cells, columns, gap)
    for i, caption in enumerate(captions):
        top, left = i // columns * line_height + caption_height, i % columns * (width + gap)
        style.add_text(ax, left + width / 2, top - gap, caption, size=7.5, va="bottom")
    show_image(ax, canvas, "nearest" if height < 100 else None)
    top_edges = np.arange(caption_height, len(canvas), line_height)
    centers = top_edges[:, None] + np.arange(3) * (height + gap) + height / 2
    ax.set_yticks(centers.ravel(), _LAYERS * len(top_edges))
    return style.hide_frame(style.set_titles(ax, _TITLE))


def _heat_map(attributions: np.ndarray) -> np.ndarray:
    """Return attributions, summed over channels, as RGB: red if positive, blue if negative."""
    from matplotlib.colors import to_rgb as color_to_rgb

    sums = attributions if attributions.ndim == 3 else attributions.sum(axis=3)
    max_sum = np.abs(sums).max(axis=(1, 2), keepdims=True)
    saturation = np.sqrt(np.abs(sums) / np.where(max_sum > 0, max_sum, 1))[..., None]
    above_color, below_color = color_to_rgb(_ABOVE_COLOR), color_to_rgb(_BELOW_COLOR)
    return 1 - saturation * (1 - np.where(sums[..., None] > 0, above_color, below_color))


def _draw_columns(
    ax: Axes,
    layers: Sequence[np.ndarray],
    captions: Sequence[str],
    names: Sequence[str],
    is_ordered: np.ndarray,
) -> Axes:
    rows, expected, attributions = layers
    for line, shares in enumerate(attributions):
        largest_shares = np.argsort(-np.abs(shares), kind="stable")[:_MAX_BARS]
        for i, column in enumerate(largest_shares[shares[largest_shares] != 0]):
            y = line + 0.27 * (i - 1)
            color = _ABOVE_COLOR if shares[column] > 0 else _BELOW_COLOR
            color = color if is_ordered[column] else style.GREY
            ax.barh(y, abs(shares[column]), height=0.2, color=color, alpha=0.85)
            value, expected_value = (
                style.value_text(part[line, column]) for part in (rows, expected)
            )
            values = f"{value}, expected {expected_value}"
            text = f"{style.display_text(names[column])}: {values}"
            style.add_text(ax, 1.03, y, text, size=7.5, ha="left")
        if not np.any(shares):
            style.add_text(ax, 0.0, line, _NO_DIFFERENCE, style.GREY, 7.5, ha="left")
        ax.axhline(line + 0.5, color=style.LIGHT_GREY, linewidth=0.6)
    title = _TITLE if is_ordered.all() else _TITLE_WITH_CATEGORIES
    return _style_columns(ax, captions, title)


def _style_columns(ax: Axes, captions: Sequence[str], title: str) -> Axes:
    from matplotlib.ticker import PercentFormatter

    style.set_titles(ax, title)
    ax.set_xlim(0, 2.1)
    ax.set_ylim(len(captions) - 0.5, -0.5)
    ax.set_xticks([0, 0.5, 1])
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel("share of the squared error of the row", fontsize=9, color=style.GREY, loc="left")
    ax.set_yticks(range(len(captions)), captions, parse_math=False)
    ax.tick_params(axis="y", labelsize=8.5, colors=style.TEXT_COLOR, length=0)
    ax.spines[:].set_visible(False)
    return ax
