"""Names of classes in a plot, placed so that they do not overlap."""

import warnings

import numpy as np

from latentmap.plots import style
from latentmap.plots.label_encoding import LabelEncoding
from latentmap.plots.matplotlib_types import Axes, ColorType, Text

_MAX_ITERATIONS = 300
# Maximum shift of a name, as a share of the frame; a name that is moved farther could seem to name
# another class.
_MAX_SHIFT = 0.15
_FULL_FONT_SIZE_INCHES = 4.0  # On a narrower Axes, names are smaller.
_PADDING = 2.0  # Pixels on each side of a name.


def draw_class_names(
    ax: Axes, points: np.ndarray, labels: LabelEncoding, color: str | None = None
) -> None:
    """Write the name of each class on its dense regions; the Axes must have its final limits."""
    low, high = np.transpose([sorted(ax.get_xlim()), sorted(ax.get_ylim())])
    by_size = np.argsort(-np.bincount(labels.indices[labels.indices >= 0]), kind="stable")
    regions = [
        (i, position, rows)
        for i in by_size
        for position, rows in find_dense_regions(points[labels.indices == i], low, high)
    ]
    if len(labels.names) == 1:
        color = style.TEXT_COLOR
    with warnings.catch_warnings():
        # A label may be in a script that matplotlib's font lacks; it is then drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        size = _font_size(ax, len(labels.names))
        texts = []
        for i, position, _ in regions:
            name_color = (
                style.darken(style.PALETTE[i % len(style.PALETTE)]) if color is None else color
            )
            texts.append(_add_name(ax, labels.names[i], position, name_color, size))
        _place_names(ax, texts, [rows for _, _, rows in regions])


def _font_size(ax: Axes, n_names: int) -> float:
    """Return the size of names, in points: smaller for many names or a small Axes."""
    figure = ax.figure.figure
    figure.draw_without_rendering()  # The width of the Axes is known after the layout.
    inches = ax.get_window_extent().width / figure.dpi
    size = 14 if n_names <= len(style.PALETTE) else 8.5
    return size * np.clip(inches / _FULL_FONT_SIZE_INCHES, 0.5, 1)


def _add_name(ax: Axes, name: str, position: np.ndarray, color: ColorType, size: float) -> Text:
    from matplotlib.patheffects import withStroke

    text = style.add_text(ax, position[0], position[1], name, color, size, bold=True)
    text.set_path_effects([withStroke(linewidth=1 + size / 5, foreground="white")])
    text.set_in_layout(False)  # Names are moved inside the Axes, so no space is needed for them.
    return text


def _place_names(ax: Axes, texts: list[Text], regions: list[np.ndarray]) -> None:
    """Move names until none overlaps another, and remove those without space."""
    boxes = [text.get_window_extent() for text in texts]
    sizes = np.array([[box.width, box.height] for box in boxes]) + 2 * _PADDING
    positions = ax.transData.transform([text.get_position() for text in texts])
    for position, size, rows in zip(positions, sizes, regions, strict=True):
        region_size = np.quantile(np.abs(ax.transData.transform(rows) - position), 0.9, axis=0)
        if (region_size < size).all():  # The name is placed above a region that it would cover.
            position[1] += region_size[1] + size[1] / 2
    low, high = np.reshape(ax.get_window_extent().extents, (2, 2))
    positions, is_placed = separate_boxes(positions, sizes, low, high)
    positions = ax.transData.inverted().transform(positions)
    for text, (x, y), has_space in zip(texts, positions, is_placed, strict=True):
        text.set_position((x, y))
        if not has_space:
            text.remove()


