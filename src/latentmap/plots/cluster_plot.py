"""The most typical rows of each cluster: a contact sheet of images, one lane a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.image_tiles import are_images, mosaic, tones
from latentmap.plots.style import INK, axes_for, dress, plain, undress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["typical_rows", "typical_rows_size"]

_CELL, _NAMES, _TITLE = 0.6, 1.6, 0.6  # inches: an image, what stands beside it, above it


def typical_rows(
    lanes: Sequence[Any], names: Sequence[str], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Draw the typical rows of each cluster.

    Parameters
    ----------
    lanes : sequence of array-like of shape (t, h, w) or (t, h, w, c)
        The images of each cluster, the most typical first; t may differ.
    names : sequence of str
        What to write beside each lane.
    ax : matplotlib.axes.Axes, optional
    title : str, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If there is no lane, or the rows are no images of one shape, or names are not one a lane.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> ax = typical_rows([np.zeros((3, 8, 8)), np.ones((2, 8, 8))], ["0", "1"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['0', '1']
    """
    images = [np.asarray(lane) for lane in lanes]
    _check(images, names)
    height, width = images[0].shape[1:3]
    gap = max(1, round(height / 14))
    ax = axes_for(ax, *typical_rows_size([len(lane) for lane in images], (height, width)))
    ax.imshow(_sheet(images, gap), interpolation="nearest" if height < 64 else "antialiased")
    ax.set_xticks([])
    middles = [(height - 1) / 2 + lane * (height + gap) for lane in range(len(images))]
    dress(ax, "The most typical rows of each cluster" if title is None else title)
    ax.set_yticks(middles, [plain(name) for name in names], parse_math=False, color=INK)
    return undress(ax)


def typical_rows_size(counts: Sequence[int], row_shape: tuple[int, ...]) -> tuple[float, float]:
    """Give the width and height of the sheet, in inches, for lanes of so many images.

    Examples
    --------
    >>> typical_rows_size([10, 8], (28, 28))
    (7.6, 1.8)
    """
    height = _CELL * min(row_shape[0] / row_shape[1], 4.0)
    across = max(counts) * _CELL + _NAMES
    return round(max(across, 4.0), 2), round(len(counts) * height + _TITLE, 2)


def _check(images: list[np.ndarray], names: Sequence[str]) -> None:
    if not images or len(names) != len(images):
        raise DataError(f"names: expected one for each of {len(images)} lanes, found {len(names)}")
    shapes = {lane.shape[1:] for lane in images}
    if len(shapes) > 1 or not are_images(images[0].shape[1:]) or not all(map(len, images)):
        raise DataError(f"lanes: expected images of one shape in each, found {sorted(shapes)}")


def _sheet(images: list[np.ndarray], gap: int) -> np.ndarray:
    """Lay the lanes out, white where a lane is shorter than others."""
    like = np.concatenate(images)
    most = max(len(lane) for lane in images)
    sheet = np.ones((len(images), most, *images[0].shape[1:3], 3))
    for cells, lane in zip(sheet, images, strict=True):
        cells[: len(lane)] = tones(lane, like)
    return mosaic(sheet.reshape(-1, *sheet.shape[2:]), most, gap)
