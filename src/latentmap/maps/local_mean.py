"""Decoding of positions on a map by a local mean of the nearest fitted rows.

The row at a position is a weighted mean of this local mean and of the output of the decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latentmap.maps.placement import WIDE_WINDOW

if TYPE_CHECKING:
    from latentmap.maps.placement import Placement

# Limit of the distance of a code from the centre of the map, as a multiple of the map's width.
MAX_DISTANCE = 1e3


class LocalMean(NamedTuple):
    """Local means of fitted rows at n positions.

    Attributes
    ----------
    rows : ndarray of shape (n, n_features)
        Scaled rows.
    nearness : ndarray of shape (n,)
        1 at the position of a fitted row, and 0 far from all fitted rows. The weight of the
        decoder's output is proportional to it, because the decoder has not learned positions far
        from fitted rows.
    """

    rows: np.ndarray
    nearness: np.ndarray


def decode_by_local_mean(placement: Placement, codes: np.ndarray) -> LocalMean:
    """Compute the local means of fitted rows at given positions."""
    distances, neighbors = placement.fitted.nearest_positions(codes, placement.n_decoding_rows + 1)
    return local_mean(placement, distances, neighbors)


def local_mean(placement: Placement, distances: np.ndarray, neighbors: np.ndarray) -> LocalMean:
    """Compute the means of the fitted rows with given indices and distances on the map.

    The weight of a row at the distance d is t² exp(−(d² − d₁²) / 2w²) / sum of weights, with
    t = (d_K² − d²) / (d_K² − d₁²). d₁ is the distance of the nearest row, d_K that of the farthest,
    and w four times the window. The farthest row has the weight 0, so that the mean is continuous
    in the position. Far from all fitted rows, the nearest one has all the weight.
    """
    squares = distances**2
    excess = squares - squares[:, :1]
    span = excess[:, -1:]
    taper = np.where(span > 0, 1 - excess / np.where(span > 0, span, 1.0), 1.0)
    variance = (WIDE_WINDOW * placement.window) ** 2
    weights = taper**2 * np.exp(-excess / (2 * variance))
    weights /= weights.sum(axis=1, keepdims=True)
    nearness = np.exp(-squares[:, 0] / (2 * variance))
    return LocalMean(placement.fitted.mean_rows(neighbors, weights), nearness)


def combine_rows(local_rows: np.ndarray, decoded: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted means of local means and of the decoder's rows.

    Parameters
    ----------
    local_rows, decoded : ndarray of shape (n, ...)
    weights : ndarray of shape (n,)
        Weight of each row of the decoder, from 0 to 1.

    Examples
    --------
    >>> combine_rows(np.zeros((2, 1)), np.ones((2, 1)), np.array([0.0, 0.25])).tolist()
    [[0.0], [0.25]]
    """
    shape = (-1, *(1,) * (decoded.ndim - 1))
    return local_rows + weights.astype(decoded.dtype).reshape(shape) * (decoded - local_rows)


def limit_codes(codes: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Move codes that are very far from a map towards its centre, so that distances are finite.

    Parameters
    ----------
    codes : ndarray of shape (n, n_components)
    positions : ndarray of shape (m, n_components)
        Positions on the map. The limit is a thousand times their extent.

    Examples
    --------
    >>> limit_codes(np.array([[1e20, 0], [3, 4]]), np.array([[-1, 0], [1, 0]])).tolist()
    [[2000.0, 0.0], [3.0, 4.0]]
    """
    center, max_distance = code_limits(positions)
    offsets = codes.astype(np.float64) - center
    largest = np.abs(offsets).max(axis=1, keepdims=True)
    limited_codes = center + offsets / np.maximum(largest / max_distance, 1.0)
    return np.where(largest > max_distance, limited_codes, codes).astype(np.float32)


def code_limits(positions: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the centre of positions on a map, and the largest distance of a code from it."""
    center = positions.mean(axis=0, dtype=np.float64)
    return center, MAX_DISTANCE * (float(np.ptp(positions, axis=0).max()) or 1.0)
