"""Colours, axes and text styles that all plots share.

A label from a table may contain ``$``, a line break or a control character. matplotlib would parse
``$`` as mathematics and warn about control characters. Every text from data therefore passes
through `display_text` and is drawn with ``parse_math=False``.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from latentmap.plots.matplotlib_types import Axes, ColorType, ScalarMappable, Text

TEXT_COLOR, GREY, LIGHT_GREY = "#333333", "#8a8a8a", "#d9d9d9"
# Label of a figure whose size is determined by the plot that is drawn on it.
AUTOMATIC_SIZE = "automatic size"

# Eight colours are from M. A. Petroff, "Accessible Color Sequences for Data Visualization" (2021,
# arXiv:2107.02270), without the two greys. The fourth, the ninth and the last ten were added one
# by one: each is the sRGB colour (of medium lightness and not grey) that is farthest in OKLab from
# the previous colours, for normal vision, protanopia and deuteranopia as simulated by G. M. Machado
# et al. (2009). In all three cases, the distance of any two colours is at least 0.07.
PALETTE = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#008f8f", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#29337a", "#92dadd"),
    *("#700a29", "#0a3dff", "#a3adff", "#7a4766", "#ff33ad"),
    *("#66eb8f", "#7070ff", "#e099b8", "#476633", "#522952"),
)


def get_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Return ``ax``, or the Axes of a new pyplot figure of this size in inches.

    A figure with the label `AUTOMATIC_SIZE` is set to this size.
    """
    if ax is not None:
        if ax.figure.figure.get_label() == AUTOMATIC_SIZE:
            ax.figure.figure.set_size_inches(width, height)
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def set_titles(
    ax: Axes, title: str, xlabel: str = "", ylabel: str = "", *, title_pad: float = 9
) -> Axes:
    """Set the title and the axis labels in the style of this library."""
    text = display_text(title, 80)
    ax.set_title(text, loc="left", fontsize=11, color=TEXT_COLOR, pad=title_pad, parse_math=False)
    ax.set_xlabel(xlabel, fontsize=9, color=GREY)
    ax.set_ylabel(ylabel, fontsize=9, color=GREY)
    ax.tick_params(colors=GREY, labelsize=8, length=3, color=LIGHT_GREY)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LIGHT_GREY)
    return ax


def add_text(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    color: ColorType = TEXT_COLOR,
    size: float = 8,
    ha: Literal["left", "center", "right"] = "center",
    va: Literal["bottom", "center", "top"] = "center",
    bold: bool = False,
) -> Text:
    """Write text at data coordinates, without parsing mathematics."""
    weight = "bold" if bold else "normal"
    return ax.text(
        x, y, text, color=color, fontsize=size, ha=ha, va=va, fontweight=weight, parse_math=False
    )


def set_limits(ax: Axes, bounds: np.ndarray) -> None:
    """Set the limits of the axes to two corners, shape (2, 2); a square region stays square."""
    low, high = bounds
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    if np.isclose(high[0] - low[0], high[1] - low[1], atol=0):
        ax.set_aspect("equal")


def hide_frame(ax: Axes) -> Axes:
    """Hide the spines and the tick marks of an Axes."""
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def add_colorbar(ax: Axes, mappable: ScalarMappable, aspect: float, label: str = "") -> None:
    """Add a colour bar beside an Axes, with a label that names its unit."""
    bar = ax.figure.figure.colorbar(mappable, ax=ax, shrink=0.6, aspect=aspect, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=GREY, labelsize=8, length=0)
    bar.set_label(label, color=GREY, fontsize=8)


def column_names_or_default(names: Sequence[str] | None, n_columns: int) -> Sequence[str]:
    """Return the names of columns, or "column 0", "column 1" and so on."""
    return [f"column {i}" for i in range(n_columns)] if names is None else names


def label_columns(ax: Axes, names: Sequence[str], rotation: float = 35) -> None:
    """Write the names of columns below the x axis, at 0, 1, 2 and so on."""
    ax.set_xticks(range(len(names)), names, parse_math=False)
    if rotation:
        ax.tick_params(axis="x", labelrotation=rotation)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def value_text(value: object, max_length: int = 24) -> str:
    """Format a number with four significant digits, and other values as one short line."""
    return display_text(value, max_length) if isinstance(value, str) else f"{value:.4g}"


def display_text(value: object, max_length: int = 28) -> str:
    r"""Return the text of a value as one short line of printable characters."""
    line = " ".join(str(value).split()) or "(empty)"
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def darken(color: str) -> tuple[float, float, float]:
    """Return a darker colour that is readable as text on white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (0.55 * part for part in to_rgb(color))
    return red, green, blue
