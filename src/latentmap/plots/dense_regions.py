"""Where the name of a class belongs: in the thick of each of its islands.

The median of a class may lie between two islands, where it has no row at all. So its rows are
counted on a grid, smoothed a little, and what hangs together there is an island.
"""

from __future__ import annotations

import numpy as np

__all__ = ["islands"]

_CELLS = 64  # across what is shown
_BLUR = 1.5  # cells
_SHORE = 0.1  # of the greatest density: thinner is sea
_THIN = 0.25  # of an island's greatest density: no place for its name
_SHARE, _FEWEST = 0.2, 10  # of the class's rows, and rows: smaller islands get no second name
_APART = 0.12  # of what is shown: islands nearer than that share a name


def islands(
    points: np.ndarray, low: np.ndarray, high: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find the large islands of one class.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        The rows of the class.
    low, high : ndarray of shape (2,)
        The corners of what is shown.

    Returns
    -------
    list of (ndarray of shape (2,), ndarray of shape (m, 2))
        For each, the largest first, a place in its thick and its rows. The place is their median,
        or, where that is thin, the row in the densest spot. Of the smaller ones, those that hold a
        fifth of the rows, and ten, and lie apart.

    Examples
    --------
    >>> points = np.array([[1.0, 1.0]] * 16 + [[9.0, 9.0]] * 10 + [[9.0, 1.0]])
    >>> [place.tolist() for place, _ in islands(points, np.zeros(2), np.full(2, 10.0))]
    [[1.0, 1.0], [9.0, 9.0]]
    """
    from scipy.ndimage import gaussian_filter, label

    cells = _cells(points, low, high)
    counts = np.zeros((_CELLS, _CELLS))
    np.add.at(counts, tuple(cells.T), 1)
    density = gaussian_filter(counts, _BLUR, mode="constant")
    parts, _ = label(density > _SHORE * density.max(), np.ones((3, 3)))
    home = parts[tuple(cells.T)]
    sizes = np.bincount(home, minlength=2)
    sizes[0] = 0  # those at sea
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for part in np.argsort(-sizes, kind="stable"):
        if found and sizes[part] < max(_SHARE * len(points), _FEWEST):
            break
        rows = points[home == part]
        heights = density[tuple(cells[home == part].T)]
        middle = np.median(rows, axis=0)
        thick = density[tuple(_cells(middle, low, high))] >= _THIN * heights.max()
        place = middle if thick else rows[heights.argmax()]
        if all((np.abs(place - other) > _APART * (high - low)).any() for other, _ in found):
            found.append((place, rows))
    return found


def _cells(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.clip(((points - low) / (high - low) * _CELLS).astype(int), 0, _CELLS - 1)
