"""Rows that fit badly: what was found, what was expected, and where the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.image_tiles import are_images, tones
from latentmap.plots.style import FAINT, GREY, INK, PALETTE, axes_for, dress, plain, undress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["blame", "blame_size"]

MORE, LESS = PALETTE[2], PALETTE[0]
_ACROSS = 10  # images side by side
_BARS = 3  # columns of a table's row that are named
_GAP = 1 / 14  # of an image's height, between the three of a row
_CAPTION = 0.42  # of an image's height, above each three
_TITLE = "Rows that fit worst, with scores: red is more than expected, blue less"
_BANDS = ("found", "expected", "to blame")


def blame(
    rows: Any,
    expected: Any,
    shares: Any,
    captions: Sequence[str],
    ax: Axes | None = None,
    names: Sequence[str] | None = None,
) -> Axes:
    """Draw rows, what is expected in their place, and the parts that are to blame.

    Parameters
    ----------
    rows, expected : array-like of shape (n, ...)
        Some rows, and what they should be, in their own units. Images stand one above the other,
        ten across, above a heat map of the shares; of other rows the three columns most to blame
        are named, with what was found and expected.
    shares : array-like of shape (n, ...)
        From −1 to 1, as ``latentmap.analysis.attribute`` gives them.
    captions : sequence of str
        One a row.
    ax : matplotlib.axes.Axes, optional
    names : sequence of str, optional
        Of the columns.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the three differ in shape, there is no row, or the captions are not as many.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> ax = blame([[1.0, 5.0]], [[1.0, 2.0]], [[0.0, 1.0]], ["row 7"], names=["a", "b"])
    >>> [text.get_text() for text in ax.texts]
    ['b: 5, expected 2']
    """
    rows, expected, shares = (np.asarray(part) for part in (rows, expected, shares))
    shapes = {rows.shape, expected.shape, shares.shape}
    if len(shapes) > 1 or rows.ndim < 2 or not len(rows) == len(captions) > 0:
        raise DataError(
            f"blame: expected rows, as many captions, and the rest of shape {rows.shape}, "
            f"found {len(captions)} captions, {expected.shape} and {shares.shape}"
        )
    ax = axes_for(ax, *blame_size(rows.shape))
    draw = _images if are_images(rows.shape[1:]) else _columns
    return draw(rows, expected, shares, captions, ax, names)


_NARROWEST = 6.0
"""Inches that the title takes."""


def blame_size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Give the width and height, in inches, that suit rows of this shape (n, ...)."""
    if not are_images(shape[1:]):
        return 8.0, 0.52 * shape[0] + 0.9
    across = min(shape[0], _ACROSS)
    tall = (3 * (1 + _GAP) + _CAPTION) * shape[1] / shape[2]
    return max(across + 1.0, _NARROWEST), -(-shape[0] // _ACROSS) * tall * (
        across / (across + 0.5)
    ) + 0.45


def _images(
    rows: np.ndarray,
    expected: np.ndarray,
    shares: np.ndarray,
    captions: Sequence[str],
    ax: Axes,
    names: Any,
) -> Axes:
    (count, height, width), across = rows.shape[:3], min(len(rows), _ACROSS)
    gap, room = max(1, round(height * _GAP)), max(4, round(height * _CAPTION))
    band, lane = height + gap, 3 * (height + gap) + room
    canvas = np.ones((-(-count // across) * lane, across * (width + gap) - gap, 3))
    layers = (tones(rows, rows), tones(expected, rows), _heat(shares))
    ticks = []
    for i, caption in enumerate(captions):
        top, left = i // across * lane + room, i % across * (width + gap)
        for j, layer in enumerate(layers):
            canvas[top + j * band : top + j * band + height, left : left + width] = layer[i]
        ax.text(
            left + width / 2,
            top - gap,
            plain(caption),
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=INK,
            parse_math=False,
        )
        ticks += [top + j * band + height / 2 for j in range(3)] if i % across == 0 else []
    ax.imshow(canvas, interpolation="nearest" if height < 100 else None)
    ax.set_xticks([])
    ax.set_yticks(ticks, _BANDS * (len(ticks) // 3))
    return undress(dress(ax, _TITLE))


def _heat(shares: np.ndarray) -> np.ndarray:
    """Colour shares, summed over channels: red above what is expected, blue below, white as it."""
    from matplotlib.colors import to_rgb

    flat = shares if shares.ndim == 3 else shares.sum(axis=3)
    most = np.abs(flat).max(axis=(1, 2), keepdims=True)
    strength = np.sqrt(np.abs(flat) / np.where(most > 0, most, 1))[..., None]
    ink = np.where(flat[..., None] > 0, to_rgb(MORE), to_rgb(LESS))
    return 1 - strength * (1 - ink)


def _columns(
    rows: np.ndarray,
    expected: np.ndarray,
    shares: np.ndarray,
    captions: Sequence[str],
    ax: Axes,
    names: Sequence[str] | None,
) -> Axes:
    rows, expected, shares = (part.reshape(len(rows), -1) for part in (rows, expected, shares))
    names = [f"column {i}" for i in range(rows.shape[1])] if names is None else names
    for lane, share in enumerate(shares):
        worst = np.argsort(-np.abs(share), kind="stable")[:_BARS]
        for step, column in enumerate(worst[np.abs(share[worst]) > 0]):
            place = lane + 0.27 * (step - 1)
            color = MORE if share[column] > 0 else LESS
            ax.barh(place, abs(share[column]), height=0.2, color=color, alpha=0.85)
            found, wanted = (f"{part[lane, column]:.4g}" for part in (rows, expected))
            told = f"{plain(names[column])}: {found}, expected {wanted}"
            ax.text(1.03, place, told, fontsize=7.5, va="center", color=INK, parse_math=False)
        ax.axhline(lane + 0.5, color=FAINT, linewidth=0.6)
    return _dressed_columns(ax, captions)


def _dressed_columns(ax: Axes, captions: Sequence[str]) -> Axes:
    from matplotlib.ticker import PercentFormatter

    dress(ax, _TITLE)
    ax.set_xlim(0, 2.1)
    ax.set_ylim(len(captions) - 0.5, -0.5)
    ax.set_xticks([0, 0.5, 1])
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel("share of the row's squared error", fontsize=9, color=GREY, loc="left")
    ax.set_yticks(range(len(captions)), [plain(c) for c in captions], parse_math=False)
    ax.tick_params(axis="y", labelsize=8.5, colors=INK, length=0)
    ax.spines[:].set_visible(False)
    return ax
