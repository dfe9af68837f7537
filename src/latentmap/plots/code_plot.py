"""Scatter plot of codes, coloured by label."""

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.class_labels import draw_class_names
from latentmap.plots.label_encoding import LabelEncoding
from latentmap.plots.matplotlib_types import Axes
from latentmap.plots.point_drawing import draw_points
from latentmap.plots.projection import Projection, as_codes, bounding_region

_PALE_COLOR = np.array([0.88, 0.88, 0.88])
_MIN_COLOR_SHARE = 0.2  # Weight of the colour of the label at confidence 0.


def codes(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    confidence: ArrayLike | None = None,
    held_out: ArrayLike | None = None,
    values: ArrayLike | None = None,
) -> Axes:
    """Draw codes as points, coloured by label.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Codes. Two components are the two axes. Codes with more components are projected to their
        first two principal components. A single component is drawn as a strip with a line for each
        label.
    labels : array-like of shape (n,), optional
        Up to 20 distinct labels are classes, each with its colour and with its name on its dense
        regions. More than 20 distinct numbers are a measured value and get a colour bar. More than
        20 distinct strings share colours, and up to 60 are named.
    ax : matplotlib.axes.Axes, optional
    title : str, optional
    confidence : array-like of shape (n,), optional
        Numbers in 0–1, as ``LatentMap.confidence`` returns them; points of low confidence are pale.
    held_out : array-like of shape (n,), bool, optional
        Rows that were not fitted, which are drawn as circles without a filling.
    values : array-like of shape (n,), optional
        A number for each row instead of labels, such as its reconstruction error, with a colour
        bar. Rows of NaN are grey.

    Returns
    -------
    matplotlib.axes.Axes
        Both axes have the same scale, so that distances are not distorted, unless one axis is more
        than four times as long. More than 20,000 points are drawn as an image shaded by density.

    Raises
    ------
    DataError
        If the codes are not a matrix of finite numbers, the number of labels, values, confidences
        or held-out marks differs from the number of codes, or labels and values are given.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> ax = codes([[0, 0], [1, 1], [0, 1]], ["a", "b", "a"])
    >>> sorted(text.get_text() for text in ax.texts)
    ['a', 'b']
    """
    array = as_codes(Z)
    if labels is not None and values is not None:
        raise DataError("values: expected None with labels, found both: give one of them")
    has_values = values is not None
    encoding = LabelEncoding(values if has_values else labels, len(array), are_values=has_values)
    colors = encoding.colors()
    if confidence is not None:
        colors = _fade(colors, _check_confidence(confidence, len(array))[:, None])
    projection = Projection.fit(array)
    points = projection.transform(array)
    is_strip = points.shape[1] == 1
    title = f"Codes of {len(array):,} rows" if title is None else title
    if encoding.has_unnamed_classes:
        title += f" ({encoding.n_distinct} labels share {len(style.PALETTE)} colours)"
    ax = style.set_titles(style.get_axes(ax, 7, 3.6 if is_strip else 7.3), title, *projection.names)
    region = bounding_region(points)
    if is_strip:
        ax.set_xlim(*region[:, 0])
        points = np.column_stack([points, _strip_heights(ax, encoding)])
    else:
        style.set_limits(ax, region)
    draw_points(ax, points, colors, _check_held_out(held_out, len(array)))
    if encoding.values is not None:
        style.add_colorbar(ax, encoding.color_scale, aspect=28)
    if confidence is not None:
        _add_confidence_legend(ax)
    if encoding.names and not is_strip:
        draw_class_names(ax, points, encoding)
    return ax


def _check_confidence(confidence: ArrayLike, count: int) -> np.ndarray:
    array = np.asarray(confidence, dtype=np.float64)
    if array.shape != (count,):
        raise DataError(f"confidence: expected one for each of {count} codes, found {array.shape}")
    if not ((array >= 0) & (array <= 1)).all():
        raise DataError(
            f"confidence: expected numbers in 0–1, found {array.min()} to {array.max()}"
        )
    return array


def _check_held_out(held_out: ArrayLike | None, count: int) -> np.ndarray:
    array = np.zeros(count, bool) if held_out is None else np.asarray(held_out, bool)
    if array.shape != (count,):
        raise DataError(f"held_out: expected one for each of {count} codes, found {array.shape}")
    return array


def _fade(colors: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    share = _MIN_COLOR_SHARE + (1 - _MIN_COLOR_SHARE) * confidence
    return share * colors + (1 - share) * _PALE_COLOR


def _add_confidence_legend(ax: Axes) -> None:
    from matplotlib.colors import to_rgb

    # The label is on the left, because the legend is on the right.
    ax.set_xlabel(ax.get_xlabel(), loc="left")
    dark = np.array(to_rgb(style.GREY))
    for confidence, text in ((1.0, "high confidence"), (0.0, "low confidence")):
        color = _fade(dark, np.array([confidence]))
        ax.plot([], [], "o", color=tuple(color), markersize=6, label=text)
    ax.legend(
        frameon=False,
        fontsize=9,
        labelcolor=style.GREY,
        ncols=2,
        columnspacing=1,
        handletextpad=0,
        borderaxespad=1.9,  # The legend is below the tick labels.
        loc="upper right",
        bbox_to_anchor=(1, 0),
    )


def _strip_heights(ax: Axes, encoding: LabelEncoding) -> np.ndarray:
    """Return the y of each point of a strip: the line of its class plus a random offset."""
    names = encoding.names if len(encoding.names) <= len(style.PALETTE) else []
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.set_ylim(max(len(names), 1) - 0.4, -0.6)
    offsets = np.random.default_rng(1).uniform(-0.3, 0.3, len(encoding.indices))
    return (encoding.indices if names else 0) + offsets
