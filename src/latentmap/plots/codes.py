"""The codes as a scatter, coloured by label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.look import GREY, INK, PALETTE, axes_for, darker, dress, plain
from latentmap.plots.names import spread
from latentmap.plots.projection import as_codes, view_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["codes"]


def codes(Z: Any, labels: Any = None, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw codes as points, coloured by label.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Codes. Two numbers are the two axes; of more, their first two principal components are; a
        single number makes a strip, with a lane for each label.
    labels : array-like of shape (n,), optional
        Up to 20 different ones are classes, each with its colour and its name at the median of its
        points. More than 20 different numbers are a measured value, with a colour bar. More than 20
        different texts are coloured, but not named.
    ax : matplotlib.axes.Axes, optional
    title : str, optional

    Returns
    -------
    matplotlib.axes.Axes
        Points are drawn in shuffled order, so that no class covers another, and as pixels even in a
        .pdf or .svg.

    Raises
    ------
    DataError
        If the codes are no matrix of finite numbers, or the labels are not one a code.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> ax = codes([[0, 0], [1, 1], [0, 1]], ["a", "b", "a"])
    >>> [text.get_text() for text in ax.texts]
    ['a', 'b']
    """
    codes = as_codes(Z)
    view = view_of(codes)
    tags = _Tags(labels, len(codes))
    ax = axes_for(ax, 7, 6)
    points = view.there(codes)
    if points.shape[1] == 1:
        points = np.column_stack([points, _lanes(ax, tags, len(points))])
    _scatter(ax, points, tags)
    if codes.shape[1] > 1 and tags.named:
        _name_classes(ax, points, tags)
    about = f"Codes of {len(codes):,} rows" if title is None else title
    if tags.shared:
        about += f" ({len(tags.names)} labels share {len(PALETTE)} colours)"
    return dress(ax, about, *view.names)


class _Tags:
    """What the labels are, classes or a measured value, and the colour of each row."""

    def __init__(self, labels: Any, count: int) -> None:
        self.names: np.ndarray = np.empty(0)
        self.numbers = np.zeros(count, dtype=int)
        self.values: np.ndarray | None = None
        if labels is None:
            return
        tags = np.asarray(labels)
        if tags.shape != (count,):
            raise DataError(f"labels: expected one for each of {count} codes, found {tags.shape}")
        tags = tags.astype(str) if tags.dtype == object else tags
        self.names, self.numbers = np.unique(tags, return_inverse=True)
        if len(self.names) > len(PALETTE):
            self.values = _measured(tags)

    @property
    def named(self) -> bool:
        return 0 < len(self.names) <= len(PALETTE)

    @property
    def shared(self) -> bool:
        return len(self.names) > len(PALETTE) and self.values is None

    def colors(self) -> Any:
        if self.values is not None:
            return self.values
        if len(self.names) == 0:
            return PALETTE[0]
        return np.array(PALETTE)[self.numbers % len(PALETTE)]


def _measured(tags: np.ndarray) -> np.ndarray | None:
    try:
        return tags.astype(np.float64)
    except ValueError:
        return None


def _scatter(ax: Axes, points: np.ndarray, tags: _Tags) -> None:
    count = len(points)
    order = np.random.default_rng(0).permutation(count)
    colors = tags.colors()
    drawn = ax.scatter(
        points[order, 0],
        points[order, 1],
        c=colors if isinstance(colors, str) else colors[order],
        s=np.clip(300 / np.sqrt(count), 1, 36),
        alpha=np.clip(85 / np.sqrt(count), 0.3, 0.85),
        cmap="viridis" if tags.values is not None else None,
        linewidths=0,
        rasterized=True,
    )
    if tags.values is not None:
        _color_bar(ax, drawn)


def _color_bar(ax: Axes, drawn: Any) -> None:
    picture: Any = ax.get_figure()
    bar = picture.colorbar(drawn, ax=ax, shrink=0.6, aspect=28, pad=0.02)
    bar.solids.set_alpha(1)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=GREY, labelsize=8, length=0)


def _lanes(ax: Axes, tags: _Tags, count: int) -> np.ndarray:
    """Give the height of each point of a strip: its class's lane, and a jitter."""
    lanes = len(tags.names) if tags.named else 1
    ax.set_yticks(
        range(lanes), [plain(name) for name in tags.names] if tags.named else [""], parse_math=False
    )
    ax.set_ylim(lanes - 0.4, -0.6)
    jitter = np.random.default_rng(1).uniform(-0.3, 0.3, count)
    return (tags.numbers if tags.named else 0) + jitter


def _name_classes(ax: Axes, points: np.ndarray, tags: _Tags) -> None:
    from matplotlib.patheffects import withStroke

    places = [np.median(points[tags.numbers == i], axis=0) for i in range(len(tags.names))]
    texts = [plain(name) for name in tags.names]
    for i, (x, y) in enumerate(spread(np.array(places), texts, np.ptp(points, axis=0))):
        ax.text(
            x,
            y,
            texts[i],
            color=darker(PALETTE[i]) if len(texts) > 1 else INK,
            fontsize=12,
            fontweight="bold",
            ha="center",
            va="center",
            parse_math=False,
            path_effects=[withStroke(linewidth=3.5, foreground="white")],
        )
