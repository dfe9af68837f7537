"""ONNX nodes that place rows and decode positions by the stored rows of a map.

They compute what `maps.placement` and `maps.local_mean` compute. A run with n rows computes n
distances to each stored row, and ignores those of cells that `BatchInvariantIndex` does not search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentmap.export.network_nodes import relative_distances, squared_distances
from latentmap.export.onnx_graph import OnnxGraph
from latentmap.maps.directions import ROUNDING
from latentmap.maps.fitted_rows import MAX_FLOAT16
from latentmap.maps.local_mean import code_limits
from latentmap.maps.placement import (
    CLUSTER_NEIGHBORS,
    ENCODER_WINDOW,
    GROUP_WEIGHTS,
    MIN_AGREEMENT,
    MIN_CLUSTER_VOTE,
    NARROW_DECAY,
    NARROW_SQUARINGS,
    TINY,
    WIDE_DECAY,
    WIDE_WINDOW,
    Placement,
)
from latentmap.preprocessing.neighbors import MAX_CELL_RATIO, MIN_CELLS
from latentmap.preprocessing.pca_projection import projection_weights
from latentmap.preprocessing.scaling import TINY as TINY_LENGTH

if TYPE_CHECKING:
    from latentmap.maps.fitted_rows import FittedRows
    from latentmap.preprocessing.neighbors import BatchInvariantIndex
    from latentmap.preprocessing.scaling import Scale

Double = np.float64


def place_rows(g: OnnxGraph, placement: Placement, scale: Scale, rows: str, encoded: str) -> str:
    """Return the codes of raw rows, float32.

    Parameters
    ----------
    g : OnnxGraph
    placement : Placement
    scale : Scale
        Scale of the rows.
    rows : str
        Flat raw rows, float64.
    encoded : str
        Output of the encoder, float32.
    """
    fitted, encoded = placement.fitted, g.cast(encoded, Double)
    points = _project(g, fitted, scale, rows)
    stored = g.cast(fitted.points, Double)
    k = min(max(1, placement.n_neighbors), len(fitted))
    if fitted.direction_matrix is None:
        search_tensor = points
        neighbors, distances = _nearest(g, points, fitted.points, stored, k, fitted.index)
        position, is_fitted = _fitted_position(g, fitted, neighbors, distances)
    else:
        nearest_points = _nearest(g, points, fitted.points, stored, k)
        position, is_fitted = _fitted_position(g, fitted, *nearest_points)
        search_tensor, search_points = _directions(g, fitted, points), fitted.search_points
        stored = g.cast(search_points, Double)
        neighbors, distances = _nearest(g, search_tensor, search_points, stored, k, fitted.index)
    codes = encoded
    if placement.n_neighbors:
        codes = _vote(g, placement, search_tensor, neighbors, distances, encoded)
    return g.cast(g.add("Where", is_fitted, position, codes), np.float32)


def _fitted_position(
    g: OnnxGraph, fitted: FittedRows, neighbors: str, distances: str
) -> tuple[str, str]:
    """Return the layout position of the nearest fitted row, and whether the row is equal to it."""
    nearest = g.add("ArgMin", distances, axis=1, keepdims=1)
    index = g.add("GatherElements", neighbors, nearest, axis=1)
    index = g.add("Squeeze", index, np.array([1]))
    position = _gather(g, fitted.positions.astype(Double), index)
    return position, g.add("Equal", _minimum(g, distances), Double(0))


def _project(g: OnnxGraph, fitted: FittedRows, scale: Scale, rows: str) -> str:
    """Return the points of raw rows, rounded to float16 as those of the stored rows."""
    if scale.allow_nan:
        offset = np.broadcast_to(scale.offset.astype(Double), fitted.row_mean.shape)
        rows = g.add("Where", g.add("IsNaN", rows), offset, rows)
    weights, shift = projection_weights(scale, fitted.principal)
    coordinates = g.cast(g.add("Sub", g.add("MatMul", rows, weights), shift), np.float32)
    points = g.add("Div", coordinates, np.float32(fitted.point_scale))
    points = g.add("Clip", points, np.float32(-MAX_FLOAT16), np.float32(MAX_FLOAT16))
    return g.cast(g.cast(points, np.float16), Double)


def _directions(g: OnnxGraph, fitted: FittedRows, points: str) -> str:
    """Return the directions of points; see `DirectionTransform`."""
    assert fitted.direction_matrix is not None and fitted.direction_offset is not None
    points = g.add("Mul", g.cast(points, np.float32), np.float32(fitted.point_scale))
    points = g.cast(points, Double)
    vectors = g.add("MatMul", points, fitted.direction_matrix.astype(Double))
    vectors = g.add("Add", vectors, fitted.direction_offset.astype(Double))
    lengths, distances = (g.add("ReduceL2", tensor, np.array([1])) for tensor in (vectors, points))
    least = g.add("Max", g.add("Mul", distances, Double(ROUNDING)), Double(TINY_LENGTH))
    directions = g.add("Div", vectors, g.add("Max", lengths, Double(TINY_LENGTH)))
    directions = g.add("Where", g.add("Greater", lengths, least), directions, Double(0))
    return g.cast(g.cast(directions, np.float32), Double)


def _nearest(
    g: OnnxGraph,
    points: str,
    stored: np.ndarray,
    tensor: str,
    k: int,
    index: BatchInvariantIndex | None = None,
) -> tuple[str, str]:
    """Return the indices of the k nearest stored points, and the distances to them.

    Parameters
    ----------
    g : OnnxGraph
    points : str
        Float64, shape (n, d).
    stored : ndarray of shape (m, d)
    tensor : str
        Name of the stored points as float64.
    k : int
    index : BatchInvariantIndex, optional
        Index with the cells to search; by default all points are searched.
    """
    distances = relative_distances(g, points, stored, tensor)
    if index is not None and index.n_searched < len(index.centers):
        is_searched = g.add("Gather", _searched_cells(g, points, index), index.cells(), axis=1)
        distances = g.add("Where", is_searched, distances, Double(np.inf))
    values, neighbors = g.add_top_k(distances, k)
    # The nearest point replaces those that are missing in the searched cells.
    nearest = g.columns(neighbors, 0, 1)
    neighbors = g.add("Where", g.add("Equal", values, Double(np.inf)), nearest, neighbors)
    # The distances of the search have rounding errors, because they are computed from products.
    # Distances that are computed from differences are exactly 0 for equal points.
    offsets = g.add("Sub", _gather(g, tensor, neighbors), _insert_axis(g, points, 1))
    return neighbors, g.add("ReduceL2", offsets, np.array([2]), keepdims=0)


def _searched_cells(g: OnnxGraph, points: str, index: BatchInvariantIndex) -> str:
    """Return whether `BatchInvariantIndex` searches each cell, shape (n, n_cells)."""
    distances = squared_distances(g, points, index.centers)
    nearest, _ = g.add_top_k(distances, index.n_searched)
    first, last = (g.columns(nearest, i, i + 1) for i in (0, index.n_searched - 1))
    farthest = g.add("Min", last, g.add("Mul", first, Double(MAX_CELL_RATIO)))
    farthest = g.add("Max", farthest, g.columns(nearest, MIN_CELLS - 1, MIN_CELLS))
    return g.add("LessOrEqual", distances, farthest)


def _vote(
    g: OnnxGraph, placement: Placement, points: str, neighbors: str, distances: str, encoded: str
) -> str:
    """Return the mode of the positions of neighbours; see `Placement.vote`."""
    positions = _gather(g, placement.fitted.positions.astype(Double), neighbors)
    n_neighbors = min(placement.n_neighbors, len(placement.fitted))
    n_wide = min(CLUSTER_NEIGHBORS, n_neighbors)
    rows, columns = _insert_axis(g, positions, 2), _insert_axis(g, positions, 1)
    wide = _votes(g, g.add("Sub", rows, columns), _variance(placement, WIDE_WINDOW))
    narrow = g.add("Pow", wide, Double(2**NARROW_SQUARINGS))
    wide = g.add("Slice", wide, np.array([0]), np.array([n_wide]), np.array([2]))
    wide_sums = _weighted_sum(g, wide, _proximity(g, distances, n_wide, WIDE_DECAY))
    narrow_weights = _proximity(g, distances, n_neighbors, NARROW_DECAY)
    votes = g.add("Add", wide_sums, _weighted_sum(g, narrow, narrow_weights))
    best = g.add("ArgMax", votes, axis=1, keepdims=1)
    agreement = g.add("GatherElements", wide_sums, best, axis=1)
    differences = g.add("Sub", positions, _insert_axis(g, encoded, 1))
    encoder_votes = _votes(g, differences, _variance(placement, ENCODER_WINDOW))
    encoder_votes = g.add("Mul", encoder_votes, Double(placement.encoder_weight / n_wide))
    disagrees = g.add("Less", agreement, Double(MIN_AGREEMENT))
    votes = g.add("Add", votes, g.add("Where", disagrees, encoder_votes, Double(0)))
    best = g.add("ArgMax", votes, axis=1, keepdims=1)
    kernel = g.add("GatherND", narrow, best, batch_dims=1)
    if placement.penalty:
        is_near = g.add("Greater", kernel, Double(MIN_CLUSTER_VOTE ** (2**NARROW_SQUARINGS)))
        votes = _penalize(g, placement, votes, is_near, points, neighbors)
        best = g.add("ArgMax", votes, axis=1, keepdims=1)
        kernel = g.add("GatherND", narrow, best, batch_dims=1)
    weights = g.add("Mul", g.add("Mul", kernel, kernel), narrow_weights)
    return _weighted_mean(g, weights, positions)


def _penalize(
    g: OnnxGraph, placement: Placement, votes: str, is_near: str, points: str, neighbors: str
) -> str:
    """Subtract the penalties of positions from their votes; see `Placement._penalize`."""
    assert placement.penalty is not None
    result = g.add("Where", is_near, votes, Double(-np.inf))
    for weight, group in zip(GROUP_WEIGHTS, placement.fitted.groups, strict=True):
        means, variances = group.all_means_and_variances()
        group_means = g.cast(_gather(g, means.astype(np.float16), neighbors), Double)
        offsets = g.add("Sub", group_means, _insert_axis(g, points, 1))
        squares = g.add_sum(g.add("Mul", offsets, offsets), 2)
        squares = g.add("Add", squares, g.cast(_gather(g, variances, neighbors), Double))
        least = _minimum(g, g.add("Where", is_near, squares, Double(np.inf)))
        ratio = g.add("Div", squares, g.add("Max", least, Double(TINY)))
        excess = g.add("Min", g.add("Sub", ratio, Double(1)), Double(1))
        weighted = g.add("Mul", excess, Double(placement.penalty * weight))
        result = g.add("Sub", result, weighted)
    return result


def _weighted_sum(g: OnnxGraph, kernels: str, weights: str) -> str:
    """Return the sums of kernels, shape (n, k, m), with weights of shape (n, m)."""
    return g.add_sum(g.add("Mul", kernels, _insert_axis(g, weights, 1)), 2)


def _proximity(g: OnnxGraph, distances: str, k: int, decay: float) -> str:
    """Return the weights of the k nearest neighbours; see `maps.placement.proximity`."""
    nearest, last = g.columns(distances, 0, k), g.columns(distances, k - 1, k)
    ratio = g.add("Div", nearest, g.add("Max", last, Double(TINY)))
    weights = _gaussian(g, g.add("Mul", ratio, ratio), 1 / (2 * decay))
    return g.add("Div", weights, g.add_sum(weights, 1, keepdims=1))


def _votes(g: OnnxGraph, differences: str, variance: float) -> str:
    """Return the votes at differences of positions, whose last axis is the component."""
    return _gaussian(g, g.add_sum(g.add("Mul", differences, differences), -1), variance)


def _variance(placement: Placement, width: float) -> float:
    """Return the variance of a vote whose standard deviation is ``width`` windows."""
    return (width * placement.window) ** 2


def _gaussian(g: OnnxGraph, squares: str, variance: float) -> str:
    return g.add("Exp", g.add("Div", squares, Double(-2 * variance)))


def _weighted_mean(g: OnnxGraph, weights: str, values: str) -> str:
    """Return means of ``values``, shape (n, k, d), with weights of shape (n, k)."""
    total = g.add_sum(weights, 1, keepdims=1)
    weighted_sum = g.add_sum(g.add("Mul", _insert_axis(g, weights, 2), values), 1)
    return g.add("Div", weighted_sum, total)


def limit_codes(g: OnnxGraph, codes: str, positions: np.ndarray) -> str:
    """Return float32 codes that are not very far from the map; see `local_mean.limit_codes`."""
    center, max_distance = code_limits(positions)
    offsets = g.add("Sub", g.cast(codes, Double), center)
    largest = g.add("ReduceMax", g.add("Abs", offsets), np.array([1]))
    factor = g.add("Max", g.add("Div", largest, Double(max_distance)), Double(1))
    limited = g.cast(g.add("Add", center, g.add("Div", offsets, factor)), np.float32)
    return g.add("Where", g.add("Greater", largest, Double(max_distance)), limited, codes)


def combine_with_local_mean(
    g: OnnxGraph, placement: Placement, codes: str, decoded: str, in_unit_range: bool
) -> str:
    """Return the weighted means of local means and the decoder's flat scaled rows, float32."""
    rows, nearness = _local_mean(g, placement, codes)
    if in_unit_range:
        rows = g.add("Clip", rows, np.float32(0), np.float32(1))
    weight = g.cast(g.add("Mul", nearness, Double(placement.decoder_weight)), np.float32)
    return g.add("Add", rows, g.add("Mul", weight, g.add("Sub", decoded, rows)))


