"""Plot of rows and their nearest neighbours: a grid of images, or a table with shaded cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.image_tiles import image_gap, is_image_shape, to_rgb
from latentmap.plots.matplotlib_types import Axes

_IMAGE_INCHES, _CAPTION_INCHES, _QUERY_GAP_INCHES = 0.95, 0.37, 0.3
_LINE_INCHES, _COLUMN_INCHES, _TITLE_INCHES = 0.27, 0.95, 4.6
_MAX_COLUMNS = 10
_MAX_DEVIATIONS = 2.0  # A cell with this difference from the query has the deepest shade.
_HIGHLIGHT = style.PALETTE[2]


@dataclass(frozen=True)
class _Results:
    """Queries (n, ...), their neighbours (n, k, ...) with distances (n, k), and captions."""

    queries: np.ndarray
    rows: np.ndarray
    distances: np.ndarray
    captions: Sequence[Sequence[str]]
    is_highlighted: np.ndarray
    cell_text: np.ndarray | None

    def check(self) -> None:
        """Raise DataError if the shapes are not consistent."""
        queries, rows, distances = self.queries, self.rows, self.distances
        if queries.ndim < 2 or rows.shape != (len(queries), *rows.shape[1:2], *queries.shape[1:]):
            raise DataError(
                f"neighbors: expected rows of shape (n, k, ...) for queries of shape "
                f"{queries.shape}, found {rows.shape}"
            )
        if distances.shape != rows.shape[:2] or 0 in distances.shape:
            raise DataError(
                f"distances: expected shape {rows.shape[:2]} with at least one distance, "
                f"found {distances.shape}"
            )
        counts = [len(row) for row in self.captions]
        if counts != [rows.shape[1] + 1] * len(queries):
            raise DataError(
                f"captions: expected {rows.shape[1] + 1} strings for each of {len(queries)} "
                f"queries, found {counts}"
            )

    def color(self, query: int, rank: int) -> str:
        """Return the colour of a caption; rank 0 is the query."""
        return _HIGHLIGHT if rank and self.is_highlighted[query, rank - 1] else style.TEXT_COLOR

    def distance_text(self, query: int, rank: int) -> str:
        """Return a distance with three significant digits, including trailing zeros."""
        return f"{self.distances[query, rank - 1]:#.3g}".rstrip(".")


def neighbors(
    queries: ArrayLike,
    neighbor_rows: ArrayLike,
    distances: ArrayLike,
    captions: Sequence[Sequence[str]],
    ax: Axes | None = None,
    *,
    same_label: ArrayLike | None = None,
    column_names: Sequence[str] | None = None,
    column_std: ArrayLike | None = None,
    cell_text: ArrayLike | None = None,
    title: str = "Nearest neighbours by code",
) -> Axes:
    r"""Draw rows and their nearest neighbours.

    Parameters
    ----------
    queries : array-like of shape (n, ...)
    neighbor_rows : array-like of shape (n, k, ...)
        The neighbours of each query, the nearest first.
    distances : array-like of shape (n, k)
    captions : n sequences of k + 1 str
        The text below each query and each of its neighbours.
    ax : matplotlib.axes.Axes, optional
    same_label : array-like of shape (n, k), bool, optional
        Whether a neighbour has the label of its query. Captions of the others are highlighted.
    column_names : sequence of str, optional
    column_std : array-like of shape (n_features,), optional
        The standard deviation of each column of a table, the unit of the shades. By default it is
        computed from the drawn rows.
    cell_text : array-like of shape (n, k + 1, n_features) of str, optional
        The text of each value of each query and its neighbours; by default the numbers.
    title : str

    Returns
    -------
    matplotlib.axes.Axes
        Images are drawn in a line for each query, with the query on the left. Other rows are drawn
        as a table of the ten columns in which neighbours differ most from their query. A cell is
        darker the more its value differs from that of the query.

    Raises
    ------
    DataError
        If the shapes are not consistent.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> images = np.random.default_rng(0).random((3, 8, 8))
    >>> ax = neighbors(images[:1], images[None, 1:], [[0.1, 0.2]], [["a", "b", "c"]])
    >>> [text.get_text() for text in ax.texts]
    ['a', 'b\n0.100', 'c\n0.200']
    """
    distances = np.asarray(distances)
    has_same_label = np.ones(distances.shape) if same_label is None else np.asarray(same_label)
    rows = np.asarray(neighbor_rows)
    cells = None if cell_text is None else np.asarray(cell_text, dtype=object)
    is_highlighted = ~has_same_label.astype(bool)
    results = _Results(np.asarray(queries), rows, distances, captions, is_highlighted, cells)
    results.check()
    row_shape = results.queries.shape[1:]
    ax = style.get_axes(ax, *_figure_size(len(rows), rows.shape[1], row_shape))
    style.set_titles(ax, title)
    if is_image_shape(row_shape):
        _draw_images(ax, results)
    else:
        _draw_table(ax, results, column_names, column_std)
    ax.set_xticks([])
    ax.set_yticks([])
    return style.hide_frame(ax)


def _figure_size(
    n_queries: int, n_neighbors: int, row_shape: tuple[int, ...]
) -> tuple[float, float]:
    if not is_image_shape(row_shape):
        columns = min(int(np.prod(row_shape)), _MAX_COLUMNS)
        lines = n_queries * (n_neighbors + 1.5) + 1.5
        return _COLUMN_INCHES * (columns + 2.4) + 0.2, _LINE_INCHES * lines + 0.6
    height, width = row_shape[:2]
    image_width = _IMAGE_INCHES * (1 + image_gap(width) / width)
    total_width = (n_neighbors + 1) * image_width + _QUERY_GAP_INCHES + 0.2
    line = _IMAGE_INCHES * height / width + _CAPTION_INCHES
    return max(total_width, _TITLE_INCHES), n_queries * line + 0.42


def _draw_images(ax: Axes, results: _Results) -> None:
    """Draw images in units of their pixels, each with its caption below."""
    n_queries, k = results.distances.shape
    row_shape = results.queries.shape[1:]
    height, width = row_shape[:2]
    inch = width / _IMAGE_INCHES
    gap, query_gap = image_gap(width), _QUERY_GAP_INCHES * inch
    left_edges = np.arange(k + 1) * (width + gap) + (np.arange(k + 1) > 0) * query_gap
    top_edges = np.arange(n_queries) * (height + _CAPTION_INCHES * inch)
    rows = np.concatenate([results.queries[:, None], results.rows], axis=1)
    images = to_rgb(rows.reshape(-1, *row_shape), results.queries)
    for i, image in enumerate(images):
        query, rank = divmod(i, k + 1)
        left, top = left_edges[rank], top_edges[query]
        ax.imshow(image, extent=(left, left + width, top + height, top), interpolation="nearest")
        text = style.display_text(results.captions[query][rank], 14)
        if rank:
            text += f"\n{results.distance_text(query, rank)}"
        color = results.color(query, rank) if rank else style.GREY
        x, y = left + width / 2, top + height + 0.05 * inch
        style.add_text(ax, x, y, text, color, 7.5, va="top").set_linespacing(1.1)
    ax.vlines(
        left_edges[1] - (gap + query_gap) / 2, 0, top_edges[-1] + height, color=style.LIGHT_GREY
    )
    ax.set_xlim(-0.02 * inch, left_edges[-1] + width + 0.02 * inch)
    ax.set_ylim(top_edges[-1] + height + _CAPTION_INCHES * inch, -0.02 * inch)
    ax.set_aspect("equal")
    ax.set_anchor("W")


def _draw_table(
    ax: Axes, results: _Results, column_names: Sequence[str] | None, column_std: ArrayLike | None
) -> None:
    """Draw rows as a table, with cells shaded by their difference from the query."""
    n_queries, k = results.distances.shape
    rows = np.concatenate([results.queries[:, None], results.rows], axis=1)
    rows = rows.reshape(n_queries, k + 1, -1)
    std = rows.reshape(-1, rows.shape[2]).std(axis=0) if column_std is None else column_std
    std = np.asarray(std, dtype=np.float64)
    difference = (rows - rows[:, :1].astype(np.float64)) / np.where(std > 0, std, np.inf)
    spread = (difference[:, 1:] ** 2).mean(axis=(0, 1))
    columns = np.sort(np.argsort(-spread, kind="stable")[:_MAX_COLUMNS])
    names = style.column_names_or_default(column_names, rows.shape[2])
    _write_header(ax, [style.display_text(names[i], 13) for i in columns])
    for query, rank in np.ndindex(n_queries, k + 1):
        y = query * (k + 1.5) + rank
        caption = style.display_text(results.captions[query][rank], 20)
        color = results.color(query, rank)
        style.add_text(ax, -2.3, y, caption, color, ha="left", bold=not rank)
        text = results.distance_text(query, rank) if rank else "query"
        style.add_text(ax, -0.6, y, text, style.GREY, ha="right")
        for x, column in enumerate(columns):
            _shade_cell(ax, x, y, difference[query, rank, column])
            values = rows if results.cell_text is None else results.cell_text
            text = style.value_text(values[query, rank, column], 15)
            style.add_text(ax, x, y, text, bold=not rank)
    ax.set_xlim(-2.35, len(columns) - 0.45)
    ax.set_ylim(n_queries * (k + 1.5) - 0.4, -1.9)


def _write_header(ax: Axes, names: Sequence[str]) -> None:
    """Write the names of columns, alternately on two lines if a name is long."""
    is_long = max(map(len, names)) > 9
    for x, name in enumerate(names):
        y = (-0.85 if x % 2 else -1.35) if is_long else -1
        style.add_text(ax, x, y, name, style.GREY)


def _shade_cell(ax: Axes, x: int, y: float, difference: float) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    # The shade is limited so that the number on it stays readable.
    color_position = 0.5 + np.clip(difference / _MAX_DEVIATIONS, -1, 1) * 0.32
    color = colormaps["RdBu_r"](color_position) if difference else (1.0, 1.0, 1.0, 1.0)
    ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=color, linewidth=0))
