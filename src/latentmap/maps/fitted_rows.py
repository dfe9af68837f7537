"""Fitted rows that a map stores, as coordinates on principal components and layout positions."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.maps.directions import DirectionTransform
from latentmap.maps.map_groups import DENSE_ROWS, GROUP_SIZES, GROUP_STEPS, MapGroups
from latentmap.maps.position_search import PositionSearch
from latentmap.preprocessing.neighbors import BatchInvariantIndex, RowLookup
from latentmap.preprocessing.pca_projection import PrincipalComponents
from latentmap.value_types import Count, Positive

MAX_STORED_ROWS = 100_000
BLOCK_ROWS = 2048  # Number of rows that are processed at once, which limits the memory.
MAX_FLOAT16 = 6e4
MAX_NUMBER = 1e30  # Sums of squares of larger numbers in a model file may overflow in float32.


@dataclass(frozen=True, kw_only=True)
class FittedRows(FileRecord):
    """Fitted rows of a map, which can be searched by row and by position.

    Attributes
    ----------
    row_mean, components : ndarray of shape (n_features,), (d, n_features)
        Points are (scaled row − row_mean) · componentsᵀ / point_scale.
    point_scale : float
    points : ndarray of shape (m, d)
        Points of the fitted rows, float16. Equal points have equal positions.
    positions : ndarray of shape (m, n_components)
        Layout positions of the fitted rows in the units of codes, float32.
    seed : int
    direction_matrix, direction_offset : ndarray or None
        `DirectionTransform` of the points if the metric is the cosine or correlation, else None.
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
    point_scale: Positive
    seed: Count
    direction_matrix: np.ndarray | None = None
    direction_offset: np.ndarray | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __len__(self) -> int:
        return len(self.points)

    @property
    def principal(self) -> PrincipalComponents:
        """Principal components of the points."""
        return PrincipalComponents(self.row_mean, self.components)

    @cached_property
    def index(self) -> BatchInvariantIndex:
        """Index of the points that `nearest_rows` searches."""
        return BatchInvariantIndex(self.search_points.astype(np.float32), self.seed)

    @cached_property
    def search_points(self) -> np.ndarray:
        """Points of the fitted rows, or their directions; see `directions`."""
        return self._to_search_points(self.points)

    @cached_property
    def groups(self) -> tuple[MapGroups, ...]:
        """Small and large groups of rows that are near each other on the map."""
        points, is_dense = self.search_points.astype(np.float32), len(self) > DENSE_ROWS
        return tuple(
            MapGroups(points, self.positions, size, step if is_dense else 1)
            for size, step in zip(GROUP_SIZES, GROUP_STEPS, strict=True)
        )

    @cached_property
    def _lookup(self) -> RowLookup:
        return RowLookup(self.points)

    @cached_property
    def _position_search(self) -> PositionSearch:
        return PositionSearch(self.positions)

    def _to_search_points(self, points: np.ndarray) -> np.ndarray:
        """Return points, or their directions if the metric is the cosine or the correlation."""
        if self.direction_matrix is None or self.direction_offset is None:
            return points
        transform = DirectionTransform(self.direction_matrix, self.direction_offset)
        return transform.apply(points.astype(np.float32) * np.float32(self.point_scale))

    def to_points(self, coordinates: np.ndarray) -> np.ndarray:
        """Convert coordinates on the principal components to the precision of stored points."""
        return quantize(coordinates / np.float32(self.point_scale))

    def find(self, points: np.ndarray) -> np.ndarray:
        """Return the index of the first fitted row at each point, −1 for none, shape (n,)."""
        return self._lookup.find(points)

    def have_copies(self, indices: np.ndarray) -> np.ndarray:
        """Return whether fitted rows with given indices equal another fitted row, shape (n,)."""
        first = self.find(self.points)
        return np.bincount(first)[first[indices]] > 1

    def nearest_rows(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices and distances of the k fitted rows nearest to each point, (n, k)."""
        return self.index.search(self._to_search_points(points).astype(np.float32), k)

    def nearest_positions(self, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the distances and indices of the k fitted rows nearest on the map."""
        return self._position_search.nearest(codes, k)

    def distances(self, points: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
        """Return the distances of points to the fitted rows with given indices, shape (n, k)."""
        search_points, distances = self._to_search_points(points), np.empty(neighbors.shape)
        for block in row_blocks(len(points)):
            group = self.search_points[neighbors[block]].astype(np.float32)
            offsets = group - search_points[block, None].astype(np.float32)
            distances[block] = np.sqrt(np.square(offsets, out=offsets).sum(axis=2))
        return distances

    def group_squares(
        self, points: np.ndarray, neighbors: np.ndarray, left_out: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Return the mean squared distances between points and the groups of their neighbours.

        The arrays have shape (n, k); see `MapGroups.mean_squares`.
        """
        search_points = self._to_search_points(points)
        return [group.mean_squares(search_points, neighbors, left_out) for group in self.groups]

    def spread(self, neighbors: np.ndarray) -> np.ndarray:
        """Return the root mean square distance between the fitted rows of each group.

        ``neighbors`` holds the indices of the rows of n groups, shape (n, k).
        """
        variance = np.empty(len(neighbors))
        for block in row_blocks(len(neighbors)):
            group = self.search_points[neighbors[block]].astype(np.float32)
            variance[block] = group.var(axis=1, dtype=np.float64).sum(axis=1)
        # The mean squared distance between two rows is twice their variance.
        return np.sqrt(2 * variance)

    def mean_rows(self, neighbors: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return weighted means of fitted rows as scaled rows, shape (n, n_features).

        ``neighbors`` and ``weights`` have shape (n, k), and the weights of a mean have the sum 1.
        """
        rows = np.empty((len(weights), self.row_mean.size), np.float32)
        # In double precision, the rounded sums do not depend on the number of rows.
        components = self.components.astype(np.float64) * self.point_scale
        for block in row_blocks(len(weights)):
            group = self.points[neighbors[block]].astype(np.float64)
            points = (weights[block, :, None] * group).sum(axis=1)
            rows[block] = points @ components + self.row_mean
        return rows

    def with_rows(self, coordinates: np.ndarray, positions: np.ndarray) -> Self:
        """Return these rows and others, or a random sample of at most 100,000 of them.

        Parameters
        ----------
        coordinates : ndarray of shape (n, d)
            Coordinates of the other rows on the principal components.
        positions : ndarray of shape (n, n_components)
            Positions of the other rows on the map.
        """
        points = np.concatenate([self.points, self.to_points(coordinates)])
        positions = np.concatenate([self.positions, positions.astype(np.float32)])
        positions = positions[RowLookup(points).find(points)]
        indices = np.arange(len(points))
        if len(indices) > MAX_STORED_ROWS:
            rng = np.random.default_rng(self.seed)
            indices = np.sort(rng.choice(len(indices), MAX_STORED_ROWS, replace=False))
        return replace(self, points=points[indices], positions=positions[indices])

    def validate(self) -> None:
        """Raise ValueError if an array has another shape or is not finite."""
        if self.points.ndim != 2 or self.positions.ndim != 2:
            raise ValueError("fitted rows: expected points and positions with two axes")
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


def row_blocks(n: int, size: int = BLOCK_ROWS) -> list[slice]:
    """Return the slices of n rows in blocks, which limit the memory of temporary arrays."""
    return [slice(i, i + size) for i in range(0, n, size)]


def quantize(points: np.ndarray) -> np.ndarray:
    """Round points to float16, clipped to its range.

    Examples
    --------
    >>> quantize(np.array([0.1, 1e9])).tolist()
    [0.0999755859375, 60000.0]
    """
    return np.clip(points, -MAX_FLOAT16, MAX_FLOAT16).astype(np.float16)
