"""The codes as a scatter, coloured by label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.class_labels import name_classes
from latentmap.plots.label_encoding import Tags
from latentmap.plots.point_drawing import draw_points
from latentmap.plots.projection import as_codes, view_of, window_of
from latentmap.plots.style import GREY, PALETTE, axes_for, dress, frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["codes"]

_PALE = np.array([0.88, 0.88, 0.88])
_HUE = 0.2  # what is left of the colour of a row whose place is quite unsure


def codes(
    Z: Any,
    labels: Any = None,
    ax: Axes | None = None,
    title: str | None = None,
    confidence: Any = None,
) -> Axes:
    """Draw codes as points, coloured by label.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Codes. Two numbers are the two axes; of more, their first two principal components are; a
        single number makes a strip, with a lane for each label.
    labels : array-like of shape (n,), optional
        Up to 20 different ones are classes, each with its colour and its name where it is dense: on
        each of its islands, where it has several that are large and far apart. More than 20
        different numbers are a measured value, with a colour bar. More than 20 different texts
        share colours, and up to 60 are named.
    ax : matplotlib.axes.Axes, optional
    title : str, optional
    confidence : array-like of shape (n,), optional
        In 0–1, as ``LatentMap.confidence`` gives it: the less sure a place, the paler its point.

    Returns
    -------
    matplotlib.axes.Axes
        Both axes have the same unit, so that distances are true, unless one is more than four times
        as long. More than 20,000 points are drawn as an image, shaded by how dense they lie.

    Raises
    ------
    DataError
        If the codes are no matrix of finite numbers, or labels or confidence are not one a code.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> ax = codes([[0, 0], [1, 1], [0, 1]], ["a", "b", "a"])
    >>> sorted(text.get_text() for text in ax.texts)
    ['a', 'b']
    """
    codes = as_codes(Z)
    tags = Tags(labels, len(codes))
    sure = None if confidence is None else _sure(confidence, len(codes))
    view = view_of(codes)
    points = view.there(codes)
    flat = points.shape[1] > 1
    ax = axes_for(ax, 7, 7.3 if flat else 3.6)
    about = f"Codes of {len(codes):,} rows" if title is None else title
    if tags.shared:
        about += f" ({tags.different} labels share {len(PALETTE)} colours)"
    dress(ax, about, *view.names)
    if flat:
        frame(ax, window_of(points))
    else:
        ax.set_xlim(*window_of(points)[:, 0])
        points = np.column_stack([points, _lanes(ax, tags, len(points))])
    draw_points(ax, points, _colors(tags, sure))
    _explain(ax, tags, sure)
    if flat and tags.names:
        name_classes(ax, points, tags)
    return ax


def _sure(confidence: Any, count: int) -> np.ndarray:
    sure = np.asarray(confidence, dtype=np.float64)
    if sure.shape != (count,):
        raise DataError(f"confidence: expected one for each of {count} codes, found {sure.shape}")
    if not ((sure >= 0) & (sure <= 1)).all():
        raise DataError(f"confidence: expected numbers in 0–1, found {sure.min()} to {sure.max()}")
    return sure


def _colors(tags: Tags, sure: np.ndarray | None) -> np.ndarray:
    colors = tags.colors()
    return colors if sure is None else _paler(colors, sure[:, None])


def _paler(colors: np.ndarray, sure: np.ndarray) -> np.ndarray:
    kept = _HUE + (1 - _HUE) * sure
    return kept * colors + (1 - kept) * _PALE


def _explain(ax: Axes, tags: Tags, sure: np.ndarray | None) -> None:
    """Say what a colour means, where no name does."""
    from matplotlib.colors import to_rgb

    if tags.values is not None:
        picture: Any = ax.get_figure()
        bar = picture.colorbar(tags.scale, ax=ax, shrink=0.6, aspect=28, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=GREY, labelsize=8, length=0)
    if sure is not None:
        dark = np.array(to_rgb(GREY))
        for color, word in ((dark, "sure"), (_paler(dark, np.zeros(1)), "unsure of the place")):
            ax.plot([], [], "o", color=color, markersize=6, label=word)
        ax.legend(
            frameon=False,
            fontsize=9,
            labelcolor=GREY,
            ncols=2,
            columnspacing=1,
            handletextpad=0,
            borderaxespad=1.9,  # below the axis's numbers
            loc="upper right",
            bbox_to_anchor=(1, 0),
        )


def _lanes(ax: Axes, tags: Tags, count: int) -> np.ndarray:
    """Give the height of each point of a strip: its class's lane, and a jitter."""
    names = tags.names if len(tags.names) <= len(PALETTE) else []
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.set_ylim(max(len(names), 1) - 0.4, -0.6)
    jitter = np.random.default_rng(1).uniform(-0.3, 0.3, count)
    return (tags.numbers if names else 0) + jitter
