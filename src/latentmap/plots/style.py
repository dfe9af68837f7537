"""The look that all pictures share, and the one door through which texts from data reach a picture.

A label from a table may hold ``$``, a line break or a control character. matplotlib would read the
first as mathematics and warn of the last, so every such text goes through `plain`, and is drawn
with ``parse_math=False``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "FAINT",
    "GREY",
    "INK",
    "PALETTE",
    "axes_for",
    "darker",
    "dress",
    "frame",
    "plain",
    "undress",
]

INK, GREY, FAINT = "#333333", "#8a8a8a", "#d9d9d9"

# Eight are from M. A. Petroff, "Accessible Color Sequences for Data Visualization" (2021,
# arXiv:2107.02270), without its two greys. The fourth, the ninth and the last ten were added one
# by one, each the sRGB colour (of some chroma, neither too light nor too dark) farthest in OKLab
# from those before, for normal sight, protanopia and deuteranopia as simulated by G. M. Machado et
# al. (2009). No two of the twenty are closer than .07 to each other in any of the three.
PALETTE = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#008f8f", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#29337a", "#92dadd"),
    *("#700a29", "#0a3dff", "#a3adff", "#7a4766", "#ff33ad"),
    *("#66eb8f", "#7070ff", "#e099b8", "#476633", "#522952"),
)

_LONGEST = 28


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """Give ``ax``, or the Axes of a new pyplot figure of this size in inches."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def dress(ax: Axes, title: str, x: str = "", y: str = "") -> Axes:
    """Set title and axis labels, and take away what only adds ink."""
    ax.set_title(plain(title, 80), loc="left", fontsize=11, color=INK, pad=9, parse_math=False)
    ax.set_xlabel(x, fontsize=9, color=GREY)
    ax.set_ylabel(y, fontsize=9, color=GREY)
    ax.tick_params(colors=GREY, labelsize=8, length=3, color=FAINT)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)
    return ax


def frame(ax: Axes, window: np.ndarray) -> None:
    """Show the region between two corners, (2, 2), with equal units if its sides are equal."""
    low, high = window
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    if np.isclose(high[0] - low[0], high[1] - low[1], atol=0):
        ax.set_aspect("equal")


def undress(ax: Axes) -> Axes:
    """Take the frame and the tick marks away: for images, which bring their own edges."""
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def plain(text: Any, longest: int = _LONGEST) -> str:
    r"""Make any value one short line of printable characters.

    Examples
    --------
    >>> plain("a\tb\x00"), plain(""), plain("x" * 40, 5)
    ('a b�', '(empty)', 'xxxx…')
    """
    line = " ".join(str(text).split()) or "(empty)"
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def darker(color: str) -> tuple[float, float, float]:
    """Give a colour dark enough to be read as text on white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (0.55 * part for part in to_rgb(color))
    return red, green, blue
