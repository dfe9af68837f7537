"""Plot of rows and their reconstructions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.image_tiles import image_gap, is_image_shape, show_image, tile_images, to_rgb
from latentmap.plots.matplotlib_types import Axes

_TITLE = "Rows and their reconstructions"
_NAMES = ("original", "reconstruction")
_LINE_COLORS = (style.TEXT_COLOR, style.PALETTE[6])
_BAR_COLOR = "#c9d6e2"
_MAX_BARS = 12
_CELL_INCHES, _CELL_WIDTH, _MAX_CELL_CHARACTERS = 1.15, 0.8, 17
_MAX_NAME_CHARACTERS = 14  # Names of images have a font of 8 points, and an image has .95 inches.
_MAX_DEVIATIONS = 3.0  # Positions farther from the mean are drawn at the edge of a cell.
MAX_UNNAMED_COLUMNS = 64  # Longer rows without column names are drawn as lines.
_MAX_LABEL_CHARACTERS = 80  # Column names with more characters in total are rotated.


def reconstructions(
    originals: ArrayLike,
    reconstructions: ArrayLike,
    ax: Axes | None = None,
    column_names: Sequence[str] | None = None,
    cell_text: tuple[ArrayLike, ArrayLike] | None = None,
    row_names: Sequence[str] | None = None,
) -> Axes:
    """Draw rows and their reconstructions.

    Parameters
    ----------
    originals : array-like of shape (n, ...)
        About ten rows. Images are drawn in a line above their reconstructions. Other rows are drawn
        one below the other: with bars for the original and dots for the reconstruction, each column
        scaled to its own range, and only the 12 columns of greatest variance. Rows of more than 64
        numbers without column names are drawn as lines.
    reconstructions : array-like of shape (n, ...)
        The reconstruction of each row.
    ax : matplotlib.axes.Axes, optional
    column_names : sequence of str, optional
    cell_text : pair of array-like of shape (n, d) of str, optional
        The values of a table and of their reconstructions as text, which is written into a cell for
        each value of the first 12 columns. The numbers of ``originals`` and ``reconstructions`` are
        then positions in standard deviations from the mean of a column; NaN is not drawn.
    row_names : sequence of str, optional
        The name of each row, by default "row 0", "row 1" and so on. Images have no names by
        default.

    Raises
    ------
    DataError
        If the two arrays differ in shape, or there is no row.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> images = np.random.default_rng(0).random((5, 8, 8))
    >>> [t.get_text() for t in reconstructions(images, images).get_yticklabels()]
    ['original', 'reconstruction']
    """
    rows, decoded_rows = np.asarray(originals), np.asarray(reconstructions)
    if rows.shape != decoded_rows.shape or rows.ndim < 2 or len(rows) < 1:
        raise DataError(
            f"reconstructions: expected reconstructions of the shape of the rows, {rows.shape}, "
            f"found {decoded_rows.shape}"
        )
    if row_names is not None and len(row_names) != len(rows):
        raise DataError(f"row_names: expected {len(rows)} names, found {len(row_names)}")
    if is_image_shape(rows.shape[1:]):
        height = 1.9 * rows.shape[1] / rows.shape[2] + 0.75
        ax = style.get_axes(ax, 0.95 * len(rows) + 1.1, height)
        return _draw_images(rows, decoded_rows, ax, row_names)
    row_names = [f"row {i}" for i in range(len(rows))] if row_names is None else row_names
    rows, decoded_rows = (
        part.reshape(len(part), -1).astype(float) for part in (rows, decoded_rows)
    )
    if cell_text is not None:
        width = _CELL_INCHES * min(rows.shape[1], _MAX_BARS) + 1.2
        cells = [np.asarray(part, dtype=object) for part in cell_text]
        ax = style.get_axes(ax, max(width, 5.0), 0.72 * len(rows) + 1.3)
        cell_names = style.column_names_or_default(column_names, rows.shape[1])
        _draw_cells((rows, decoded_rows), cells, ax, cell_names[:_MAX_BARS])
        return _name_rows(ax, row_names)
    ax = style.get_axes(ax, 8, 0.6 * len(rows) + 1.8)
    if column_names is None and rows.shape[1] > MAX_UNNAMED_COLUMNS:
        return _name_rows(_draw_lines(rows, decoded_rows, ax), row_names)
    names = range(rows.shape[1]) if column_names is None else column_names
    return _name_rows(_draw_bars(rows, decoded_rows, ax, names), row_names)


def _name_rows(ax: Axes, names: Sequence[str]) -> Axes:
    """Write the name of each row on the left."""
    ax.set_yticks(range(len(names)), [style.display_text(name) for name in names], parse_math=False)
    ax.tick_params(axis="y", labelsize=8, colors=style.TEXT_COLOR, length=0)
    return ax


def _draw_images(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    ax: Axes,
    names: Sequence[str] | None,
) -> Axes:
    count, height = originals.shape[:2]
    gap = image_gap(height)
    images = np.concatenate([to_rgb(originals, originals), to_rgb(reconstructions, originals)])
    show_image(ax, tile_images(images, count, gap))
    ax.set_yticks([height / 2 - 0.5, height * 1.5 + gap - 0.5], _NAMES)
    if names is not None:
        width = originals.shape[2]
        x = np.arange(count) * (width + gap) + width / 2 - 0.5
        ax.set_xticks(x, [_wrap_name(name) for name in names], parse_math=False)
        ax.tick_params(axis="x", labelsize=8, length=0)
    return style.hide_frame(style.set_titles(ax, _TITLE))


def _wrap_name(name: str) -> str:
    """Break a name after its first word, and shorten both lines to the width of an image."""
    parts = name.split(maxsplit=1)
    return "\n".join(style.display_text(part, _MAX_NAME_CHARACTERS) for part in parts)


def _draw_bars(
    originals: np.ndarray, reconstructions: np.ndarray, ax: Axes, names: Sequence[object]
) -> Axes:
    originals, reconstructions = _scale_columns(originals, reconstructions)
    columns = np.sort(np.argsort(-originals.var(axis=0), kind="stable")[:_MAX_BARS])
    x = np.arange(len(columns))
    for line in range(len(originals)):
        bar, dot = _NAMES if line == 0 else (None, None)
        dot_heights = line - 0.75 * reconstructions[line, columns]
        ax.hlines(line, -0.5, len(columns) - 0.5, color=style.LIGHT_GREY, linewidth=0.6)
        heights = -0.75 * originals[line, columns]
        ax.bar(x, heights, bottom=line, width=0.55, color=_BAR_COLOR, label=bar)
        ax.plot(x, dot_heights, "o", color=style.PALETTE[6], markersize=4.5, label=dot)
    tick_labels = [style.display_text(names[i]) for i in columns]
    is_long = max(map(len, tick_labels)) * len(tick_labels) > _MAX_LABEL_CHARACTERS
    style.label_columns(ax, tick_labels, rotation=35 if is_long else 0)
    return _finish_lines(
        ax, len(originals), "height: from the smallest to the largest value of the column"
    )


def _draw_cells(
    positions: tuple[np.ndarray, np.ndarray],
    cell_text: Sequence[np.ndarray],
    ax: Axes,
    names: Sequence[str],
) -> Axes:
    """Write each value above its reconstruction, and draw both positions below the text."""
    n_rows, n_columns = len(positions[0]), len(names)
    x = np.arange(n_columns)
    for line in range(n_rows):
        ax.hlines(line + 0.5, -0.5, n_columns - 0.5, color=style.LIGHT_GREY, linewidth=0.6)
        original, reconstruction = (
            np.clip(part[line, :n_columns] / _MAX_DEVIATIONS, -1, 1) * _CELL_WIDTH / 2
            for part in positions
        )
        y = line + 0.32
        is_known = ~np.isnan(reconstruction)
        ax.hlines(
            np.full(is_known.sum(), y), x[is_known] - 0.4, x[is_known] + 0.4, color=style.LIGHT_GREY
        )
        ax.barh(y, original, left=x, height=0.14, color=_BAR_COLOR)
        ax.plot(
            x + reconstruction, np.full(n_columns, y), "o", color=_LINE_COLORS[1], markersize=3.5
        )
        for column in range(n_columns):
            for part, shift, color in zip(cell_text, (-0.3, 0.0), _LINE_COLORS, strict=True):
                text = style.display_text(part[line, column], _MAX_CELL_CHARACTERS)
                style.add_text(ax, column, line + shift, text, color, 7.5)
    style.label_columns(ax, [style.display_text(name, 18) for name in names], rotation=0)
    ax.bar([0], [0], color=_BAR_COLOR, label=_NAMES[0])
    ax.plot([], [], "o", color=_LINE_COLORS[1], markersize=4, label=_NAMES[1])
    ax.set_xlim(-0.55, n_columns - 0.45)
    _finish_lines(ax, n_rows, f"grey lines: mean ± {_MAX_DEVIATIONS:g} standard deviations")
    ax.set_ylim(n_rows - 0.45, -0.6)
    return ax


def _scale_columns(
    originals: np.ndarray, reconstructions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scale each column of both arrays to 0–1, because columns have different units."""
    values = np.concatenate([originals, reconstructions])
    low, width = values.min(axis=0), np.ptp(values, axis=0)
    width = np.where(width > 0, width, 1.0)
    return (originals - low) / width, (reconstructions - low) / width


def _draw_lines(originals: np.ndarray, reconstructions: np.ndarray, ax: Axes) -> Axes:
    values = np.concatenate([originals, reconstructions])
    low, width = values.min(), max(float(np.ptp(values)), 1e-300)
    for line, pair in enumerate(zip(originals, reconstructions, strict=True)):
        for row, color, name in zip(pair, _LINE_COLORS, _NAMES, strict=True):
            heights = line - 0.75 * (row - low) / width
            ax.plot(heights, color=color, linewidth=1, label=None if line else name)
    return _finish_lines(ax, len(originals), "column")


def _finish_lines(ax: Axes, count: int, x_label: str) -> Axes:
    ax.set_ylim(count - 0.9, -1)
    ax.set_yticks([])
    style.set_titles(ax, _TITLE, x_label)
    ax.legend(
        frameon=False, fontsize=9, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), reverse=True
    )
    return style.hide_frame(ax)