def separate_boxes(
    centers: np.ndarray, sizes: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move boxes apart inside a frame until none overlaps another.

    Boxes have ``centers`` and ``sizes`` of shape (n, 2), the most important box first. The frame
    has the corners ``low`` and ``high``. Returns the new centres, and which boxes fit: a box does
    not fit if it still overlaps a more important one, is larger than the frame, or was moved too
    far.
    """
    positions, half_sizes = centers.astype(float), sizes / 2
    min_positions, max_positions = low + half_sizes, np.maximum(high - half_sizes, low + half_sizes)
    for _ in range(_MAX_ITERATIONS):
        positions = np.clip(positions, min_positions, max_positions)
        if not _separate_pairs(positions, half_sizes):
            break
    positions = np.clip(positions, min_positions, max_positions)
    shift = np.abs(positions - np.clip(centers, min_positions, max_positions))
    is_placed = ((sizes <= high - low) & (shift < _MAX_SHIFT * (high - low))).all(axis=1)
    overlaps = _overlaps(positions, half_sizes)
    for i in range(len(positions)):
        is_placed[i] &= not (overlaps[i, :i] & is_placed[:i]).any()
    return positions, is_placed


def _overlaps(centers: np.ndarray, half_sizes: np.ndarray) -> np.ndarray:
    """Return whether each pair of boxes overlaps, shape (n, n)."""
    return (half_sizes[:, None] + half_sizes - np.abs(centers[:, None] - centers) > 1e-6).all(
        axis=2
    )


def _separate_pairs(centers: np.ndarray, half_sizes: np.ndarray) -> bool:
    """Move each overlapping pair apart along the axis of least overlap; return whether any did."""
    pairs = np.argwhere(np.tril(_overlaps(centers, half_sizes), -1)).tolist()
    # Single numbers of lists are accessed faster than those of arrays.
    points, size_lists = centers.tolist(), half_sizes.tolist()
    for i, j in pairs:
        a, b = points[i], points[j]
        overlap = [size_lists[i][k] + size_lists[j][k] - abs(a[k] - b[k]) for k in (0, 1)]
        k = overlap.index(min(overlap))
        # The boxes may not overlap any more, because another pair has moved one of them.
        if overlap[k] > 0:
            step = overlap[k] / 2 if a[k] >= b[k] else -overlap[k] / 2
            a[k] += step
            b[k] -= step
    centers[:] = points
    return bool(pairs)


_GRID_SIDE = 64
_SMOOTHING = 1.5  # Standard deviation of the filter, in cells.
_MIN_DENSITY = 0.1  # Minimum density of a region, as a share of the highest density of its class.
# Minimum density at a name, as a share of the highest density of its region.
_MIN_DENSITY_AT_NAME = 0.25
_MIN_SHARE, _MIN_ROWS = 0.2, 10  # Smaller regions are left out, except the largest one.
_MIN_DISTANCE = 0.12  # Minimum distance of two names, as a share of the visible range.


def find_dense_regions(
    points: np.ndarray, low: np.ndarray, high: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find the dense regions of a class, in descending order of size.

    Returns the position of the name and the rows of each region.
    """
    from scipy.ndimage import gaussian_filter, label

    cells = _grid_cells(points, low, high)
    counts = np.zeros((_GRID_SIDE, _GRID_SIDE))
    np.add.at(counts, tuple(cells.T), 1)
    density = gaussian_filter(counts, _SMOOTHING, mode="constant")
    components, _ = label(density > _MIN_DENSITY * density.max(), np.ones((3, 3)))
    component = components[tuple(cells.T)]
    sizes = np.bincount(component, minlength=2)
    sizes[0] = 0  # Component 0 is the background.
    regions: list[tuple[np.ndarray, np.ndarray]] = []
    for i in np.argsort(-sizes, kind="stable"):
        if regions and sizes[i] < max(_MIN_SHARE * len(points), _MIN_ROWS):
            break
        rows = points[component == i]
        heights = density[tuple(cells[component == i].T)]
        median = np.median(rows, axis=0)
        median_density = density[tuple(_grid_cells(median, low, high))]
        is_dense = median_density >= _MIN_DENSITY_AT_NAME * heights.max()
        position = median if is_dense else rows[heights.argmax()]
        min_distance = _MIN_DISTANCE * (high - low)
        if all(
            (np.abs(position - other_position) > min_distance).any()
            for other_position, _ in regions
        ):
            regions.append((position, rows))
    return regions


def _grid_cells(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.clip(((points - low) / (high - low) * _GRID_SIDE).astype(int), 0, _GRID_SIDE - 1)
