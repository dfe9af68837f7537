"""Rows, and below them what came back through the code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.image_tiles import are_images, mosaic, tones
from latentmap.plots.style import FAINT, INK, PALETTE, axes_for, dress, plain, undress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["reconstructions"]

_BARS = 12  # columns that can be told apart by name
_SIGNAL = 64  # columns from which on a row is drawn as a line


def reconstructions(
    originals: Any, back: Any, ax: Axes | None = None, names: Sequence[str] | None = None
) -> Axes:
    """Draw rows and their reconstructions.

    Parameters
    ----------
    originals, back : array-like of shape (n, ...)
        About ten rows of one shape, and the same rows through the code. Images stand in two rows.
        Other rows each get a lane: bars for the original and dots for the reconstruction, every
        column on its own scale; of more than 12 columns the 12 that vary most; rows of more than 64
        numbers without names are drawn as lines.
    ax : matplotlib.axes.Axes, optional
    names : sequence of str, optional
        Of the columns.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the two differ in shape, or there is no row.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> images = np.random.default_rng(0).random((5, 8, 8))
    >>> [t.get_text() for t in reconstructions(images, images).get_yticklabels()]
    ['original', 'reconstruction']
    """
    originals, back = np.asarray(originals), np.asarray(back)
    if originals.shape != back.shape or originals.ndim < 2 or len(originals) < 1:
        raise DataError(
            f"reconstructions: expected rows of shape {originals.shape}, found {back.shape}"
        )
    if are_images(originals.shape[1:]):
        return _images(originals, back, ax)
    originals, back = (rows.reshape(len(rows), -1).astype(float) for rows in (originals, back))
    if names is None and originals.shape[1] > _SIGNAL:
        return _lines(originals, back, ax)
    return _bars(originals, back, ax, names)


def _images(originals: np.ndarray, back: np.ndarray, ax: Axes | None) -> Axes:
    count, height = originals.shape[:2]
    gap = max(1, round(height / 14))
    both = np.concatenate([tones(originals, originals), tones(back, originals)])
    ax = axes_for(ax, count + 1, 2.6)
    ax.imshow(mosaic(both, count, gap))
    ax.set_xticks([])
    ax.set_yticks([height / 2 - 0.5, height * 1.5 + gap - 0.5], ["original", "reconstruction"])
    return undress(dress(ax, "Rows and their reconstructions"))


def _bars(
    originals: np.ndarray, back: np.ndarray, ax: Axes | None, names: Sequence[str] | None
) -> Axes:
    columns = np.arange(originals.shape[1]) if names is None else names
    originals, back = _to_unit(originals, back)
    shown = np.sort(np.argsort(-originals.var(axis=0), kind="stable")[:_BARS])
    ax = axes_for(ax, 8, 0.6 * len(originals) + 1.6)
    places = np.arange(len(shown))
    for lane, (row, again) in enumerate(zip(originals[:, shown], back[:, shown], strict=True)):
        first = lane == 0
        ax.hlines(lane, -0.5, len(shown) - 0.5, color=FAINT, linewidth=0.6)
        ax.bar(
            *(places, -0.75 * row),
            bottom=lane,
            width=0.55,
            color="#c9d6e2",
            label="original" if first else None,
        )
        ax.plot(
            *(places, lane - 0.75 * again),
            "o",
            color=PALETTE[6],
            markersize=4.5,
            label="reconstruction" if first else None,
        )
    _name_columns(ax, [plain(columns[i]) for i in shown])
    return _finish_lanes(ax, len(originals))


def _to_unit(originals: np.ndarray, back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring every column to 0–1: columns have units of their own."""
    both = np.concatenate([originals, back])
    low, width = both.min(axis=0), np.ptp(both, axis=0)
    width = np.where(width > 0, width, 1.0)
    return (originals - low) / width, (back - low) / width


def _name_columns(ax: Axes, names: list[str]) -> None:
    ax.set_xticks(range(len(names)), names, parse_math=False)
    if max(len(name) for name in names) * len(names) > 80:
        ax.tick_params(axis="x", labelrotation=35)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def _lines(originals: np.ndarray, back: np.ndarray, ax: Axes | None) -> Axes:
    both = np.concatenate([originals, back])
    low, width = both.min(), max(float(np.ptp(both)), 1e-300)
    ax = axes_for(ax, 8, 0.6 * len(originals) + 1.6)
    for lane, (row, again) in enumerate(zip(originals, back, strict=True)):
        for values, color, name in (
            (row, INK, "original"),
            (again, PALETTE[6], "reconstruction"),
        ):
            heights = lane - 0.75 * (values - low) / width
            ax.plot(heights, color=color, linewidth=1, label=None if lane else name)
    dressed = _finish_lanes(ax, len(originals))
    dressed.set_xlabel("column")
    return dressed


def _finish_lanes(ax: Axes, count: int) -> Axes:
    ax.set_ylim(count - 0.9, -1)
    ax.set_yticks([])
    dress(ax, "Rows and their reconstructions")
    ax.legend(
        frameon=False, fontsize=9, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), reverse=True
    )
    return undress(ax)
