"""Dense regions of a class in the plane, and the position of its name in each of them."""

import numpy as np

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
