"""Placement of rows on a map by their nearest fitted rows.

A network alone blurs the fine structure of a layout. A map therefore stores fitted rows and their
layout positions. A row is placed at the mode of the positions of its nearest fitted rows, to which
the encoder adds one vote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.maps.fitted_rows import FittedRows, row_blocks
from latentmap.value_types import Positive, Range

# Number of neighbours that are compared with the encoder's output if none of them vote.
COMPARED_NEIGHBORS = 10
# Standard deviations of the wide votes and of the encoder's vote, as multiples of `window`, the
# standard deviation of the narrow votes.
WIDE_WINDOW, ENCODER_WINDOW = 4.0, 8.0
# The weight of a neighbour at the distance d is exp(−PROXIMITY · d² / d_k²), where d_k is the
# distance of the farthest neighbour.
PROXIMITY = 2.0
TINY = 1e-12
VOTE_ROWS = 512  # Number of rows whose votes are computed at once, to limit the memory.
MAX_NEIGHBORS = 100  # Limit of the numbers of neighbours and averaged rows in a model file.


class PlacementQuality(NamedTuple):
    """Measurements of rows that are placed by their nearest fitted rows, arrays of shape (n,).

    Attributes
    ----------
    agreement : ndarray
        Share of the nearest fitted rows that are near the code on the map, from 0 to 1.
    distance_ratio : ndarray
        Root mean square distance between the row and its nearest fitted rows, divided by the root
        mean square distance between these fitted rows.
    """

    agreement: np.ndarray
    distance_ratio: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Placement(FileRecord):
    """Fitted rows, and the settings with which other rows are placed and positions are decoded.

    Attributes
    ----------
    fitted : FittedRows
    n_neighbors : int
        Number of nearest fitted rows that vote for the position of a row. 0 means that the encoder
        alone places rows that were not fitted.
    window : float
        Standard deviation of a vote, in the units of codes.
    encoder_weight : float
        Number of votes of the encoder.
    n_decoding_rows : int
        Number of fitted rows in the local mean that decodes a position; see `decode_by_local_mean`.
    decoder_weight : float
        Weight of the decoder's output in the row at a position of a fitted row, from 0 to 1.
    min_spread : float
        5th percentile of the root mean square distance between the neighbours of a fitted row.
        Smaller distances, such as 0 between copies of a row, are replaced by it.
    high_distance_ratio : float
        95th percentile of the distance ratios of fitted rows; see `PlacementQuality`.
    row_size : float
        Median over the fitted rows of the root mean square of a row's numbers, in raw units.
    """

    fitted: FittedRows
    n_neighbors: Annotated[int, Range(0, MAX_NEIGHBORS)]
    window: Positive
    encoder_weight: Annotated[float, Range(0, 1e6)]
    n_decoding_rows: Annotated[int, Range(1, MAX_NEIGHBORS)]
    decoder_weight: Annotated[float, Range(0, 1)]
    min_spread: Positive
    high_distance_ratio: Positive
    row_size: Annotated[float, Range(0, 3e38)]

    def place(
        self, coordinates: np.ndarray, encoded: np.ndarray, sample: slice = slice(None)
    ) -> tuple[np.ndarray, PlacementQuality]:
        """Place rows by their coordinates on the principal components and the encoder's output.

        A fitted row is placed at its layout position. The result of a row does not depend on the
        other rows.

        Parameters
        ----------
        coordinates : ndarray of shape (n, d)
        encoded : ndarray of shape (n, n_components)
        sample : slice
            Rows whose quality is measured; by default all rows.

        Returns
        -------
        codes : ndarray of shape (n, n_components)
        quality : PlacementQuality
        """
        points = self.fitted.to_points(coordinates)
        indices, sample_indices = self.fitted.find(points), np.arange(len(points))[sample]
        # A fitted row needs no search, unless its quality is measured.
        searched = np.union1d(np.flatnonzero(indices < 0), sample_indices)
        n_neighbors = min(self.n_neighbors or COMPARED_NEIGHBORS, len(self.fitted))
        neighbors = self.fitted.nearest_rows(points[searched], n_neighbors)
        codes = self.fitted.positions[indices]
        codes[searched], distances = self.place_by(neighbors, points[searched], encoded[searched])
        measured = np.searchsorted(searched, sample_indices)
        return codes, self.measure(codes[sample], neighbors[measured], distances[measured])

    def place_by(
        self, neighbors: np.ndarray, points: np.ndarray, encoded: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of points with given nearest fitted rows, and the distances to them."""
        distances = self.fitted.distances(points, neighbors)
        indices = self.fitted.find(points)[:, None]
        codes = self.vote(encoded, neighbors, distances)
        return np.where(indices >= 0, self.fitted.positions[indices[:, 0]], codes), distances

    def vote(self, encoded: np.ndarray, neighbors: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """Return the mode of the positions of given neighbours, shape (n, n_components).

        The position of every neighbour gets a narrow and a wide Gaussian vote from each neighbour,
        and a still wider vote from the encoder. The votes of nearer neighbours have more weight.
        The wide votes select a cluster, and the narrow votes the position in it. The position with
        the greatest sum is moved once to the mean within the window, a step of mean shift
        (Y. Cheng, IEEE PAMI 17, 1995).
        """
        if not self.n_neighbors:
            return encoded
        codes = np.empty_like(encoded)
        for block in row_blocks(len(encoded), VOTE_ROWS):
            codes[block] = self._vote(encoded[block], neighbors[block], distances[block])
        return codes

    def _vote(
        self, encoded: np.ndarray, neighbors: np.ndarray, distances: np.ndarray
    ) -> np.ndarray:
        # The rows are the last axis of all arrays, because operations on long axes are fast.
        positions = self.fitted.positions[neighbors].transpose(2, 1, 0)
        positions = np.ascontiguousarray(positions, np.float64)
        farthest = np.maximum(distances[:, -1], TINY)
        proximity = np.exp(-PROXIMITY * (distances.T / farthest) ** 2)
        wide = self._votes(positions[:, :, None] - positions[:, None])
        narrow = wide ** int(WIDE_WINDOW**2)
        votes = ((wide + narrow) * proximity).sum(axis=1)
        encoder_votes = self._votes(positions - encoded.T[:, None], ENCODER_WINDOW)
        votes += self.encoder_weight * proximity.mean(axis=0) * encoder_votes
        weights = narrow[votes.argmax(axis=0), :, np.arange(len(encoded))].T * proximity
        return ((weights * positions).sum(axis=1) / weights.sum(axis=0)).T

    def _votes(self, differences: np.ndarray, width: float = WIDE_WINDOW) -> np.ndarray:
        """Return the votes at differences of positions, whose first axis is the component.

        ``width`` is the standard deviation of a vote as a multiple of the window.
        """
        return np.exp((differences**2).sum(axis=0) / (-2 * (width * self.window) ** 2))

    def measure(
        self, codes: np.ndarray, neighbors: np.ndarray, distances: np.ndarray
    ) -> PlacementQuality:
        """Return the agreement and the distance ratio of rows with given codes and neighbours."""
        agreement = np.empty(len(codes))
        for block in row_blocks(len(codes)):
            positions = self.fitted.positions[neighbors[block]]
            offsets = positions - codes[block, None].astype(np.float64)
            agreement[block] = self._votes(offsets.transpose(2, 0, 1)).mean(axis=1)
        spread = np.maximum(self.fitted.spread(neighbors), self.min_spread)
        return PlacementQuality(agreement, np.sqrt((distances**2).mean(axis=1)) / spread)

    def confidence(self, quality: PlacementQuality) -> np.ndarray:
        """Return the confidence in the positions of placed rows, from 0 to 1, shape (n,)."""
        ratios = np.maximum(quality.distance_ratio, TINY)
        return quality.agreement * np.minimum(1.0, self.high_distance_ratio / ratios)

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are not arrays, including those of the fitted rows."""
        return super().to_json() | self.fitted.to_json()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the fitted rows."""
        return self.fitted.to_arrays()

    @classmethod
    def _read_fields(
        cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, Any]:
        fitted = FittedRows.from_file(values, arrays)
        return {**super()._read_fields(values, arrays), "fitted": fitted}

    @classmethod
    def from_file(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the placement of a file; raise ValueError or LookupError if it is damaged."""
        placement = super().from_file(values, arrays)
        placement.validate()
        return placement

    def validate(self) -> None:
        """Raise ValueError if the fitted rows are damaged or fewer than the neighbours."""
        self.fitted.validate()
        if self.n_neighbors > len(self.fitted):
            raise ValueError(f"placement: expected at most {len(self.fitted)} neighbours")
