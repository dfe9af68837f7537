"""Rows side by side: images as a contact sheet, other rows as a table shaded by its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError, SettingError
from latentmap.plots.image_tiles import are_images, mosaic, tones
from latentmap.plots.style import INK, axes_for, dress, plain, undress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["columns_for", "rows", "rows_size"]

_STRIP = 12  # of so many images one line still shows each well
_NAMED = 12  # columns that can be told apart by name
_WRITTEN = 30  # rows of which every value is written
_LAND = ("#ffffff", "#8fb6da")  # light enough to write on


def rows(
    X: Any,
    ax: Axes | None = None,
    title: str = "",
    names: Sequence[str] | None = None,
    columns: int | None = None,
) -> Axes:
    """Draw rows in their order.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Images stand side by side, line by line. Other rows are the lines of a table, in which each
        column is shaded from its least value to its greatest; with names, of more than 12 columns
        the 12 that vary most, relative to their size.
    ax : matplotlib.axes.Axes, optional
    title : str
    names : sequence of str, optional
        Of the columns of a table.
    columns : int, optional
        Images in a line; by default up to 12 in one line, of more as many as make about a square.

    Returns
    -------
    matplotlib.axes.Axes

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
    X = np.asarray(X)
    if X.ndim < 2 or len(X) < 1:
        raise DataError(f"rows: expected at least one of shape (n, ...), found {X.shape}")
    if columns is not None and columns < 1:
        raise SettingError(f"columns: expected at least 1, found {columns}")
    if are_images(X.shape[1:]):
        return _sheet(X, ax, title, columns or columns_for(len(X)))
    return _table(X.reshape(len(X), -1).astype(float), ax, title, names)


def columns_for(count: int) -> int:
    """Give how many of so many images stand in a line.

    Examples
    --------
    >>> columns_for(7), columns_for(16), columns_for(17), columns_for(24)
    (7, 4, 5, 6)
    """
    if count <= _STRIP:
        return count
    square = int(np.ceil(np.sqrt(count)))
    full = (columns for columns in range(square, 2 * square) if count % columns == 0)
    return next(full, square)


def rows_size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Give width and height, in inches, of a picture of rows of this shape, (n, ...).

    Examples
    --------
    >>> rows_size((12, 28, 28)), rows_size((15, 13))
    ((9.0, 1.13), (8.0, 6.0))
    """
    count, height = shape[:2]
    if not are_images(shape[1:]):
        return 8.0, 0.28 * count + 1.8
    columns = columns_for(count)
    width = min(max(0.75 * columns, 4.0), 12.0)
    return width, width / columns * height / shape[2] * -(-count // columns) + 0.38


def _sheet(X: np.ndarray, ax: Axes | None, title: str, columns: int) -> Axes:
    gap = max(1, round(X.shape[1] / 14))
    ax = axes_for(ax, *rows_size(X.shape))
    ax.imshow(mosaic(tones(X, X), columns, gap))
    ax.set_xticks([])
    ax.set_yticks([])
    return undress(dress(ax, title))


def _table(X: np.ndarray, ax: Axes | None, title: str, names: Sequence[str] | None) -> Axes:
    from matplotlib.colors import LinearSegmentedColormap

    if names is None and X.shape[1] <= _NAMED:
        names = [f"{i}" for i in range(X.shape[1])]
    if names is not None:
        shown = _varied(X)
        X, names = X[:, shown], [plain(names[i], 18) for i in shown]
    ax = axes_for(ax, *rows_size(X.shape))
    width = np.ptp(X, axis=0)
    shades = (X - X.min(axis=0)) / np.where(width > 0, width, 1.0)
    land = LinearSegmentedColormap.from_list("shades", _LAND)
    ax.imshow(shades, cmap=land, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    undress(dress(ax, title, "" if names is not None else "column", "row"))
    if names is not None:
        _write(ax, X, names)
    return ax


def _varied(X: np.ndarray) -> np.ndarray:
    spread = X.std(axis=0) / np.maximum(np.abs(X).mean(axis=0), 1e-300)
    return np.sort(np.argsort(-spread, kind="stable")[:_NAMED])


def _write(ax: Axes, X: np.ndarray, names: list[str]) -> None:
    ax.set_xticks(range(len(names)), names, parse_math=False, rotation=35)
    for label in ax.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    if len(X) > _WRITTEN:
        return
    for (row, column), value in np.ndenumerate(X):
        ax.text(column, row, f"{value:.4g}", ha="center", va="center", fontsize=7.5, color=INK)
