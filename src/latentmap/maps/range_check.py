"""Check whether rows have the range of the fitted rows, for example the same units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from latentmap.maps.placement import Placement

# Rows are outside the range of the fitted rows if most of them are this many times smaller or
# larger, or have distance ratios this many times above the 95th percentile of fitted rows.
MIN_CHECKED_ROWS, MAX_FACTOR, MAX_RATIO_FACTOR = 10, 20.0, 2.0


def describe_mismatch(placement: Placement, sizes: np.ndarray, ratios: np.ndarray) -> str | None:
    """Return how most of the rows differ from the fitted rows, or None if they are similar.

    Parameters
    ----------
    placement : Placement
    sizes : ndarray of shape (n,)
        Root mean square of the numbers of each raw row; see `row_sizes`.
    ratios : ndarray of shape (n,)
        Distance ratios of the rows; see `PlacementQuality`.
    """
    if len(sizes) < MIN_CHECKED_ROWS:
        return None
    factor = float(np.median(sizes)) / placement.row_size if placement.row_size > 0 else 1.0
    if factor < 1 / MAX_FACTOR:
        return f"are {1 / factor:.3g} times smaller than the fitted rows" if factor else None
    if factor > MAX_FACTOR:
        return f"are {factor:.3g} times larger than the fitted rows"
    if np.median(ratios) > MAX_RATIO_FACTOR * placement.high_distance_ratio:
        return "are far from all fitted rows"
    return None


def row_sizes(rows: np.ndarray) -> np.ndarray:
    """Return the root mean square of the known numbers of each row, shape (n,).

    Examples
    --------
    >>> row_sizes(np.array([[3.0, 3.0], [np.nan, 0.0]])).tolist()
    [3.0, 0.0]
    """
    # NumPy cannot infer the width of an array without rows.
    squares = rows.reshape(len(rows), math.prod(rows.shape[1:])).astype(np.float64) ** 2
    is_known = ~np.isnan(squares)
    return np.sqrt(np.nansum(squares, axis=1) / np.maximum(is_known.sum(axis=1), 1))
