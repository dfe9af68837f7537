"""Two rows side by side: themselves, what came back through their codes, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.image_tiles import are_images, mosaic, tones
from latentmap.plots.style import FAINT, GREY, INK, PALETTE, axes_for, dress, plain, undress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["comparison", "comparison_size", "telling_columns"]

_BARS = 12  # columns that can be told apart by name
_SIGNAL = 64  # columns from which on a row is drawn as a line
_SEEN = 99.5  # percentile of the differences at which a colour is full
_COLORS = "RdBu_r"


def comparison(
    rows: Any,
    back: Any,
    captions: Sequence[str] = ("a", "b"),
    ax: Axes | None = None,
    *,
    names: Sequence[str] | None = None,
    spread: Any = None,
    title: str = "Two rows",
) -> Axes:
    """Draw two rows, their reconstructions, and where they differ.

    Parameters
    ----------
    rows, back : array-like of shape (2, ...)
        The two rows, and the same through the code. Images stand side by side, their difference
        right, red where the second is brighter. Of a table the 12 columns are shown that differ
        most, each in its own unit. Rows of more than 64 numbers without names are drawn as lines.
    captions : pair of str
        What the two are called.
    ax : matplotlib.axes.Axes, optional
        Best in a figure of `comparison_size`.
    names : sequence of str, optional
        Of the columns of a table.
    spread : array-like of shape (d,), optional
        The deviation of each column of a table: what a difference is told in.
    title : str

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If these are not two rows and their reconstructions.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> images = np.random.default_rng(0).random((2, 8, 8))
    >>> [t.get_text() for t in comparison(images, images, ["me", "you"]).get_xticklabels()]
    ['me', 'you', 'difference']
    """
    rows, back = np.asarray(rows), np.asarray(back)
    if rows.shape != back.shape or rows.ndim < 2 or len(rows) != 2 or len(captions) != 2:
        raise DataError(
            "comparison: expected two rows and their reconstructions, of one shape, "
            f"found {rows.shape} and {back.shape}"
        )
    ax = axes_for(ax, *comparison_size(rows.shape[1:], names is not None))
    dress(ax, title)
    captions = [plain(text) for text in captions]
    if are_images(rows.shape[1:]):
        return _images(ax, rows, back, captions)
    rows, back = (part.reshape(2, -1).astype(np.float64) for part in (rows, back))
    if names is None and rows.shape[1] > _SIGNAL:
        return _lines(ax, rows, back, captions, title)
    names = [f"column {i}" for i in range(rows.shape[1])] if names is None else names
    return _columns(ax, rows, back, captions, names, spread, title)


def comparison_size(row_shape: tuple[int, ...], named: bool = False) -> tuple[float, float]:
    """Give width and height of the figure, in inches.

    Examples
    --------
    >>> comparison_size((64, 64)), comparison_size((4,))
    ((8.2, 5.1), (8.0, 3.0...))
    """
    if are_images(row_shape):
        height, width = row_shape[:2]
        return 8.2, 2 * 2.15 * height / width + 0.8
    width = int(np.prod(row_shape))
    if not named and width > _SIGNAL:
        return 8.0, 4.2
    return 8.0, 0.36 * min(width, _BARS) + 1.6


def telling_columns(rows: Any, spread: Any = None) -> np.ndarray:
    """Give the numbers of the columns that differ in two rows, those that differ most first.

    Parameters
    ----------
    rows : array-like of shape (2, d)
    spread : array-like of shape (d,), optional
        The deviation of each column, by which its difference is divided; one where there is none.

    Examples
    --------
    >>> telling_columns([[0, 0, 5], [1, 9, 5]], spread=[0.1, 100, 1]).tolist()
    [0, 1]
    """
    rows = np.asarray(rows, dtype=np.float64)
    far = np.abs(_in_units(rows[1] - rows[0], spread))
    order = np.argsort(-far, kind="stable")
    return order[far[order] > 0]


def _in_units(values: np.ndarray, spread: Any) -> np.ndarray:
    unit = np.ones(values.shape[-1]) if spread is None else np.asarray(spread, dtype=np.float64)
    return values / np.where(unit > 0, unit, 1.0)


def _images(ax: Axes, rows: np.ndarray, back: np.ndarray, captions: list[str]) -> Axes:
    height, width = rows.shape[1:3]
    gap = max(1, round(width / 14))
    seen, again = tones(rows, rows), tones(back, rows)
    apart = [_difference(pair) for pair in (rows, back)]
    scale = _scale(np.stack(apart))
    told = [scale.to_rgba(part)[..., :3] for part in apart]
    tiles = np.stack([seen[0], seen[1], told[0], again[0], again[1], told[1]])
    ax.imshow(mosaic(tiles, 3, gap), interpolation="nearest")
    across, down = width + gap, height + gap
    words = [*captions, "difference"]
    ax.set_xticks([i * across + (width - 1) / 2 for i in range(3)], words, parse_math=False)
    ax.set_yticks([(height - 1) / 2, down + (height - 1) / 2], ["original", "reconstruction"])
    ax.xaxis.tick_top()
    ax.title.set_position((0, 1))
    _bar(ax, scale)
    return undress(ax)


def _difference(pair: np.ndarray) -> np.ndarray:
    """Give the second image minus the first, (h, w); of colours the mean."""
    apart = pair[1].astype(np.float64) - pair[0].astype(np.float64)
    return apart if apart.ndim == 2 else apart.mean(axis=2)


def _scale(apart: np.ndarray) -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    most = float(np.percentile(np.abs(apart), _SEEN)) or float(np.abs(apart).max()) or 1.0
    scale = ScalarMappable(Normalize(-most, most), cmap=_COLORS)
    scale.set_array([])
    return scale


def _bar(ax: Axes, scale: Any) -> None:
    picture: Any = ax.get_figure()
    bar = picture.colorbar(scale, ax=ax, shrink=0.6, aspect=24, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=GREY, labelsize=8, length=0)


def _columns(
    ax: Axes,
    rows: np.ndarray,
    back: np.ndarray,
    captions: list[str],
    names: Sequence[str],
    spread: Any,
    title: str,
) -> Axes:
    """Give each column a lane, centred between the two, in deviations; numbers in its own unit."""
    order = telling_columns(rows, spread)
    shown = (order if len(order) else np.arange(rows.shape[1]))[:_BARS]
    middle = rows.mean(axis=0)
    places, again = (_in_units(part - middle, spread)[:, shown] for part in (rows, back))
    lanes = np.arange(len(shown))
    ax.hlines(lanes, *np.sort(places, axis=0), color=FAINT, linewidth=5)
    for i, color in enumerate((PALETTE[0], PALETTE[6])):
        ax.plot(places[i], lanes, "o", color=color, markersize=7, label=captions[i])
        ax.plot(again[i], lanes, "o", mec=color, mfc="none", markersize=10)
    ax.plot([], [], "o", mec=GREY, mfc="none", markersize=10, label="reconstruction")
    most = 1.12 * max(np.abs(places).max(), np.abs(again).max(), 1e-12)
    ax.set_xlim(-most, most)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.set_yticks(lanes, [plain(names[i]) for i in shown], parse_math=False, color=INK)
    for lane, column in enumerate(shown):
        words = f"{rows[0, column]:.4g} → {rows[1, column]:.4g}"
        ax.text(1.02, lane, words, transform=ax.get_yaxis_transform(), fontsize=8, va="center")
    unit = "the column's unit" if spread is None else "deviations of the column"
    ax.set_xlabel(f"from the middle of the two, in {unit}", fontsize=9, color=GREY)
    return _legend(ax, title)


def _lines(ax: Axes, rows: np.ndarray, back: np.ndarray, captions: list[str], title: str) -> Axes:
    at = np.arange(rows.shape[1])
    ax.fill_between(at, *rows, color=FAINT, linewidth=0)
    for i, color in enumerate((PALETTE[0], PALETTE[6])):
        ax.plot(at, rows[i], color=color, linewidth=1.2, label=captions[i])
        ax.plot(at, back[i], color=color, linewidth=0.8, linestyle=":")
    ax.plot([], [], color=GREY, linewidth=0.8, linestyle=":", label="reconstruction")
    ax.set_xlabel("column", fontsize=9, color=GREY)
    return _legend(ax, title)


def _legend(ax: Axes, title: str) -> Axes:
    """Set the legend on a line of its own, between title and picture."""
    legend = ax.legend(
        frameon=False, fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1), borderpad=0
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    ax.set_title(plain(title, 80), loc="left", fontsize=11, color=INK, pad=26, parse_math=False)
    return undress(ax)