def _local_mean(g: OnnxGraph, placement: Placement, codes: str) -> tuple[str, str]:
    """Return scaled rows of local means, float32, and the nearness of positions, shape (n, 1)."""
    fitted, codes = placement.fitted, g.cast(codes, Double)
    stored = g.cast(fitted.positions, Double)
    k = min(placement.n_decoding_rows + 1, len(fitted))
    neighbors, distances = _nearest(g, codes, fitted.positions, stored, k)
    squares = g.add("Mul", distances, distances)
    nearest = _minimum(g, squares)
    excess = g.add("Sub", squares, nearest)
    span = g.add("ReduceMax", excess, np.array([1]))
    has_span = g.add("Greater", span, Double(0))
    ratio = g.add("Div", excess, g.add("Where", has_span, span, Double(1)))
    taper = g.add("Where", has_span, g.add("Sub", Double(1), ratio), Double(1))
    variance = _variance(placement, WIDE_WINDOW)
    weights = g.add("Mul", g.add("Mul", taper, taper), _gaussian(g, excess, variance))
    points = g.cast(_gather(g, fitted.points, neighbors), Double)
    mean_point = _weighted_mean(g, weights, points)
    components = fitted.components.astype(Double) * fitted.point_scale
    rows = g.add("Add", g.add("MatMul", mean_point, components), fitted.row_mean.astype(Double))
    return g.cast(rows, np.float32), _gaussian(g, nearest, variance)


def _gather(g: OnnxGraph, values: str | np.ndarray, indices: str) -> str:
    return g.add("Gather", values, indices, axis=0)


def _insert_axis(g: OnnxGraph, x: str, axis: int) -> str:
    return g.add("Unsqueeze", x, np.array([axis]))


def _minimum(g: OnnxGraph, x: str) -> str:
    """Return the smallest number of each row, shape (n, 1)."""
    return g.add("ReduceMin", x, np.array([1]))
