"""Plot of two rows, their reconstructions and their difference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.image_tiles import image_gap, is_image_shape, tile_images, to_rgb
from latentmap.plots.matplotlib_types import Axes, ScalarMappable
from latentmap.plots.reconstruction_plot import MAX_UNNAMED_COLUMNS

_MAX_NAMED_COLUMNS = 12
_PERCENTILE = 99.5  # Absolute differences above this percentile have the deepest colour.
_ROW_COLORS = (style.PALETTE[0], style.PALETTE[6])


def comparison(
    rows: ArrayLike,
    reconstructions: ArrayLike,
    captions: Sequence[str] = ("a", "b"),
    ax: Axes | None = None,
    *,
    column_names: Sequence[str] | None = None,
    column_std: ArrayLike | None = None,
    cell_text: ArrayLike | None = None,
    title: str = "Two rows",
) -> Axes:
    """Draw two rows, their reconstructions and their difference.

    Parameters
    ----------
    rows : array-like of shape (2, ...)
        Images are drawn side by side, with their difference to the right: red where the second is
        brighter. The plot of a table shows the 12 columns that differ most. Rows of more than 64
        numbers without column names are drawn as lines.
    reconstructions : array-like of shape (2, ...)
        The reconstructions of the two rows.
    captions : pair of str
        The names of the two rows.
    ax : matplotlib.axes.Axes, optional
    column_names : sequence of str, optional
    column_std : array-like of shape (n_features,), optional
        The standard deviation of each column of a table, the unit of its difference.
    cell_text : array-like of shape (2, n_features) of str, optional
        The text of each value of a table, by default the numbers.
    title : str

    Raises
    ------
    DataError
        If the arrays are not two rows and their reconstructions.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> images = np.random.default_rng(0).random((2, 8, 8))
    >>> [t.get_text() for t in comparison(images, images, ["me", "you"]).get_xticklabels()]
    ['me', 'you', 'difference']
    """
    pair, decoded_pair = np.asarray(rows), np.asarray(reconstructions)
    if pair.shape != decoded_pair.shape or pair.ndim < 2 or len(pair) != 2 or len(captions) != 2:
        raise DataError(
            "comparison: expected two rows and their reconstructions, of one shape, "
            f"found {pair.shape} and {decoded_pair.shape}"
        )
    ax = style.get_axes(ax, *_figure_size(pair.shape[1:], column_names is not None))
    captions = [style.display_text(caption) for caption in captions]
    if is_image_shape(pair.shape[1:]):
        _draw_images(style.set_titles(ax, title), pair, decoded_pair, captions)
        return style.hide_frame(ax)
    style.set_titles(ax, title, title_pad=26)  # The legend is between the title and the plot.
    pair, decoded_pair = (part.reshape(2, -1).astype(np.float64) for part in (pair, decoded_pair))
    if column_names is None and pair.shape[1] > MAX_UNNAMED_COLUMNS:
        _draw_lines(ax, pair, decoded_pair, captions)
    else:
        names = style.column_names_or_default(column_names, pair.shape[1])
        values = pair if cell_text is None else np.asarray(cell_text, dtype=object)
        _draw_columns(ax, pair, decoded_pair, captions, names, column_std, values)
    legend = ax.legend(
        frameon=False, fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1), borderpad=0
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return style.hide_frame(ax)


def _figure_size(row_shape: tuple[int, ...], has_names: bool = False) -> tuple[float, float]:
    if is_image_shape(row_shape):
        height, width = row_shape[:2]
        return 8.2, 2 * 2.15 * height / width + 0.8
    width = int(np.prod(row_shape))
    if not has_names and width > MAX_UNNAMED_COLUMNS:
        return 8.0, 4.2
    return 8.0, 0.36 * min(width, _MAX_NAMED_COLUMNS) + 1.6


def most_different_columns(rows: ArrayLike, column_std: ArrayLike | None = None) -> np.ndarray:
    """Return the columns in which two rows differ, in descending order of the difference.

    If one of two values is missing (NaN), their difference is 1.
    """
    pair = np.asarray(rows, dtype=np.float64)
    difference = np.abs(_standardize(pair[1] - pair[0], column_std))
    n_missing = np.isnan(pair).sum(axis=0)
    difference = np.where(n_missing > 0, n_missing == 1, difference)
    order = np.argsort(-difference, kind="stable")
    return order[difference[order] > 0]


def _standardize(values: np.ndarray, column_std: ArrayLike | None) -> np.ndarray:
    std = np.asarray(1.0 if column_std is None else column_std, dtype=np.float64)
    return values / np.where(std > 0, std, 1.0)


def _draw_images(
    ax: Axes, rows: np.ndarray, reconstructions: np.ndarray, captions: Sequence[str]
) -> None:
    height, width = rows.shape[1:3]
    gap = image_gap(width)
    differences = np.stack([_image_difference(pair) for pair in (rows, reconstructions)])
    scale = _difference_scale(differences)
    original_images, reconstruction_images = to_rgb(rows, rows), to_rgb(reconstructions, rows)
    difference_tiles = [scale.to_rgba(difference)[..., :3] for difference in differences]
    tiles = np.stack(
        [*original_images, difference_tiles[0], *reconstruction_images, difference_tiles[1]]
    )
    ax.imshow(tile_images(tiles, 3, gap), interpolation="nearest")
    x = [i * (width + gap) + (width - 1) / 2 for i in range(3)]
    ax.set_xticks(x, [*captions, "difference"], parse_math=False)
    y = [i * (height + gap) + (height - 1) / 2 for i in range(2)]
    ax.set_yticks(y, ["original", "reconstruction"])
    ax.xaxis.tick_top()
    ax.title.set_position((0, 1))
    style.add_colorbar(ax, scale, 24, "second row minus first row")


def _image_difference(pair: np.ndarray) -> np.ndarray:
    """Return the second image minus the first, (h, w), averaged over channels."""
    difference = pair[1].astype(np.float64) - pair[0].astype(np.float64)
    return difference if difference.ndim == 2 else difference.mean(axis=2)


def _difference_scale(differences: np.ndarray) -> ScalarMappable:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    sizes = np.abs(differences)
    limit = float(np.percentile(sizes, _PERCENTILE)) or float(sizes.max()) or 1.0
    scale = ScalarMappable(Normalize(-limit, limit), cmap="RdBu_r")
    scale.set_array([])
    return scale


def _draw_columns(
    ax: Axes,
    rows: np.ndarray,
    reconstructions: np.ndarray,
    captions: Sequence[str],
    names: Sequence[str],
    column_std: ArrayLike | None,
    values: np.ndarray,
) -> None:
    """Draw a line for each column, with the values of both rows relative to their mean."""
    order = most_different_columns(rows, column_std)
    columns = (order if len(order) else np.arange(rows.shape[1]))[:_MAX_NAMED_COLUMNS]
    mean = np.nansum(rows, axis=0) / np.maximum((~np.isnan(rows)).sum(axis=0), 1)
    x, x_reconstructions = (
        _standardize(part - mean, column_std)[:, columns] for part in (rows, reconstructions)
    )
    y = np.arange(len(columns))
    ax.hlines(y, *np.sort(x, axis=0), color=style.LIGHT_GREY, linewidth=5)
    for i, color in enumerate(_ROW_COLORS):
        ax.plot(x[i], y, "o", color=color, markersize=7, label=captions[i])
        ax.plot(x_reconstructions[i], y, "o", mec=color, mfc="none", markersize=10)
    ax.plot([], [], "o", mec=style.GREY, mfc="none", markersize=10, label="reconstruction")
    limit = 1.12 * max(np.nanmax(np.abs([x, x_reconstructions]), initial=0.0), 1e-12)
    ax.set_xlim(-limit, limit)
    ax.set_ylim(len(columns) - 0.4, -0.6)
    tick_labels = [style.display_text(names[i]) for i in columns]
    ax.set_yticks(y, tick_labels, parse_math=False, color=style.TEXT_COLOR)
    for line, column in enumerate(columns):
        text = " → ".join(style.value_text(value) for value in values[:, column])
        ax.text(
            1.02,
            line,
            text,
            transform=ax.get_yaxis_transform(),
            fontsize=8,
            va="center",
            parse_math=False,
        )
    unit = "the unit of the column" if column_std is None else "standard deviations of the column"
    ax.set_xlabel(f"difference from the mean of both rows, in {unit}", fontsize=9, color=style.GREY)


def _draw_lines(
    ax: Axes, rows: np.ndarray, reconstructions: np.ndarray, captions: Sequence[str]
) -> None:
    x = np.arange(rows.shape[1])
    ax.fill_between(x, *rows, color=style.LIGHT_GREY, linewidth=0)
    for i, color in enumerate(_ROW_COLORS):
        ax.plot(x, rows[i], color=color, linewidth=1.2, label=captions[i])
        ax.plot(x, reconstructions[i], color=color, linewidth=0.8, linestyle=":")
    ax.plot([], [], color=style.GREY, linewidth=0.8, linestyle=":", label="reconstruction")
    ax.set_xlabel("column", fontsize=9, color=style.GREY)
