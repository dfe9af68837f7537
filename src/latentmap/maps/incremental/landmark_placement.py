"""Placement of new landmarks in a free region of the map."""

import numpy as np

GRID_STEPS = {1: 1_000, 2: 60, 3: 20}  # steps along each axis, by number of components
WIDTH_WEIGHT = 2.0  # weight of the map's width relative to the distance from the old positions


def find_free_region(
    block: np.ndarray, lived: np.ndarray, wanted: np.ndarray, gap: float
) -> np.ndarray:
    """Find the shift of a block of new landmarks to a free region.

    Among the shifts on a grid after which each new landmark is at least ``gap`` away from every old
    one, it is the one with the least distance from ``wanted``, plus twice the width of the map.

    Parameters
    ----------
    block : ndarray of shape (k, n_components)
        The new landmarks, around 0.
    lived : ndarray of shape (K, n_components)
        The old landmarks with rows.
    wanted : ndarray of shape (n_components,)
        Position of the rows on the old map.
    gap : float

    Returns
    -------
    ndarray of shape (n_components,)

    Examples
    --------
    >>> lived = np.array([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0]])
    >>> find_free_region(np.zeros((1, 2)), lived, np.array([0.0, 8.0]), 3.0).round().tolist()
    [0.0, 8.0]
    """
    from scipy.spatial import cKDTree

    margin = np.ptp(block, axis=0) + 1.5 * gap
    low, high = lived.min(axis=0), lived.max(axis=0)
    shifts = _grid(low - margin, high + margin)
    new_low, new_high = shifts + block.min(axis=0), shifts + block.max(axis=0)
    width = (np.maximum(high, new_high) - np.minimum(low, new_low)).max(axis=1)
    cost = np.linalg.norm(shifts - wanted, axis=1) + WIDTH_WEIGHT * width
    tree = cKDTree(lived)
    for shift in shifts[np.argsort(cost, kind="stable")]:
        if tree.query(block + shift)[0].min() >= gap:
            return shift
    raise AssertionError("a corner of the grid is always free")


def _grid(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    axes = [np.linspace(a, b, GRID_STEPS[len(low)]) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(low))
