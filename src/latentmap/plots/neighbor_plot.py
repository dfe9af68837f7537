"""Rows and their nearest neighbours: a contact sheet of images, or a table with shaded cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.image_tiles import are_images, tones
from latentmap.plots.style import FAINT, GREY, INK, PALETTE, axes_for, dress, plain, undress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["neighbors", "neighbors_size"]

_CELL, _CAPTION, _APART = 0.95, 0.37, 0.3  # inches: an image, the words below, beside the query
_COLUMNS, _CHARACTERS = 10, 14
_LINE, _WIDE = 0.27, 0.95  # inches: a line of a table, and a column
_TITLE = 4.6  # inches that a title may need
_FAR = 2.0  # deviations from the query at which a cell's shade is full


def neighbors(
    queries: Any,
    near: Any,
    distances: Any,
    captions: Sequence[Sequence[str]],
    ax: Axes | None = None,
    *,
    alike: Any = None,
    names: Sequence[str] | None = None,
    spread: Any = None,
    title: str = "Nearest neighbours by code",
) -> Axes:
    r"""Draw rows and their nearest neighbours.

    Parameters
    ----------
    queries : array-like of shape (n, ...)
        A few rows.
    near : array-like of shape (n, k, ...)
        The neighbours of each, nearest first.
    distances : array-like of shape (n, k)
    captions : n sequences of k + 1 str
        What to write below each query, and each of its neighbours.
    ax : matplotlib.axes.Axes, optional
        Best in a figure of `neighbors_size`.
    alike : array-like of shape (n, k), bool, optional
        Whether a neighbour has the label of its query; others' captions stand out.
    names : sequence of str, optional
        Of the columns of a table.
    spread : array-like of shape (d,), optional
        The deviation of each column of a table, from which shades are told.
    title : str

    Returns
    -------
    matplotlib.axes.Axes
        Images stand in a row, the query left. Other rows are a table of the ten columns in which
        the neighbours differ most from the query; the farther a number is from that of the query,
        the deeper its shade.

    Raises
    ------
    DataError
        If the shapes do not fit one another.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> images = np.random.default_rng(0).random((3, 8, 8))
    >>> ax = neighbors(images[:1], images[None, 1:], [[0.1, 0.2]], [["a", "b", "c"]])
    >>> [text.get_text() for text in ax.texts]
    ['a', 'b\n0.100', 'c\n0.200']
    """
    queries, near, distances = np.asarray(queries), np.asarray(near), np.asarray(distances)
    _check(queries, near, distances, captions)
    odd = np.zeros(distances.shape, bool) if alike is None else ~np.asarray(alike, bool)
    ax = axes_for(ax, *neighbors_size(len(queries), near.shape[1], queries.shape[1:]))
    dress(ax, title)
    if are_images(queries.shape[1:]):
        _sheet(ax, queries, near, distances, captions, odd)
    else:
        flat = queries.reshape(len(queries), -1), near.reshape(*near.shape[:2], -1)
        _table(ax, *flat, distances, captions, odd, names, spread)
    ax.set_xticks([])
    ax.set_yticks([])
    return undress(ax)


def neighbors_size(count: int, k: int, row_shape: tuple[int, ...]) -> tuple[float, float]:
    """Give width and height of the figure, in inches, for so many queries with k neighbours.

    Examples
    --------
    >>> neighbors_size(2, 10, (28, 28))
    (11.6..., 3.0...)
    """
    if not are_images(row_shape):
        columns = min(int(np.prod(row_shape)), _COLUMNS)
        return _WIDE * (columns + 2.4) + 0.2, _LINE * (count * (k + 1.5) + 1.5) + 0.6
    height, width = row_shape[:2]
    tall = _CELL * height / width
    across = (k + 1) * _CELL * (1 + _gap(width) / width) + _APART
    return max(across + 0.2, _TITLE), count * (tall + _CAPTION) + 0.42


def _check(
    queries: np.ndarray, near: np.ndarray, distances: np.ndarray, captions: Sequence[Sequence[str]]
) -> None:
    if queries.ndim < 2 or near.shape != (len(queries), *near.shape[1:2], *queries.shape[1:]):
        raise DataError(
            f"neighbors: expected rows of shape (n, k, ...) for {queries.shape}, found {near.shape}"
        )
    if distances.shape != near.shape[:2] or 0 in distances.shape:
        raise DataError(
            f"distances: expected shape {near.shape[:2]}, one or more, found {distances.shape}"
        )
    counts = {len(line) for line in captions} if len(captions) == len(queries) else {len(captions)}
    if counts != {near.shape[1] + 1}:
        raise DataError(f"captions: expected {len(queries)} of {near.shape[1] + 1} texts")


def _gap(width: int) -> int:
    return max(1, round(width / 14))


def _three(distance: float) -> str:
    """Write three digits, zeros too: distances in a row are read side by side."""
    return f"{distance:#.3g}".rstrip(".")


def _sheet(
    ax: Axes,
    queries: np.ndarray,
    near: np.ndarray,
    distances: np.ndarray,
    captions: Sequence[Sequence[str]],
    odd: np.ndarray,
) -> None:
    """Lay images out in pixels of their own, each with its words below."""
    count, k = distances.shape
    height, width = queries.shape[1:3]
    inch = width / _CELL
    lefts = np.arange(k + 1) * (width + _gap(width)) + (np.arange(k + 1) > 0) * _APART * inch
    tops = np.arange(count) * (height + _CAPTION * inch)
    toned = (tones(part.reshape(-1, *queries.shape[1:]), queries) for part in (queries, near))
    parts = [part.reshape(count, -1, height, width, 3) for part in toned]
    for i, image in enumerate(np.concatenate(parts, axis=1).reshape(-1, height, width, 3)):
        line, column = divmod(i, k + 1)
        left, top = lefts[column], tops[line]
        ax.imshow(image, extent=(left, left + width, top + height, top), interpolation="nearest")
        words = plain(captions[line][column], _CHARACTERS)
        if column:
            words += "\n" + _three(distances[line, column - 1])
        stands_out = column and odd[line, column - 1]
        ax.text(
            *(left + width / 2, top + height + 0.05 * inch, words),
            color=PALETTE[2] if stands_out else INK if column else GREY,
            fontsize=7.5,
            ha="center",
            va="top",
            linespacing=1.1,
            parse_math=False,
        )
    ax.vlines(lefts[1] - (_gap(width) + _APART * inch) / 2, 0, tops[-1] + height, color=FAINT)
    ax.set_xlim(-0.02 * inch, lefts[-1] + width + 0.02 * inch)
    ax.set_ylim(tops[-1] + height + _CAPTION * inch, -0.02 * inch)
    ax.set_aspect("equal")
    ax.set_anchor("W")


def _table(
    ax: Axes,
    queries: np.ndarray,
    near: np.ndarray,
    distances: np.ndarray,
    captions: Sequence[Sequence[str]],
    odd: np.ndarray,
    names: Sequence[str] | None,
    spread: Any,
) -> None:
    """Write numbers line by line, shaded by how far they are from the query's."""
    names = [f"column {i}" for i in range(queries.shape[1])] if names is None else names
    far = (near.astype(np.float64) - queries[:, None]) / _unit(queries, near, spread)
    shown = np.sort(np.argsort(-(far**2).mean(axis=(0, 1)), kind="stable")[:_COLUMNS])
    _head(ax, [plain(names[i], 13) for i in shown])
    line = 0.0
    for i, texts in enumerate(captions):
        for rank, text in enumerate(texts):
            row = near[i, rank - 1] if rank else queries[i]
            strange = bool(rank and odd[i, rank - 1])
            color = PALETTE[2] if strange else INK
            told = _three(distances[i, rank - 1]) if rank else "query"
            _words(ax, -2.3, line, plain(text, 20), color, "left", not rank)
            _words(ax, -0.6, line, told, GREY, "right")
            for place, column in enumerate(shown):
                shade = far[i, rank - 1, column] if rank else 0.0
                _cell(ax, place, line, row[column], shade, bold=not rank)
            line += 1
        line += 0.5
    ax.set_xlim(-2.35, len(shown) - 0.45)
    ax.set_ylim(line - 0.4, -1.9)


