"""Selection of the settings of a placement on fitted rows.

Each of at most 1,000 fitted rows is placed by the other fitted rows (leave one out). The selected
number of neighbours, window and weight have the greatest recall: the share of the row's nearest
fitted rows that are also nearest to its position on the map. Labels are not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentmap.data.sources import Source
from latentmap.maps.fitted_rows import FittedRows, quantize
from latentmap.maps.layout_sample import LayoutSample
from latentmap.maps.local_mean import combine_rows, local_mean
from latentmap.maps.placement import COMPARED_NEIGHBORS, Placement
from latentmap.maps.range_check import row_sizes
from latentmap.preprocessing.neighbors import RowLookup, drop_self

MIN_ROWS = 16  # Fewer rows use the default settings.
# Limits of the number of measured rows, and of the numbers in these rows; see `max_sample_rows`.
MIN_QUERIES, MAX_QUERIES, MAX_SAMPLE_NUMBERS = 16, 1000, 1 << 22
RECALL_NEIGHBORS = (10, 50)
# `local_scale` is the median distance to neighbour number SCALE_NEIGHBOR, over about SCALE_SAMPLE
# positions.
SCALE_NEIGHBOR, SCALE_SAMPLE = 10, 3000
# Numbers of neighbours of at most FEW_ROWS stored rows, and of more. Fewer rows are farther apart,
# and distant neighbours blur their positions.
FEW_ROWS = 10_000
FEW_NEIGHBORS, MANY_NEIGHBORS = 8, 20
WINDOW = 2.0  # Default window in units of the local scale.
# Default weight of the encoder. The recall of fitted rows overrates the encoder, which was trained
# on their positions, so no candidate has a larger weight.
ENCODER_WEIGHT = 3.0
PENALTY = 1.0  # Default factor of the penalties.
# Candidates of (number of neighbours, window in units of the local scale, weight of the encoder).
CANDIDATES = (
    (5, WINDOW, ENCODER_WEIGHT),
    (FEW_NEIGHBORS, WINDOW, ENCODER_WEIGHT),
    (FEW_NEIGHBORS, WINDOW / 2, ENCODER_WEIGHT),
    (MANY_NEIGHBORS, WINDOW, ENCODER_WEIGHT),
    (FEW_NEIGHBORS, WINDOW, 0.0),
    (MANY_NEIGHBORS, WINDOW, 0.0),
    (0, WINDOW, 0.0),
)
# A candidate replaces the default if its recall is above this multiple of the default's recall.
MIN_IMPROVEMENT = 1.05
N_DECODING_ROWS = (10, 20, 40)
LOW_PERCENTILE, HIGH_PERCENTILE = 5.0, 95.0


def fit_placement(
    sample: LayoutSample, encode: Callable[[np.ndarray], np.ndarray], seed: int
) -> Placement:
    """Store fitted rows, and select how other rows are placed.

    Parameters
    ----------
    sample : LayoutSample
        The fitted rows that are stored.
    encode : callable
        Returns the encoder's output for the fitted rows with given indices.
    seed : int

    Returns
    -------
    Placement
        It has the default settings for decoding, which `select_decoding` replaces.
    """
    placement = default_placement(sample, seed)
    if len(placement.fitted) < MIN_ROWS:
        return placement
    return _select_votes(placement, placement.window / WINDOW, encode)


def default_placement(sample: LayoutSample, seed: int) -> Placement:
    """Return a placement of the fitted rows of a sample with the default settings."""
    directions = sample.directions
    points = quantize(sample.points / np.float32(sample.point_scale))
    positions = sample.positions.astype(np.float32)[RowLookup(points).find(points)]
    n_neighbors = FEW_NEIGHBORS if len(positions) <= FEW_ROWS else MANY_NEIGHBORS
    fitted = FittedRows(
        row_mean=sample.principal.mean,
        components=sample.principal.components,
        points=points,
        positions=positions,
        point_scale=sample.point_scale,
        seed=seed,
        direction_matrix=None if directions is None else directions.matrix,
        direction_offset=None if directions is None else directions.offset,
    )
    return Placement(
        fitted=fitted,
        n_neighbors=min(n_neighbors, len(positions)),
        window=WINDOW * local_scale(positions),
        encoder_weight=ENCODER_WEIGHT,
        n_decoding_rows=min(20, len(positions)),
        decoder_weight=0.0,
        min_spread=_total_spread(fitted),
        high_distance_ratio=1.0,
        row_size=_median_size(sample.rows, seed),
        penalty=PENALTY if len(positions) >= MIN_ROWS else None,
    )


def _total_spread(fitted: FittedRows) -> float:
    """Return the root mean square distance between fitted rows, or 1 if all rows are equal."""
    sample = choose_queries(fitted)
    return float(fitted.spread(sample[None])[0]) or 1.0


def _select_votes(
    placement: Placement, scale: float, encode: Callable[[np.ndarray], np.ndarray]
) -> Placement:
    fitted = placement.fitted
    queries = choose_queries(fitted)
    points, encoded = fitted.points[queries], encode(queries)
    n_searched = min(max(RECALL_NEIGHBORS) + 1, len(fitted))
    neighbors = drop_self(fitted.nearest_rows(points, n_searched)[0], queries)
    distances = fitted.distances(points, neighbors)
    squares = fitted.group_squares(points, neighbors[:, :MANY_NEIGHBORS], queries)

    def vote(candidate: Placement, k: int) -> np.ndarray:
        return candidate.vote(
            points,
            neighbors[:, :k],
            distances[:, :k],
            encoded.__getitem__,
            [array[:, :k] for array in squares],
        )

    def recall(candidate: Placement) -> float:
        codes = vote(candidate, candidate.n_neighbors)
        nearest = drop_self(fitted.nearest_positions(codes, n_searched)[1], queries)
        return sum(_recall(neighbors, nearest, k) for k in RECALL_NEIGHBORS)

    best, best_recall = placement, MIN_IMPROVEMENT * recall(placement)
    for n_neighbors, window, weight in CANDIDATES:
        other = replace(
            placement,
            n_neighbors=min(n_neighbors, len(fitted) - 1),
            window=window * scale,
            encoder_weight=weight,
        )
        if (other_recall := recall(other)) > best_recall:
            best, best_recall = other, other_recall
    without_penalty = replace(best, penalty=None)
    if recall(without_penalty) > recall(best):
        best = without_penalty
    else:
        for group in fitted.groups:  # The first transform is then fast.
            group.all_means_and_variances()
    k = best.n_neighbors or COMPARED_NEIGHBORS
    best = replace(best, min_spread=_min_spread(best, neighbors[:, :k]))
    ratios = best.measure(vote(best, k), neighbors[:, :k], distances[:, :k]).distance_ratio
    # Copies of a row have the ratio 0, which says nothing about the distances of other rows.
    high_ratio = np.percentile(ratios[ratios > 0], HIGH_PERCENTILE) if ratios.any() else 1.0
    return replace(best, high_distance_ratio=float(high_ratio))


def _min_spread(placement: Placement, neighbors: np.ndarray) -> float:
    spread = placement.fitted.spread(neighbors)
    is_positive = spread > 0
    if not is_positive.any():
        return placement.min_spread
    return float(np.percentile(spread[is_positive], LOW_PERCENTILE))


def _median_size(rows: Source, seed: int) -> float:
    sample = rows.sample(max_sample_rows(math.prod(rows.row_shape)), seed)[:]
    return float(np.median(row_sizes(sample)))


def max_sample_rows(n_features: int) -> int:
    """Return the maximum number of measured rows, which is smaller for wide rows.

    Examples
    --------
    >>> max_sample_rows(784), max_sample_rows(40_000)
    (1000, 104)
    """
    return min(MAX_QUERIES, max(MIN_QUERIES, MAX_SAMPLE_NUMBERS // n_features))


def choose_queries(fitted: FittedRows) -> np.ndarray:
    """Return the sorted indices of the fitted rows that are measured."""
    count = min(max_sample_rows(fitted.row_mean.size), len(fitted))
    rng = np.random.default_rng(fitted.seed)
    return np.sort(rng.choice(len(fitted), count, replace=False))


def _recall(expected: np.ndarray, nearest: np.ndarray, k: int) -> float:
    """Return the share of the first k expected indices that are among the first k nearest."""
    is_found = (expected[:, :k, None] == nearest[:, None, :k]).any(axis=2)
    return float(is_found.mean())


def select_decoding(
    placement: Placement, queries: np.ndarray, rows: np.ndarray, decoded: np.ndarray
) -> tuple[Placement, np.ndarray]:
    """Select the number of rows in the local mean, and the weight of the decoder.

    Each query is decoded from the other fitted rows (leave one out). The weight minimises the
    squared error of the weighted mean of both reconstructions.

    Parameters
    ----------
    placement : Placement
    queries : ndarray of shape (n,)
        Indices of fitted rows.
    rows, decoded : ndarray of shape (n, n_features)
        Scaled rows, with NaN for missing values, and the decoder's output at their positions.

    Returns
    -------
    placement : Placement
    reconstructions : ndarray of shape (n, n_features)
        Reconstructions of the scaled rows.
    """
    results = []
    for count in N_DECODING_ROWS:
        n_decoding_rows = min(count, len(placement.fitted) - 1)
        distances, neighbors = _nearest_others(placement.fitted, queries, n_decoding_rows + 1)
        local_rows, nearness = local_mean(placement, distances, neighbors)
        near_decoded = combine_rows(local_rows, decoded, nearness)
        weight = _best_weight(rows, local_rows, near_decoded)
        reconstructions = combine_rows(local_rows, decoded, weight * nearness)
        error = float(np.nanmean((reconstructions - rows) ** 2))
        candidate = replace(placement, n_decoding_rows=n_decoding_rows, decoder_weight=weight)
        results.append((error, candidate, reconstructions))
    _, best, reconstructions = min(results, key=lambda result: result[0])
    return best, reconstructions


def _nearest_others(
    fitted: FittedRows, queries: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances and indices of the k other rows nearest on the map to each query."""
    distances, neighbors = fitted.nearest_positions(fitted.positions[queries], k + 1)
    is_self = neighbors == queries[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    others = (~is_self).nonzero()
    shape = (len(queries), -1)
    return distances[others].reshape(shape), neighbors[others].reshape(shape)


def _best_weight(rows: np.ndarray, local_rows: np.ndarray, decoded: np.ndarray) -> float:
    """Return the weight of the decoded rows, from 0 to 1, that minimises the squared error."""
    is_known = ~np.isnan(rows)
    difference = np.where(is_known, decoded - local_rows, 0.0).astype(np.float64)
    product = float((np.where(is_known, rows - local_rows, 0.0) * difference).sum())
    norm = float((difference**2).sum())
    return float(np.clip(product / norm, 0.0, 1.0)) if norm > 0 else 0.0


def local_scale(positions: np.ndarray) -> float:
    """Return the median distance from a layout position to its tenth nearest position.

    Examples
    --------
    >>> local_scale(np.arange(30.0)[:, None])
    5.0
    """
    from scipy.spatial import cKDTree

    sample = positions[:: max(1, len(positions) // SCALE_SAMPLE)]
    k = min(SCALE_NEIGHBOR, len(positions) - 1) + 1
    distances = cKDTree(positions).query(sample, k=k)[0].reshape(len(sample), k)
    median = float(np.median(distances[:, -1]))
    return median or float(np.ptp(positions, axis=0).max()) / len(positions) or 1.0
