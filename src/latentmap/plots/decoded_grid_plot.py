"""Plot of a grid of decoded codes: the image that each part of the code plane decodes to."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.model_info import FittedEstimator, as_map
from latentmap.errors import DataError
from latentmap.number_checks import check_number
from latentmap.plots import style
from latentmap.plots.image_tiles import is_image_shape, tile_images, to_rgb
from latentmap.plots.matplotlib_types import Axes
from latentmap.plots.projection import Projection, bounding_region, codes_or_landmarks, grid_centers

_REFERENCE_ROWS = 200  # Number of decoded codes that determine black and white.
# Codes outside of these percentiles do not extend the region of the grid.
_PERCENTILES = (0.5, 99.5)
_PLOT_PIXELS, _IMAGES_ACROSS = 896, (14, 28)
_MAX_IMAGE_PIXELS = 100
_MIN_OPACITY = 0.08  # Opacity where the density is zero.


def decoded_grid(
    estimator: FittedEstimator,
    codes: ArrayLike | None = None,
    ax: Axes | None = None,
    n: int | None = None,
) -> Axes:
    """Draw the plane of the codes as a grid of decoded images.

    Parameters
    ----------
    estimator : fitted estimator
        Its ``inverse_transform`` returns images, (n, h, w) or (n, h, w, c).
    codes : array-like of shape (m, n_components), optional
        Codes of rows, which determine the region of the grid; by default the landmarks of a
        ``LatentMap``. For codes of more than two components the grid lies in the plane of their
        first two principal components, through their mean. For one component it has one line.
    ax : matplotlib.axes.Axes, optional
    n : int, optional
        Number of rows and of columns of the grid. The default is 28 for images up to 32 pixels
        wide, and decreases to 14 for wider images.

    Returns
    -------
    matplotlib.axes.Axes
        Its units are those of the codes. Images are paler where there are fewer rows: according to
        the ``density`` of a ``LatentMap``, otherwise to the number of codes nearby, if there are at
        least as many codes as images.

    Raises
    ------
    DataError
        If the estimator does not decode to images.
    SettingError
        If ``n`` is below 1, or no codes are given and the estimator has no landmarks.
    """
    if n is not None:
        check_number("n", n, Integral, 1)
    codes = codes_or_landmarks(estimator, codes)
    projection = Projection.fit(codes)
    points = projection.transform(codes)
    region = bounding_region(points, _PERCENTILES if as_map(estimator) is None else (0, 100))
    reference = _decode_sample(estimator, codes)
    n = n or int(np.clip(_PLOT_PIXELS / reference.shape[2], *_IMAGES_ACROSS))
    grid = projection.inverse_transform(grid_centers(region, n))
    images = to_rgb(_resize(np.asarray(estimator.inverse_transform(grid))), reference)
    opacity = _MIN_OPACITY + (1 - _MIN_OPACITY) * _density(estimator, grid, points, region)
    images = 1 - opacity[:, None, None, None] * (1 - images)
    is_line = region.shape[1] == 1
    ax = style.get_axes(ax, 7, 1.6 if is_line else 7.3)
    _show(ax, tile_images(images, n, gap=1), region)
    return style.set_titles(ax, "Decoded grid of codes", *projection.names)


def _resize(images: np.ndarray) -> np.ndarray:
    """Enlarge small images by repeating pixels, and shrink large images by averaging pixels."""
    count, height, width = images.shape[:3]
    zoom, step = -(-_IMAGES_ACROSS[1] // height), max(1, min(height, width) // _MAX_IMAGE_PIXELS)
    if step == 1:
        return images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    images = images[:, : height // step * step, : width // step * step]
    blocks = images.reshape(count, height // step, step, width // step, step, -1)
    return blocks.mean(axis=(2, 4)).reshape(count, height // step, width // step, *images.shape[3:])


def _density(
    estimator: FittedEstimator, grid: np.ndarray, points: np.ndarray, region: np.ndarray
) -> np.ndarray:
    """Return the density at each code of the grid, in 0–1."""
    fitted_map = as_map(estimator)
    if fitted_map is not None:
        return np.asarray(fitted_map.density(grid), dtype=np.float64)
    if len(points) < len(grid):
        return np.ones(len(grid))  # There are too few codes for an estimate.
    width = points.shape[1]
    counts, _ = np.histogramdd(points, round(len(grid) ** (1 / width)), list(region.T))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(counts, 1), (3,) * width)
    sums = windows.reshape(*counts.shape, -1).sum(axis=-1)
    sums = sums / np.median(sums[sums > 0])
    return np.minimum(sums if width == 1 else sums.T[::-1], 1).ravel()


def _decode_sample(estimator: FittedEstimator, codes: np.ndarray) -> np.ndarray:
    """Decode a sample of the codes; the corners of the grid may decode to extreme values."""
    sample = np.linspace(0, len(codes) - 1, min(len(codes), _REFERENCE_ROWS)).astype(int)
    images = np.asarray(estimator.inverse_transform(codes[sample]))
    if not is_image_shape(images.shape[1:]):
        raise DataError(
            "decoded_grid: expected a model of images, found rows of shape "
            f"{tuple(images.shape[1:])}"
        )
    return images


def _show(ax: Axes, image: np.ndarray, region: np.ndarray) -> None:
    is_line = region.shape[1] == 1
    (left, right), (bottom, top) = (region[:, 0], (0, 1)) if is_line else region.T
    if is_line:
        ax.set_yticks([])
    ax.imshow(image, extent=(left, right, bottom, top))
    # Pixels are square in the plot, even if the axes have different ranges.
    height, width, _ = image.shape
    ax.set_aspect((right - left) / (top - bottom) * height / width)