def _unit(queries: np.ndarray, near: np.ndarray, spread: Any) -> np.ndarray:
    """Give what a difference is measured in, column by column."""
    if spread is None:
        everything = np.concatenate([queries[:, None], near], axis=1).reshape(-1, queries.shape[1])
        spread = everything.std(axis=0)
    unit = np.asarray(spread, dtype=np.float64)
    return np.where(unit > 0, unit, np.inf)


def _head(ax: Axes, names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        low = place % 2 and max(map(len, names)) > 9  # long names stand on two levels
        _words(ax, place, -0.85 if low else -1.35 if max(map(len, names)) > 9 else -1, name, GREY)


def _cell(ax: Axes, place: int, line: float, value: float, shade: float, bold: bool) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    depth = 0.5 + np.clip(shade / _FAR, -1, 1) * 0.32  # never so deep that the number is hidden
    color = colormaps["RdBu_r"](depth) if shade else (1.0, 1.0, 1.0, 1.0)
    ax.add_patch(Rectangle((place - 0.48, line - 0.46), 0.96, 0.92, color=color, linewidth=0))
    _words(ax, place, line, f"{value:.4g}", INK, bold=bold)


def _words(
    ax: Axes, x: float, y: float, text: str, color: str, side: str = "center", bold: bool = False
) -> None:
    ax.text(
        *(x, y, text),
        color=color,
        fontsize=8,
        fontweight="bold" if bold else "normal",
        ha=side,
        va="center",
        parse_math=False,
        clip_on=True,
    )
