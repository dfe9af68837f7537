"""Selection of the settings of a placement on fitted rows.

Each of at most 1,000 fitted rows is placed by the other fitted rows (leave one out). The selected
number of neighbours, window and weight have the greatest recall of the row's neighbours. Labels
are not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentmap.data.sources import Source
from latentmap.maps.layout_extension import LayoutSample
from latentmap.maps.placement import (
    SCALE_NEIGHBORS,
    Placement,
    local_scale,
    quantize,
    row_sizes,
)
from latentmap.preprocessing.neighbors import drop_self

MIN_ROWS = 16  # Fewer rows use the default settings.
MIN_QUERIES, MAX_QUERIES, MAX_SAMPLE_NUMBERS = 16, 1000, 1 << 22
RECALL_NEIGHBORS = (10, 50)
# Candidates of (number of neighbours, window in units of the local scale, weight of the encoder).
# The encoder has learned the positions of fitted rows, so its weight is limited.
DEFAULT = (12, 2.0, 3.0)
CANDIDATES = ((6, 2.0, 3.0), (12, 1.0, 3.0), (20, 2.0, 3.0), (12, 2.0, 0.0), (0, 2.0, 0.0))
# Minimum ratio of the recalls of another candidate and the default.
MIN_IMPROVEMENT = 1.05
N_DECODED = (10, 20, 40)
HIGH_PERCENTILE = 95.0
TINY = float(np.finfo(np.float32).tiny)


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
        Its ``n_decoded`` and ``network_share`` are defaults; see `select_decoding`.
    """
    placement = default_placement(sample, seed)
    if len(placement.positions) < MIN_ROWS:
        return placement
    return _select_votes(placement, placement.window / DEFAULT[1], encode)


def default_placement(sample: LayoutSample, seed: int) -> Placement:
    """Store fitted rows, and place other rows by the default settings."""
    positions = sample.positions.astype(np.float32)
    scale = local_scale(positions)
    n_neighbors = min(DEFAULT[0], len(positions))
    directions = sample.directions
    return Placement(
        row_mean=sample.principal.mean,
        components=sample.principal.components,
        points=quantize(sample.points / np.float32(sample.point_scale)),
        positions=positions,
        point_scale=sample.point_scale,
        n_neighbors=n_neighbors,
        window=DEFAULT[1] * scale,
        encoder_weight=DEFAULT[2],
        n_decoded=min(20, len(positions)),
        network_share=0.0,
        max_ratio=1.0,
        row_size=_median_size(sample.rows, seed),
        seed=seed,
        direction_matrix=None if directions is None else directions.matrix,
        direction_offset=None if directions is None else directions.offset,
    )


def _select_votes(
    placement: Placement, scale: float, encode: Callable[[np.ndarray], np.ndarray]
) -> Placement:
    queries = choose_queries(placement, max_sample_rows(placement.row_mean.size))
    points = placement.points[queries]
    n_searched = min(max(RECALL_NEIGHBORS) + 1, len(placement.points))
    nearest_points = placement.search(points, n_searched)
    neighbors, encoded = drop_self(nearest_points, queries), encode(queries)
    distances = placement.distances(points, neighbors)

    def recall(candidate: Placement) -> float:
        k = candidate.n_neighbors
        codes = candidate.vote(encoded, neighbors[:, :k], distances[:, :k])
        nearest = drop_self(placement.nearest_positions(codes, n_searched)[1], queries)
        return sum(_recall(neighbors, nearest, k) for k in RECALL_NEIGHBORS)

    best, best_recall = placement, MIN_IMPROVEMENT * recall(placement)
    for n_neighbors, window, weight in CANDIDATES:
        other = replace(
            placement,
            n_neighbors=min(n_neighbors, len(placement.points) - 1),
            window=window * scale,
            encoder_weight=weight,
        )
        if (other_recall := recall(other)) > best_recall:
            best, best_recall = other, other_recall
    k = best.n_neighbors or SCALE_NEIGHBORS
    neighbors, distances = neighbors[:, :k], distances[:, :k]
    codes = best.vote(encoded, neighbors, distances)
    ratios = best.measure(codes, neighbors, distances).distance_ratio
    return replace(best, max_ratio=max(float(np.percentile(ratios, HIGH_PERCENTILE)), TINY))


def _median_size(rows: Source, seed: int) -> float:
    sample = rows.sample(max_sample_rows(math.prod(rows.row_shape)), seed)[:]
    return float(np.median(row_sizes(sample)))


def max_sample_rows(n_features: int) -> int:
    """Return the number of rows that are measured; wide rows have a smaller sample.

    Examples
    --------
    >>> max_sample_rows(784), max_sample_rows(40_000)
    (1000, 104)
    """
    return min(MAX_QUERIES, max(MIN_QUERIES, MAX_SAMPLE_NUMBERS // n_features))


def choose_queries(placement: Placement, max_queries: int = MAX_QUERIES) -> np.ndarray:
    """Return the sorted indices of random fitted rows."""
    count = min(max_queries, len(placement.points))
    rng = np.random.default_rng(placement.seed)
    return np.sort(rng.choice(len(placement.points), count, replace=False))


def _recall(expected: np.ndarray, nearest: np.ndarray, k: int) -> float:
    """Return the share of the first k expected indices that are among the first k nearest."""
    common = (expected[:, :k, None] == nearest[:, None, :k]).any(axis=2)
    return float(common.mean())


def select_decoding(
    placement: Placement, queries: np.ndarray, rows: np.ndarray, decoded: np.ndarray
) -> tuple[Placement, np.ndarray]:
    """Select the number of rows in the local mean, and the share of the decoder.

    Each query is decoded from the other fitted rows (leave one out). The share minimises the
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
    for n_decoded in N_DECODED:
        candidate = replace(placement, n_decoded=min(n_decoded, len(placement.points) - 1))
        local = _local_mean_of_others(candidate, queries)
        share = _network_share(rows, local, decoded)
        combined = local + share * (decoded - local)
        error = float(np.nanmean((combined - rows) ** 2))
        results.append((error, replace(candidate, network_share=share), combined))
    _, best, combined = min(results, key=lambda result: result[0])
    return best, combined


def _local_mean_of_others(placement: Placement, queries: np.ndarray) -> np.ndarray:
    k = placement.n_decoded + 2
    distances, neighbors = placement.nearest_positions(placement.positions[queries], k)
    is_self = neighbors == queries[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    others = (~is_self).nonzero()
    shape = (len(queries), -1)
    return placement.mean_rows(distances[others].reshape(shape), neighbors[others].reshape(shape))


def _network_share(rows: np.ndarray, local: np.ndarray, decoded: np.ndarray) -> float:
    difference = np.where(np.isnan(rows), 0.0, decoded - local).astype(np.float64)
    product = float((np.where(np.isnan(rows), 0.0, rows - local) * difference).sum())
    norm = float((difference**2).sum())
    return float(np.clip(product / norm, 0.0, 1.0)) if norm > 0 else 0.0
