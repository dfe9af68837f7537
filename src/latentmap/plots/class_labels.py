"""Names beside what they name, without covering each other or leaving the picture."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.plots.dense_regions import islands
from latentmap.plots.label_encoding import Tags
from latentmap.plots.style import INK, PALETTE, darker

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

__all__ = ["name_classes", "spread"]

_ROUNDS = 300
_ASTRAY = 0.15  # of the frame: a name so far from its place would name another
_WIDE = 4.0  # inches: in an Axes narrower than that, names are smaller
_AIR = 2.0  # pixels on each side of a name


def name_classes(ax: Axes, points: np.ndarray, tags: Tags, color: str | None = None) -> None:
    """Write the name of each class on its islands, as they lie in the limits of ``ax``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With its limits, title and axis labels: how much room there is depends on them.
    points : ndarray of shape (n, 2)
    tags : Tags
    color : str, optional
        Of all names; by default each has that of its class, darker.
    """
    low, high = np.transpose([sorted(ax.get_xlim()), sorted(ax.get_ylim())])
    order = np.argsort(-np.bincount(tags.numbers), kind="stable")  # large classes come first
    found = [(i, *isle) for i in order for isle in islands(points[tags.numbers == i], low, high)]
    if len(tags.names) == 1:
        color = INK
    with warnings.catch_warnings():
        # A label may be written in a script that matplotlib's font lacks: boxes are drawn then.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        size = _letter_size(ax, len(tags.names))
        texts = []
        for i, place, _ in found:
            shade = darker(PALETTE[i % len(PALETTE)]) if color is None else color
            texts.append(_write(ax, tags.names[i], place, shade, size))
        _settle(ax, texts, [rows for _, _, rows in found])


def _letter_size(ax: Axes, count: int) -> float:
    """Choose the size of names, in points: smaller where there are many, or little room."""
    figure = ax.figure.figure
    figure.draw_without_rendering()  # lays it out
    inches = ax.get_window_extent().width / figure.dpi
    return (14 if count <= len(PALETTE) else 8.5) * np.clip(inches / _WIDE, 0.5, 1)


def _write(ax: Axes, name: str, place: np.ndarray, color: Any, size: float) -> Text:
    from matplotlib.patheffects import withStroke

    text = ax.text(
        place[0],
        place[1],
        name,
        color=color,
        fontsize=size,
        fontweight="bold",
        ha="center",
        va="center",
        parse_math=False,
        path_effects=[withStroke(linewidth=1 + size / 5, foreground="white")],
    )
    text.set_in_layout(False)  # it is moved into the Axes, which need not make room for it
    return text


def _settle(ax: Axes, texts: list[Text], named: list[np.ndarray]) -> None:
    """Move texts until none covers another; take away those for which there is no room."""
    boxes = [text.get_window_extent() for text in texts]
    sizes = np.array([[box.width, box.height] for box in boxes]) + 2 * _AIR
    places = ax.transData.transform([text.get_position() for text in texts])
    for place, size, rows in zip(places, sizes, named, strict=True):
        reach = np.quantile(np.abs(ax.transData.transform(rows) - place), 0.9, axis=0)
        if (reach < size).all():  # it would hide what it names
            place[1] += reach[1] + size[1] / 2
    low, high = np.reshape(ax.get_window_extent().extents, (2, 2))
    places, fits = spread(places, sizes, low, high)
    places = ax.transData.inverted().transform(places)
    for text, place, fit in zip(texts, places, fits, strict=True):
        text.set_position((place[0], place[1]))
        if not fit:
            text.remove()


def spread(
    places: np.ndarray, sizes: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Push boxes apart until none covers another, inside a frame.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Where the middles of the boxes should be; the most important first.
    sizes : ndarray of shape (n, 2)
        Their widths and heights.
    low, high : ndarray of shape (2,)
        The corners of the frame.

    Returns
    -------
    places : ndarray of shape (n, 2)
        As near to where they should be as pushing two at a time leaves them.
    fits : ndarray of shape (n,), bool
        False for those that still cover a more important one, are larger than the frame, or would
        have to stand too far off: there is no room for them.

    Examples
    --------
    >>> at, fits = spread(
    ...     np.array([[5.0, 5.0], [5.0, 6.0]]), np.full((2, 2), 2.0), np.zeros(2), np.full(2, 99.0)
    ... )
    >>> at.tolist(), fits.tolist()
    ([[5.0, 4.5], [5.0, 6.5]], [True, True])
    """
    at, half = places.astype(float), sizes / 2
    narrow = (sizes <= high - low).all(axis=1)
    least, most = low + half, np.maximum(high - half, low + half)
    for _ in range(_ROUNDS):
        at = np.clip(at, least, most)
        if not _push(at, half):
            break
    at = np.clip(at, least, most)
    fits = narrow & (np.abs(at - np.clip(places, least, most)) < _ASTRAY * (high - low)).all(axis=1)
    covers = _covers(at, half)
    for i in range(len(at)):
        fits[i] &= not (covers[i, :i] & fits[:i]).any()
    return at, fits


def _covers(at: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Tell which boxes cover each other, (n, n)."""
    return (half[:, None] + half - np.abs(at[:, None] - at) > 1e-6).all(axis=2)


def _push(at: np.ndarray, half: np.ndarray) -> bool:
    """Part each two boxes that cover each other, along the axis where they do so least."""
    pairs = np.argwhere(np.tril(_covers(at, half), -1)).tolist()
    spots, halves = at.tolist(), half.tolist()  # numpy is slow at single numbers
    for i, j in pairs:
        a, b = spots[i], spots[j]
        cover = [halves[i][k] + halves[j][k] - abs(a[k] - b[k]) for k in (0, 1)]
        k = cover.index(min(cover))
        if cover[k] > 0:  # no earlier pair has parted them
            step = cover[k] / 2 if a[k] >= b[k] else -cover[k] / 2
            a[k] += step
            b[k] -= step
    at[:] = spots
    return bool(pairs)
