"""Plot of rows: images in a grid, other rows in a table with shaded cells."""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.number_checks import check_number
from latentmap.plots import style
from latentmap.plots.image_tiles import image_gap, is_image_shape, show_image, tile_images, to_rgb
from latentmap.plots.matplotlib_types import Axes

_MAX_IMAGES_IN_ONE_LINE = 12
_MAX_NAMED_COLUMNS = 12
_MAX_WRITTEN_ROWS = 30  # The cells of longer tables are shaded but not labelled.
_SHADES = ("#ffffff", "#8fb6da")  # The darker colour is light enough for text.


def rows(
    X: ArrayLike,
    ax: Axes | None = None,
    title: str = "",
    column_names: Sequence[str] | None = None,
    columns: int | None = None,
    cell_text: ArrayLike | None = None,
) -> Axes:
    """Draw rows in their order.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Images are drawn in a grid, line by line. Other rows are drawn as a table, in which each
        column is shaded from its minimum to its maximum. With names, only the 12 columns with the
        greatest coefficient of variation are drawn.
    ax : matplotlib.axes.Axes, optional
    title : str
    column_names : sequence of str, optional
    columns : int, optional
        Number of images in a line. By default up to 12 images are in one line, and more are in a
        grid that is about side.
    cell_text : array-like of shape (n, d) of str, optional
        The text of each value, by default the numbers. The first 12 columns are then drawn.
        Cells with NaN are not shaded.

    Raises
    ------
    DataError
        If there is no row.
    SettingError
        If ``columns`` is below 1.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> rows(np.random.default_rng(0).random((16, 8, 8))).get_images()[0].get_array().shape
    (35, 35, 3)
    """
    array = np.asarray(X)
    if array.ndim < 2 or len(array) < 1:
        raise DataError(f"rows: expected at least one row, shape (n, ...), found {array.shape}")
    if columns is not None:
        check_number("columns", columns, Integral, 1)
    ax = style.get_axes(ax, *_figure_size(array.shape))
    if not is_image_shape(array.shape[1:]):
        numbers = array.reshape(len(array), -1).astype(float)
        cells = numbers if cell_text is None else np.asarray(cell_text, dtype=object)
        return _draw_table(numbers, cells, ax, title, column_names)
    images, gap = to_rgb(array, array), image_gap(array.shape[1])
    show_image(ax, tile_images(images, columns or grid_columns(len(array)), gap))
    return style.hide_frame(style.set_titles(ax, title))


def grid_columns(count: int) -> int:
    """Return the number of columns of a grid of images."""
    if count <= _MAX_IMAGES_IN_ONE_LINE:
        return count
    side = int(np.ceil(np.sqrt(count)))
    full_grids = (columns for columns in range(side, 2 * side) if count % columns == 0)
    return next(full_grids, side)


def _figure_size(shape: tuple[int, ...]) -> tuple[float, float]:
    count, height = shape[:2]
    if not is_image_shape(shape[1:]):
        return 8.0, 0.28 * count + 1.8
    columns = grid_columns(count)
    width = min(max(0.75 * columns, 4.0), 12.0)
    return width, width / columns * height / shape[2] * -(-count // columns) + 0.38


def _draw_table(
    X: np.ndarray, cells: np.ndarray, ax: Axes, title: str, names: Sequence[str] | None
) -> Axes:
    from matplotlib.colors import LinearSegmentedColormap

    if names is None and X.shape[1] <= _MAX_NAMED_COLUMNS:
        names = [f"{i}" for i in range(X.shape[1])]
    if names is not None:
        is_text = cells.dtype == object
        columns = np.arange(X.shape[1]) if is_text else _most_variable_columns(X)
        columns = columns[:_MAX_NAMED_COLUMNS]
        names = [style.display_text(names[i], 18) for i in columns]
        X, cells = X[:, columns], cells[:, columns]
    low = np.min(X, axis=0, where=~np.isnan(X), initial=np.inf)
    high = np.max(X, axis=0, where=~np.isnan(X), initial=-np.inf)
    shades = np.nan_to_num((X - low) / np.where(high > low, high - low, 1.0))
    colormap = LinearSegmentedColormap.from_list("shades", _SHADES)
    ax.imshow(shades, cmap=colormap, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    style.hide_frame(style.set_titles(ax, title, "" if names is not None else "column", "row"))
    if names is not None:
        style.label_columns(ax, names)
        if len(X) <= _MAX_WRITTEN_ROWS:
            _write_values(ax, cells)
    return ax


def _most_variable_columns(X: np.ndarray) -> np.ndarray:
    variation = X.std(axis=0) / np.maximum(np.abs(X).mean(axis=0), 1e-300)
    return np.sort(np.argsort(-variation, kind="stable")[:_MAX_NAMED_COLUMNS])


def _write_values(ax: Axes, cells: np.ndarray) -> None:
    max_length = 80 // cells.shape[1] + 4
    for (row, column), value in np.ndenumerate(cells):
        style.add_text(ax, column, row, style.value_text(value, max_length), size=7.5)
