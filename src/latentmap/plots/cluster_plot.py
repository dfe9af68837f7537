"""Plot of the exemplars of each cluster: its most typical images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.image_tiles import image_gap, is_image_shape, show_image, tile_images, to_rgb
from latentmap.plots.matplotlib_types import Axes

_IMAGE_INCHES, _NAME_INCHES, _TITLE_INCHES = 0.6, 1.6, 0.6


def exemplars(
    clusters: Sequence[ArrayLike],
    names: Sequence[str],
    ax: Axes | None = None,
    title: str = "Exemplars of each cluster",
) -> Axes:
    """Draw the exemplars of each cluster, which are images, one line for each cluster.

    Parameters
    ----------
    clusters : sequence of array-like of shape (t, h, w) or (t, h, w, c)
        The images of each cluster, the most typical first; t may differ between clusters.
    names : sequence of str
        The text beside each line.
    ax : matplotlib.axes.Axes, optional
    title : str

    Raises
    ------
    DataError
        If there is no cluster, the rows are not images of one shape, or there is not one name for
        each cluster.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> ax = exemplars([np.zeros((3, 8, 8)), np.ones((2, 8, 8))], ["0", "1"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['0', '1']
    """
    images = [np.asarray(cluster) for cluster in clusters]
    _check(images, names)
    height, width = images[0].shape[1:3]
    gap = image_gap(height)
    ax = style.get_axes(ax, *_figure_size([len(cluster) for cluster in images], (height, width)))
    show_image(ax, _tile_clusters(images, gap), "nearest" if height < 64 else "antialiased")
    centers = [(height - 1) / 2 + line * (height + gap) for line in range(len(images))]
    style.set_titles(ax, title)
    tick_labels = [style.display_text(name) for name in names]
    ax.set_yticks(centers, tick_labels, parse_math=False, color=style.TEXT_COLOR)
    return style.hide_frame(ax)


def _figure_size(counts: Sequence[int], row_shape: tuple[int, ...]) -> tuple[float, float]:
    height = _IMAGE_INCHES * min(row_shape[0] / row_shape[1], 4.0)
    width = max(counts) * _IMAGE_INCHES + _NAME_INCHES
    return round(max(width, 4.0), 2), round(len(counts) * height + _TITLE_INCHES, 2)


def _check(images: list[np.ndarray], names: Sequence[str]) -> None:
    if not images or len(names) != len(images):
        raise DataError(
            f"names: expected one for each of {len(images)} clusters, at least one, "
            f"found {len(names)}"
        )
    shapes = {cluster.shape[1:] for cluster in images}
    if len(shapes) > 1 or not is_image_shape(images[0].shape[1:]) or not all(map(len, images)):
        raise DataError(
            f"clusters: expected images of one shape, at least one in each, found {sorted(shapes)}"
        )


def _tile_clusters(images: list[np.ndarray], gap: int) -> np.ndarray:
    """Return one image with a line of tiles for each cluster; shorter lines end in white."""
    reference = np.concatenate(images)
    columns = max(len(cluster) for cluster in images)
    cells = np.ones((len(images), columns, *images[0].shape[1:3], 3))
    for line, cluster in zip(cells, images, strict=True):
        line[: len(cluster)] = to_rgb(cluster, reference)
    return tile_images(cells.reshape(-1, *cells.shape[2:]), columns, gap)
