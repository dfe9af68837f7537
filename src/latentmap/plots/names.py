"""Names beside what they name, without covering each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["spread"]

# Of the Axes' width and height, for bold 12-point text on about seven by six inches.
_LETTER, _LINE = 0.019, 0.042
_ROUNDS = 200


def spread(places: np.ndarray, texts: Sequence[str], extent: np.ndarray) -> np.ndarray:
    """Push names apart until none covers another.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Where the names should be.
    texts : sequence of str
    extent : ndarray of shape (2,)
        Width and height of what is shown, in the units of ``places``.

    Returns
    -------
    ndarray of shape (n, 2)
        As near to ``places`` as pushing two at a time leaves them.

    Examples
    --------
    >>> spread(np.array([[0.0, 0.0], [9.0, 9.0]]), ["a", "b"], np.array([9.0, 9.0])).tolist()
    [[0.0, 0.0], [9.0, 9.0]]
    """
    extent = np.where(extent > 0, extent, 1.0)
    at = places / extent
    half = np.array([(_LETTER * (len(text) + 0.5) / 2, _LINE / 2) for text in texts])
    for _ in range(_ROUNDS):
        if not _push(at, half):
            break
    return at * extent


def _push(at: np.ndarray, half: np.ndarray) -> bool:
    moved = False
    for i in range(len(at)):
        for j in range(i):
            cover = half[i] + half[j] - np.abs(at[i] - at[j])
            if (cover > 1e-9).all():
                axis = int(cover.argmin())
                sign = 1.0 if at[i, axis] >= at[j, axis] else -1.0
                at[i, axis] += sign * cover[axis] / 2
                at[j, axis] -= sign * cover[axis] / 2
                moved = True
    return moved
