"""Placement of new landmarks in a free region of the map."""

import numpy as np

GRID_STEPS = {1: 1_000, 2: 60, 3: 20}  # Grid points along each axis, by number of components.
WIDTH_WEIGHT = 2.0  # Weight of the map's width relative to the distance from the target.


def find_free_region(
    new_positions: np.ndarray, earlier_positions: np.ndarray, target: np.ndarray, gap: float
) -> np.ndarray:
    """Find a shift of new landmarks to a free region.

    Among the shifts on a grid after which each new landmark is at least ``gap`` away from every
    earlier one, it minimises the distance from ``target`` plus twice the width of the map.

    Parameters
    ----------
    new_positions : ndarray of shape (k, n_components)
        The new landmarks, centred at 0.
    earlier_positions : ndarray of shape (K, n_components)
        The earlier landmarks that have rows.
    target : ndarray of shape (n_components,)
        Position of the new rows on the earlier map.
    gap : float

    Returns
    -------
    ndarray of shape (n_components,)

    Examples
    --------
    >>> earlier = np.array([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0]])
    >>> target = np.array([0.0, 8.0])
    >>> find_free_region(np.zeros((1, 2)), earlier, target, 3.0).round().tolist()
    [0.0, 8.0]
    """
    from scipy.spatial import cKDTree

    margin = np.ptp(new_positions, axis=0) + 1.5 * gap
    low, high = earlier_positions.min(axis=0), earlier_positions.max(axis=0)
    shifts = _grid(low - margin, high + margin)
    new_low, new_high = shifts + new_positions.min(axis=0), shifts + new_positions.max(axis=0)
    width = (np.maximum(high, new_high) - np.minimum(low, new_low)).max(axis=1)
    cost = np.linalg.norm(shifts - target, axis=1) + WIDTH_WEIGHT * width
    tree = cKDTree(earlier_positions)
    for shift in shifts[np.argsort(cost, kind="stable")]:
        if tree.query(new_positions + shift)[0].min() >= gap:
            return shift
    raise AssertionError("the corners of the grid are free")


def _grid(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    axes = [np.linspace(a, b, GRID_STEPS[len(low)]) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(low))
