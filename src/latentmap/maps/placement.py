"""Placement of rows on a map, and decoding of positions, by the nearest fitted rows.

A network alone blurs the fine structure of a layout. A map therefore stores the principal
component coordinates of the fitted rows and their layout positions. A row is placed at the mode of
the positions of its nearest fitted rows, to which the encoder adds one vote. A position is decoded
to a local mean of the rows that are nearest on the map, combined with the output of the decoder.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.spatial import cKDTree

from latentmap.file_record import FileRecord
from latentmap.maps.directions import Directions
from latentmap.preprocessing.neighbors import IndependentIndex
from latentmap.preprocessing.pca_projection import PrincipalComponents

MAX_STORED_ROWS = 100_000
BLOCK_ROWS, VOTE_ROWS = 2048, 512
SCALE_NEIGHBORS = 10
SCALE_SAMPLE = 3000
# Width of the wide votes, and of the encoder's, in units of the window of the narrow votes.
WIDE_WINDOW = 4.0
# The weight of a neighbour at distance d is exp(−PROXIMITY · d² / d_k²), d_k that of the farthest.
PROXIMITY = 2.0
# Codes are decoded at most at this distance from the centre of the map, in units of its width.
MAX_DISTANCE = 1e3
MAX_FLOAT16 = 6e4
TINY = 1e-12
# Limits of the numbers in a model file.
MIN_SCALE, MAX_NUMBER, MAX_NEIGHBORS = 1e-37, 1e30, 100
# Rows are outside the range of the fitted rows if most of them are this many times smaller or
# larger, or have distance ratios this many times above the 95th percentile of fitted rows.
MIN_CHECKED_ROWS, MAX_FACTOR, MAX_RATIO_FACTOR = 10, 20.0, 2.0


class PlacementQuality(NamedTuple):
    """Measurements of rows that are placed by their nearest fitted rows, arrays of shape (n,).

    Attributes
    ----------
    agreement : ndarray
        Share of the nearest fitted rows that are near the code on the map, from 0 to 1.
    distance_ratio : ndarray
        Root mean square distance between the row and its nearest fitted rows, divided by that
        between these rows.
    """

    agreement: np.ndarray
    distance_ratio: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Placement(FileRecord):
    """Fitted rows on a map, and the settings with which other rows are placed and decoded.

    Attributes
    ----------
    row_mean, components : ndarray of shape (n_features,), (d, n_features)
        Points are (scaled row − row_mean) · componentsᵀ / point_scale.
    point_scale : float
    points : ndarray of shape (m, d)
        Points of the fitted rows, float16.
    positions : ndarray of shape (m, n_components)
        Layout positions of the fitted rows in the units of codes, float32.
    n_neighbors : int
        Number of nearest fitted rows that vote for the position of a row. 0 means that the encoder
        alone places rows that were not fitted.
    window : float
        Standard deviation of a vote, in the units of codes.
    encoder_weight : float
        Number of votes of the encoder.
    n_decoded : int
        Number of fitted rows in the local mean that decodes a position.
    network_share : float
        Share of the decoder's output in a decoded row, from 0 to 1.
    max_ratio : float
        95th percentile of the distance ratios of fitted rows; see `PlacementQuality`.
    row_size : float
        Median root mean square of the numbers of a fitted row, in raw units.
    seed : int
    direction_matrix, direction_offset : ndarray or None
        `Directions` of the points, if neighbours are those of the cosine or correlation.
    """

    file_keys: ClassVar[dict[str, str]] = {
        name: f"placement_{name}"
        for name in (
            "row_mean",
            "components",
            "points",
            "positions",
            "direction_matrix",
            "direction_offset",
        )
    }

    row_mean: np.ndarray
    components: np.ndarray
    points: np.ndarray
    positions: np.ndarray
    point_scale: float
    n_neighbors: int
    window: float
    encoder_weight: float
    n_decoded: int
    network_share: float
    max_ratio: float
    row_size: float
    seed: int
    direction_matrix: np.ndarray | None = None
    direction_offset: np.ndarray | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def principal(self) -> PrincipalComponents:
        """Principal components of the points."""
        return PrincipalComponents(self.row_mean, self.components)

    @cached_property
    def index(self) -> IndependentIndex:
        """Index of the points of the fitted rows."""
        return IndependentIndex(self.search_points.astype(np.float32), self.seed)

    @cached_property
    def search_points(self) -> np.ndarray:
        """Points of the fitted rows in the space in which neighbours are searched."""
        return self.to_search_points(self.points)

    def to_search_points(self, points: np.ndarray) -> np.ndarray:
        """Return points, or their directions if neighbours are those of the cosine."""
        if self.direction_matrix is None or self.direction_offset is None:
            return points
        directions = Directions(self.direction_matrix, self.direction_offset)
        return directions.apply(points.astype(np.float32) * np.float32(self.point_scale))

    def search(self, points: np.ndarray, k: int) -> np.ndarray:
        """Return the indices of the k fitted rows nearest to each point, shape (n, k)."""
        return self.index.search(self.to_search_points(points).astype(np.float32), k)

    @cached_property
    def tree(self) -> cKDTree:
        """Index of the positions of the fitted rows."""
        return cKDTree(self.positions.astype(np.float64))

    def to_points(self, coordinates: np.ndarray) -> np.ndarray:
        """Convert coordinates on the principal components to the precision of stored points."""
        return quantize(coordinates / np.float32(self.point_scale))

    def place(
        self, coordinates: np.ndarray, encoded: np.ndarray, measured: slice = slice(None)
    ) -> tuple[np.ndarray, PlacementQuality]:
        """Place rows by their coordinates on the principal components and the encoder's output.

        A fitted row is placed at its layout position. The result of a row does not depend on the
        other rows.

        Parameters
        ----------
        coordinates : ndarray of shape (n, d)
        encoded : ndarray of shape (n, n_components)
        measured : slice
            Rows whose quality is measured; by default all rows.

        Returns
        -------
        codes : ndarray of shape (n, n_components)
        quality : PlacementQuality
        """
        points = self.to_points(coordinates)
        n_neighbors = min(self.n_neighbors or SCALE_NEIGHBORS, len(self.points))
        neighbors = self.search(points, n_neighbors)
        # Multiples of a row have the same direction, so that another row may be the nearest.
        n_compared = 1 if self.direction_matrix is None else n_neighbors
        compared_points = self.points[neighbors[:, :n_compared]]
        is_equal = (compared_points == points[:, None]).all(axis=2)
        is_fitted = is_equal.any(axis=1)
        nearest = neighbors[np.arange(len(points)), is_equal.argmax(axis=1)]
        distances = self.distances(points, neighbors)
        placed_codes = self.vote(encoded, neighbors, distances)
        codes = np.where(is_fitted[:, None], self.positions[nearest], placed_codes)
        quality = self.measure(codes[measured], neighbors[measured], distances[measured])
        return codes, quality

    def distances(self, points: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
        """Return the distances of points to the fitted rows with given indices, shape (n, k)."""
        search_points, distances = self.to_search_points(points), np.empty(neighbors.shape)
        for block in _blocks(len(points)):
            group = self.search_points[neighbors[block]].astype(np.float32)
            offsets = group - search_points[block, None].astype(np.float32)
            distances[block] = np.sqrt(np.square(offsets, out=offsets).sum(axis=2))
        return distances

    def vote(self, encoded: np.ndarray, neighbors: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """Return the mode of the positions of given neighbours, shape (n, n_components).

        Every neighbour's position gets a narrow and a wide Gaussian vote from each neighbour, which
        nearer neighbours give with more weight, and a wide vote from the encoder. The wide votes
        select a cluster, and the narrow ones the position in it. The position with the greatest sum
        is moved once to the mean within the window, a step of mean shift (Y. Cheng, IEEE PAMI 17,
        1995).
        """
        if not self.n_neighbors:
            return encoded
        codes = np.empty_like(encoded)
        for block in _blocks(len(encoded), VOTE_ROWS):
            codes[block] = self._vote(encoded[block], neighbors[block], distances[block])
        return codes

    def _vote(
        self, encoded: np.ndarray, neighbors: np.ndarray, distances: np.ndarray
    ) -> np.ndarray:
        # The rows are the last axis of all arrays, because operations on long axes are fast.
        positions = np.ascontiguousarray(self.positions[neighbors].transpose(2, 1, 0), np.float64)
        farthest = np.maximum(distances[:, -1], TINY)
        proximity = np.exp(-PROXIMITY * (distances.T / farthest) ** 2)
        wide = self._wide_votes(positions[:, :, None] - positions[:, None])
        narrow = wide ** int(WIDE_WINDOW**2)
        votes = ((wide + narrow) * proximity).sum(axis=1)
        encoder_votes = self._wide_votes(positions - encoded.T[:, None])
        votes += self.encoder_weight * proximity.mean(axis=0) * encoder_votes
        weights = narrow[votes.argmax(axis=0), :, np.arange(len(encoded))].T * proximity
        return ((weights * positions).sum(axis=1) / weights.sum(axis=0)).T

    def _wide_votes(self, differences: np.ndarray) -> np.ndarray:
        """Return the wide votes at differences of positions, whose first axis is the component."""
        return np.exp((differences**2).sum(axis=0) / (-2 * (WIDE_WINDOW * self.window) ** 2))

    def measure(
        self, codes: np.ndarray, neighbors: np.ndarray, distances: np.ndarray
    ) -> PlacementQuality:
        """Measure the agreement of the neighbours, and the distance to them."""
        agreement, ratio = np.empty(len(codes)), np.empty(len(codes))
        for block in _blocks(len(codes)):
            offsets = self.positions[neighbors[block]] - codes[block, None].astype(np.float64)
            agreement[block] = self._wide_votes(offsets.transpose(2, 0, 1)).mean(axis=1)
            # The mean squared distance between two neighbours is twice their mean variance.
            group = self.search_points[neighbors[block]].astype(np.float32)
            variance = group.var(axis=1, dtype=np.float64).sum(axis=1)
            squares = (distances[block] ** 2).mean(axis=1)
            ratio[block] = np.sqrt(squares / np.maximum(2 * variance, TINY))
        return PlacementQuality(agreement, ratio)

    def confidence(self, quality: PlacementQuality) -> np.ndarray:
        """Return the confidence in placed rows by their neighbours, from 0 to 1, shape (n,)."""
        ratios = np.maximum(quality.distance_ratio, TINY)
        return quality.agreement * np.minimum(1.0, self.max_ratio / ratios)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Decode positions to scaled rows by a local mean of fitted rows, shape (n, n_features)."""
        distances, neighbors = self.nearest_positions(codes, self.n_decoded + 1)
        return self.mean_rows(distances, neighbors)

    def nearest_positions(self, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the distances and indices of the k fitted rows nearest on the map."""
        k = min(k, len(self.positions))
        distances, neighbors = self.tree.query(codes.astype(np.float64), k=k)
        return distances.reshape(len(codes), k), neighbors.reshape(len(codes), k)

    def mean_rows(self, distances: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
        """Return the weighted mean of fitted rows as scaled rows, shape (n, n_features).

        The farthest neighbour has the weight 0, so that the mean is continuous in the position.
        """
        weights = self._local_weights(distances)
        rows = np.empty((len(weights), self.row_mean.size), np.float32)
        # Sums in double precision do not depend on the number of rows after rounding.
        components = self.components.astype(np.float64) * self.point_scale
        for block in _blocks(len(weights)):
            group = self.points[neighbors[block]].astype(np.float64)
            points = (weights[block, :, None] * group).sum(axis=1)
            rows[block] = points @ components + self.row_mean
        return rows

    def _local_weights(self, distances: np.ndarray) -> np.ndarray:
        """Return t² exp(−(d² − d₁²) / 2w²) with t = (d_K² − d²) / (d_K² − d₁²), normalised.

        d₁ is the distance of the nearest fitted row, d_K that of the farthest neighbour, and w four
        times the window. Far from all fitted rows, the nearest one has all the weight.
        """
        squares = distances**2
        excess = squares - squares[:, :1]
        span = excess[:, -1:]
        taper = np.where(span > 0, 1 - excess / np.where(span > 0, span, 1.0), 1.0)
        weights = taper**2 * np.exp(-excess / (2 * (WIDE_WINDOW * self.window) ** 2))
        return weights / weights.sum(axis=1, keepdims=True)

    def find_range_problem(self, sizes: np.ndarray, ratios: np.ndarray) -> str | None:
        """Return how most of the rows differ from the fitted rows, or None if they are similar.

        Parameters
        ----------
        sizes : ndarray of shape (n,)
            Root mean square of the numbers of each raw row.
        ratios : ndarray of shape (n,)
            Distance ratios of the rows; see `PlacementQuality`.
        """
        if len(sizes) < MIN_CHECKED_ROWS:
            return None
        factor = float(np.median(sizes)) / self.row_size if self.row_size > 0 else 1.0
        if factor < 1 / MAX_FACTOR:
            return f"are {1 / factor:.3g} times smaller than the fitted rows" if factor else None
        if factor > MAX_FACTOR:
            return f"are {factor:.3g} times larger than the fitted rows"
        is_distinct = self.max_ratio > TINY  # It is smaller if all fitted rows are equal.
        if is_distinct and np.median(ratios) > MAX_RATIO_FACTOR * self.max_ratio:
            return "are far from all fitted rows"
        return None

    def with_rows(self, coordinates: np.ndarray, positions: np.ndarray) -> Self:
        """Return the placement with more stored rows, or a random sample of at most 100,000 rows.

        Parameters
        ----------
        coordinates : ndarray of shape (n, d)
            Coordinates of the rows on the principal components.
        positions : ndarray of shape (n, n_components)
            Positions of the rows on the map.
        """
        all_points = np.concatenate([self.points, self.to_points(coordinates)])
        all_positions = np.concatenate([self.positions, positions.astype(np.float32)])
        indices = np.arange(len(all_points))
        if len(indices) > MAX_STORED_ROWS:
            rng = np.random.default_rng(self.seed)
            indices = np.sort(rng.choice(len(indices), MAX_STORED_ROWS, replace=False))
        return replace(self, points=all_points[indices], positions=all_positions[indices])

    @classmethod
    def from_file(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the placement of a file; raise ValueError or LookupError if it is damaged."""
        placement = super().from_file(values, arrays)
        placement.validate()
        return placement

    def validate(self) -> None:
        """Raise ValueError if an array has another shape or is not finite."""
        if self.points.ndim != 2 or self.positions.ndim != 2:
            raise ValueError("placement: expected points and positions with two axes")
        (m, d), n_features = self.points.shape, self.row_mean.size
        shapes = {
            "row_mean": (n_features,),
            "components": (d, n_features),
            "positions": (m, self.positions.shape[1]),
            "points": (m, d),
        }
        for name, shape in shapes.items():
            _check_array(name, getattr(self, name), shape)
        self._validate_directions(d)
        if not all(MIN_SCALE < scale < MAX_NUMBER for scale in (self.point_scale, self.window)):
            raise ValueError("placement: expected a scale and a window above 0")
        if not (0 < self.max_ratio < MAX_NUMBER and 0 <= self.row_size < math.inf):
            raise ValueError("placement: expected a distance ratio above 0 and a finite row size")
        max_neighbors = min(m, MAX_NEIGHBORS)
        if not (0 <= self.n_neighbors <= max_neighbors and 0 < self.n_decoded <= MAX_NEIGHBORS):
            raise ValueError(f"placement: expected at most {max_neighbors} neighbours")
        if not (0 <= self.network_share <= 1 and 0 <= self.encoder_weight < 1e6):
            raise ValueError("placement: expected a share from 0 to 1 and a weight of at least 0")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"placement: expected a seed of at least 0, found {self.seed}")

    def _validate_directions(self, d: int) -> None:
        matrix, offset = self.direction_matrix, self.direction_offset
        if matrix is None and offset is None:
            return
        if matrix is None or offset is None or matrix.ndim != 2:
            raise ValueError("directions: expected a matrix with two axes and an offset")
        _check_array("direction_matrix", matrix, (d, matrix.shape[1]))
        _check_array("direction_offset", offset, (matrix.shape[1],))


