"""Pictures into files: drawn without a display, written beside their place, moved in when whole."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from latentmap.files import PICTURE_SUFFIXES, check_output_path, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["figure"]

_DOTS_PER_INCH = 200


@contextlib.contextmanager
def figure(path: str | os.PathLike[str], width: float = 7.0, height: float = 6.0) -> Iterator[Axes]:
    """Give an Axes to draw on, and write its figure to a file if the block ends well.

    Parameters
    ----------
    path : path-like
        Ends in .png (200 dots an inch), .pdf or .svg.
    width, height : float
        In inches.

    Yields
    ------
    matplotlib.axes.Axes

    Raises
    ------
    FileError
        If the suffix is another, or the place cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from latentmap.plots import loss_curve
    >>> place = pathlib.Path(tempfile.mkdtemp()) / "loss.png"
    >>> with figure(place, 4, 3) as ax:
    ...     _ = loss_curve({"epoch": [1, 2], "loss": [0.5, 0.2]}, ax=ax)
    >>> place.read_bytes()[1:4]
    b'PNG'
    """
    path = check_output_path(path, PICTURE_SUFFIXES)
    # Not pyplot: it keeps every figure alive, and may look for a window to show it in.
    from matplotlib.figure import Figure

    picture = Figure(figsize=(width, height), layout="constrained")
    yield picture.subplots()
    with write_atomically(path) as beside, warnings.catch_warnings():
        # A label may be written in a script that matplotlib's font lacks: boxes are drawn then.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        # Where axes keep their proportions, the layout takes two passes to come to rest.
        picture.draw_without_rendering()
        picture.savefig(beside, dpi=_DOTS_PER_INCH, format=path.suffix[1:].lower())
