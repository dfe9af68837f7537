"""Placement of rows on a map by their nearest fitted rows.

A network alone blurs the fine structure of a layout. A map therefore stores fitted rows and their
layout positions. A row is placed at the mode of the positions of its nearest fitted rows. If these
rows are in several clusters, the encoder also has a vote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.maps.fitted_rows import FittedRows, row_blocks
from latentmap.value_types import Positive, Range

# `PlacementQuality` is computed from this number of nearest fitted rows if the encoder alone places
# the rows.
COMPARED_NEIGHBORS = 10
# Number of nearest neighbours that select a cluster by votes with a wide window.
CLUSTER_NEIGHBORS = 8
# Standard deviation of the wide votes, as a multiple of `window`.
WIDE_WINDOW = 4.0
# A wide vote is squared this number of times to get a narrow vote, whose standard deviation is
# therefore √2 windows.
NARROW_SQUARINGS = 3
# Standard deviation of the encoder's vote, as a multiple of `window`.
ENCODER_WINDOW = 12.0
# The encoder votes if the sum of the wide votes for the best position is smaller than this. It is
# above a half, so that the encoder decides between two equal groups of neighbours.
MIN_AGREEMENT = 0.55
# The weight of the wide vote of a neighbour at the distance d is proportional to
# exp(−WIDE_DECAY · d² / d_m²), where d_m is the distance of the farthest neighbour that has such a
# vote. NARROW_DECAY is that of the narrow votes.
WIDE_DECAY, NARROW_DECAY = 1.0, 2.0
# A position is in the cluster of the best one if its wide vote for that position is above
# MIN_CLUSTER_VOTE. Penalties of the positions in a cluster have these weights, for small and large
# groups of rows; see `map_groups`.
MIN_CLUSTER_VOTE = 0.5
GROUP_WEIGHTS = (0.3, 1.0)
TINY = 1e-12
MAX_OFFSET = 1e15  # Limit of distances in windows, whose squares then do not overflow in float32.
VOTE_ROWS = 512  # Number of rows whose votes are computed at once, to limit the memory.
MAX_NEIGHBORS = 100  # Limit of the numbers of neighbours and averaged rows in a model file.

# Returns the encoder's output for the rows with given indices, shape (n, n_components).
Encode = Callable[[np.ndarray], np.ndarray]


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
        Standard deviation of the weights in the mean around the mode, in the units of codes.
    encoder_weight : float
        Weight of the encoder's vote, relative to the mean weight of a wide vote.
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
    penalty : float or None
        Factor of the penalties of positions whose surrounding rows are far from a row. None, the
        value of older files, is equal to 0.
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
    penalty: Annotated[float, Range(0, 1e6)] | None = None

    def place(
        self, coordinates: np.ndarray, encode: Encode | None = None, sample: slice = slice(None)
    ) -> tuple[np.ndarray, PlacementQuality]:
        """Place rows by their coordinates on the principal components and the encoder's output.

        A fitted row is placed at its layout position. The result of a row does not depend on the
        other rows.

        Parameters
        ----------
        coordinates : ndarray of shape (n, d)
        encode : callable, optional
            Returns the encoder's output for the rows with given indices, shape (m, n_components).
            By default, the encoder has no vote.
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
        is_searched = indices < 0
        is_searched[sample] = True
        searched = np.flatnonzero(is_searched)
        n_neighbors = min(self.n_neighbors or COMPARED_NEIGHBORS, len(self.fitted))
        neighbors, distances = self.fitted.nearest_rows(points[searched], n_neighbors)
        codes = self.fitted.positions[indices]
        codes[searched] = self._codes(
            points[searched], indices[searched], neighbors, distances, _select(encode, searched)
        )
        measured = np.searchsorted(searched, sample_indices)
        return codes, self.measure(codes[sample], neighbors[measured], distances[measured])

    def place_by(self, neighbors: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return the codes of points with given nearest fitted rows, without the encoder."""
        distances = self.fitted.distances(points, neighbors)
        return self._codes(points, self.fitted.find(points), neighbors, distances)

    def _codes(
        self,
        points: np.ndarray,
        indices: np.ndarray,
        neighbors: np.ndarray,
        distances: np.ndarray,
        encode: Encode | None = None,
    ) -> np.ndarray:
        """Return the positions of fitted rows with given indices, or the mode if an index is −1."""
        codes, new = self.fitted.positions[indices], np.flatnonzero(indices < 0)
        codes[new] = self.vote(points[new], neighbors[new], distances[new], _select(encode, new))
        return codes

    def vote(
        self,
        points: np.ndarray,
        neighbors: np.ndarray,
        distances: np.ndarray,
        encode: Encode | None = None,
        squares: list[np.ndarray] | None = None,
    ) -> np.ndarray:
        """Return the mode of the positions of given neighbours, shape (n, n_components).

        The position of every neighbour gets wide Gaussian votes from the nearest neighbours, and
        narrow ones from all neighbours. The votes of nearer neighbours have more weight. The wide
        votes select a cluster, and the narrow votes the position in it. If the nearest neighbours
        are in several clusters, the encoder adds a still wider vote. The position with the greatest
        sum selects the cluster. In the cluster, a position has a penalty if the fitted rows around
        it on the map are far from the row. The best position is moved once to the mean within the
        window, a step of mean shift (Y. Cheng, IEEE PAMI 17, 1995).

        ``encode`` is called at most once, for the rows whose neighbours are in several clusters.
        ``squares`` are the results of `FittedRows.group_squares`, which are computed by default.
        """
        if encode is not None and not self.n_neighbors:
            return encode(np.arange(len(neighbors)))
        if not self.penalty:
            squares = []
        elif squares is None:
            squares = self.fitted.group_squares(points, neighbors)
        codes, agreement = self._vote_in_blocks(neighbors, distances, squares)
        rows = np.flatnonzero(agreement < MIN_AGREEMENT)
        if encode is not None and self.encoder_weight and len(rows):
            codes[rows], _ = self._vote_in_blocks(
                neighbors[rows], distances[rows], [array[rows] for array in squares], encode(rows)
            )
        return codes

    def _vote_in_blocks(
        self,
        neighbors: np.ndarray,
        distances: np.ndarray,
        squares: list[np.ndarray],
        encoded: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the modes, and the sums of the wide votes for them."""
        codes = np.empty((len(neighbors), self.fitted.positions.shape[1]), np.float32)
        agreement = np.empty(len(neighbors))
        for block in row_blocks(len(neighbors), VOTE_ROWS):
            # Rows are the last axis of these arrays, because NumPy is fast along long axes.
            positions = self.fitted.positions[neighbors[block]].transpose(2, 1, 0)
            positions = np.ascontiguousarray(positions, np.float64)
            wide_sums, narrow, weights = self._sum_votes(positions, distances[block])
            votes = wide_sums + (narrow * weights).sum(axis=1, dtype=np.float64)
            if encoded is not None:
                votes += self._encoder_votes(positions, encoded[block])
            best, rows = votes.argmax(axis=0), np.arange(votes.shape[1])
            agreement[block] = wide_sums[best, rows]
            if squares:
                is_near = narrow[best, :, rows].T > MIN_CLUSTER_VOTE ** (2**NARROW_SQUARINGS)
                best = self._penalize(votes, is_near, [s[block].T for s in squares]).argmax(axis=0)
            weights = weights * narrow[best, :, rows].T.astype(np.float64) ** 2
            codes[block] = ((weights * positions).sum(axis=1) / weights.sum(axis=0)).T
        return codes, agreement

    def _penalize(
        self, votes: np.ndarray, is_near: np.ndarray, squares: list[np.ndarray]
    ) -> np.ndarray:
        """Subtract penalties from votes, and replace the votes that are not near by −∞.

        All arrays have shape (k, n). ``squares`` are mean squared distances to groups of rows.
        """
        result, factor = np.where(is_near, votes, -np.inf), self.penalty or 0.0
        for weight, group_squares in zip(GROUP_WEIGHTS, squares, strict=True):
            least = np.where(is_near, group_squares, np.inf).min(axis=0)
            excess = group_squares / np.maximum(least, TINY) - 1
            result -= factor * weight * np.minimum(excess, 1.0)
        return result

    def _sum_votes(
        self, positions: np.ndarray, distances: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the sums of the wide votes, the narrow votes, and the weights of the latter.

        ``positions`` has shape (n_components, k, n), the narrow votes (k, k, n), the others (k, n).
        Single votes are float32, which takes half the time. Their sums are in double precision, so
        that they do not depend on the number of rows.
        """
        offsets = (positions - positions[:, :1]) / self.window
        offsets = np.clip(offsets, -MAX_OFFSET, MAX_OFFSET).astype(np.float32)
        wide = _votes(offsets[:, :, None] - offsets[:, None])
        wide_weights = np.ascontiguousarray(
            proximity(distances[:, :CLUSTER_NEIGHBORS], WIDE_DECAY).T
        )
        wide_sums = (wide[:, : len(wide_weights)] * wide_weights).sum(axis=1, dtype=np.float64)
        for _ in range(NARROW_SQUARINGS):
            wide *= wide
        return wide_sums, wide, np.ascontiguousarray(proximity(distances, NARROW_DECAY).T)

    def _encoder_votes(self, positions: np.ndarray, encoded: np.ndarray) -> np.ndarray:
        """Return the encoder's votes for positions of shape (n_components, k, n)."""
        weight = self.encoder_weight / min(CLUSTER_NEIGHBORS, positions.shape[1])
        return weight * _votes((positions - encoded.T[:, None]) / self.window, ENCODER_WINDOW)

    def measure(
        self, codes: np.ndarray, neighbors: np.ndarray, distances: np.ndarray
    ) -> PlacementQuality:
        """Return the agreement and the distance ratio of rows with given codes and neighbours."""
        agreement = np.empty(len(codes))
        for block in row_blocks(len(codes)):
            positions = self.fitted.positions[neighbors[block]]
            offsets = (positions - codes[block, None].astype(np.float64)) / self.window
            agreement[block] = _votes(offsets.transpose(2, 0, 1)).mean(axis=1)
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
            raise ValueError(
                f"placement: expected at most {len(self.fitted)} neighbours, found "
                f"{self.n_neighbors}"
            )


def _select(encode: Encode | None, rows: np.ndarray) -> Encode | None:
    """Return an encoder that takes indices into ``rows``, which are indices of all rows."""
    return None if encode is None else lambda indices: encode(rows[indices])


def _votes(differences: np.ndarray, width: float = WIDE_WINDOW) -> np.ndarray:
    """Return the votes at differences of positions; the array of differences is overwritten.

    The first axis of the differences is the component. They, and the standard deviation ``width``
    of a vote, are multiples of the window.
    """
    squares = np.square(differences, out=differences).sum(axis=0)
    squares /= -2 * width**2
    return np.exp(squares, out=squares)


def proximity(distances: np.ndarray, decay: float) -> np.ndarray:
    """Return weights that decrease with the distance, shape (n, k); those of a row have the sum 1.

    They are proportional to exp(−decay · d² / d_k²), where d_k is the last distance of a row.

    Examples
    --------
    >>> proximity(np.array([[0.0, 1.0]]), decay=np.log(3.0)).round(3).tolist()
    [[0.75, 0.25]]
    """
    farthest = np.maximum(distances[:, -1:], TINY)
    weights = np.exp(-decay * (distances / farthest) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)
