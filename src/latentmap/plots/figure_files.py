"""Image files of figures, drawn without a display and written atomically."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from numbers import Real

from latentmap.files import PICTURE_SUFFIXES, check_output_path, write_atomically
from latentmap.number_checks import check_number
from latentmap.plots.fonts import use_installed_fonts
from latentmap.plots.matplotlib_types import Axes
from latentmap.plots.style import AUTOMATIC_SIZE

_DOTS_PER_INCH = 200


@contextlib.contextmanager
def figure(
    path: str | os.PathLike[str], width: float | None = None, height: float | None = None
) -> Iterator[Axes]:
    """Provide an Axes to draw on, and write its figure to a file when the block ends normally.

    Parameters
    ----------
    path : path-like
        Ends in .png (200 dots per inch), .pdf or .svg.
    width, height : float, optional
        In inches, from 0.1 to 300. By default the plot function that draws on the Axes
        determines the size.

    Yields
    ------
    matplotlib.axes.Axes

    Raises
    ------
    FileError
        If the suffix is not supported, or the path is not writable.
    SettingError
        If ``width`` or ``height`` is out of range.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from latentmap.plots import loss_curve
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "loss.png"
    >>> with figure(path, 4, 3) as ax:
    ...     _ = loss_curve({"epoch": [1, 2], "loss": [0.5, 0.2]}, ax=ax)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    path = check_output_path(path, PICTURE_SUFFIXES)
    for name, size in (("width", width), ("height", height)):
        if size is not None:
            check_number(name, size, Real, 0.1, 300)
    # pyplot would keep every figure alive, and may open a window.
    from matplotlib.figure import Figure

    image = Figure(layout="constrained")
    if width is None or height is None:
        image.set_label(AUTOMATIC_SIZE)
    else:
        image.set_size_inches(width, height)
    yield image.subplots()
    use_installed_fonts(image)
    with write_atomically(path) as temporary_path, warnings.catch_warnings():
        # A label may be in a script that no installed font has; it is then drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        # The constrained layout needs two passes to converge for axes of fixed aspect.
        image.draw_without_rendering()
        image.savefig(temporary_path, dpi=_DOTS_PER_INCH, format=path.suffix[1:].lower())