def _check_array(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    is_valid = array.shape == shape and array.size > 0 and array.dtype.kind == "f"
    if not is_valid or not float(np.abs(array).max()) < MAX_NUMBER:
        raise ValueError(f"{name}: expected finite numbers of shape {shape}")


def _blocks(n: int, size: int = BLOCK_ROWS) -> list[slice]:
    return [slice(i, i + size) for i in range(0, n, size)]


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
    center = positions.mean(axis=0, dtype=np.float64)
    max_distance = MAX_DISTANCE * (float(np.ptp(positions, axis=0).max()) or 1.0)
    offsets = codes.astype(np.float64) - center
    largest = np.abs(offsets).max(axis=1, keepdims=True)
    limited_codes = center + offsets / np.maximum(largest / max_distance, 1.0)
    return np.where(largest > max_distance, limited_codes, codes).astype(np.float32)


def quantize(points: np.ndarray) -> np.ndarray:
    """Round points to float16, clipped to its range.

    Examples
    --------
    >>> quantize(np.array([0.1, 1e9])).tolist()
    [0.0999755859375, 60000.0]
    """
    return np.clip(points, -MAX_FLOAT16, MAX_FLOAT16).astype(np.float16)


def row_sizes(rows: np.ndarray) -> np.ndarray:
    """Return the root mean square of the known numbers of each row, shape (n,).

    Examples
    --------
    >>> row_sizes(np.array([[3.0, 3.0], [np.nan, 0.0]])).tolist()
    [3.0, 0.0]
    """
    squares = rows.reshape(len(rows), -1).astype(np.float64) ** 2
    is_known = ~np.isnan(squares)
    return np.sqrt(np.nansum(squares, axis=1) / np.maximum(is_known.sum(axis=1), 1))


def local_scale(positions: np.ndarray) -> float:
    """Return the median distance from a layout position to its tenth nearest position.

    Examples
    --------
    >>> local_scale(np.arange(30.0)[:, None])
    5.0
    """
    sample = positions[:: max(1, len(positions) // SCALE_SAMPLE)]
    k = min(SCALE_NEIGHBORS, len(positions) - 1) + 1
    distances = cKDTree(positions).query(sample, k=k)[0].reshape(len(sample), k)
    median = float(np.median(distances[:, -1]))
    return median or float(np.ptp(positions, axis=0).max()) / len(positions) or 1.0
