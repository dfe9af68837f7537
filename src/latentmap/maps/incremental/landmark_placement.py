"""Room on a map: where new landmarks go, so that they meet none of the old ones."""

import numpy as np

TRIED = {1: 1_000, 2: 60, 3: 20}
"""Steps along each axis, by dimensions."""
GROWTH = 2.0
"""What a wider map costs, against the way from where the rows would have gone."""


def find_room(block: np.ndarray, lived: np.ndarray, wanted: np.ndarray, gap: float) -> np.ndarray:
    """Find where a block of new landmarks goes, as a whole and unturned.

    Of the places on a grid where each new landmark is at least ``gap`` away from every old one, it
    is that of the least way from ``wanted``, plus twice what the map grows in width.

    Parameters
    ----------
    block : ndarray of shape (k, n_components)
        The new landmarks, around 0.
    lived : ndarray of shape (K, n_components)
        The old landmarks that rows live at.
    wanted : ndarray of shape (n_components,)
        Where the rows would lie on the old map.
    gap : float

    Returns
    -------
    ndarray of shape (n_components,)
        By how much to shift the block.

    Examples
    --------
    >>> lived = np.array([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0]])
    >>> find_room(np.zeros((1, 2)), lived, np.array([0.0, 8.0]), 3.0).round().tolist()
    [0.0, 8.0]
    """
    from scipy.spatial import cKDTree

    reach = np.ptp(block, axis=0) + 1.5 * gap
    low, high = lived.min(axis=0), lived.max(axis=0)
    places = _grid(low - reach, high + reach)
    ends = [(low, places + block.min(axis=0)), (high, places + block.max(axis=0))]
    width = (np.maximum(*ends[1]) - np.minimum(*ends[0])).max(axis=1)
    cost = np.linalg.norm(places - wanted, axis=1) + GROWTH * width
    tree = cKDTree(lived)
    for place in places[np.argsort(cost, kind="stable")]:
        if tree.query(block + place)[0].min() >= gap:
            return place
    raise AssertionError("a corner of the grid is always free")


def _grid(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    axes = [np.linspace(a, b, TRIED[len(low)]) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(low))
