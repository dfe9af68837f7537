"""Layout of all rows, extended from a sample that t-SNE places.

The time of t-SNE grows faster than the number of rows. For many rows the layout is computed for a
uniform sample, and every other row takes the position of its nearest sampled row.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from latentmap.data import memory
from latentmap.data.memory import check_memory
from latentmap.data.sources import ArraySource, Source
from latentmap.maps.directions import DIRECTION_METRICS, Directions
from latentmap.maps.layout import TINY, compute_layout
from latentmap.maps.neighbor_graph import NeighborGraph
from latentmap.maps.neighbor_search import EuclideanSearch, Metric, MetricSearch, NeighborSearch
from latentmap.maps.placement import quantize
from latentmap.preprocessing.neighbors import NeighborIndex
from latentmap.preprocessing.pca_projection import (
    PrincipalComponents,
    principal_components,
    project_batches,
    project_rows,
)
from latentmap.progress import progress
from latentmap.training.preparation import PreparedData

# Range of the number of principal components, if the rows have that many columns.
MIN_PRINCIPAL_COMPONENTS = 50
MAX_PRINCIPAL_COMPONENTS = 150
MAX_PCA_ROWS = 20_000
# Maximum size of the sample by number of components. In three dimensions, t-SNE is slow because it
# does not use a grid.
MAX_SAMPLE_ROWS = {1: 100_000, 2: 100_000, 3: 5_000}
LAYOUT_BYTES = 1200  # Memory for each row of the sample.
SEARCHED_CELLS = 3  # An approximate nearest row is sufficient.


@dataclass(frozen=True)
class LayoutSample:
    """Sample of rows for which a layout was computed.

    Attributes
    ----------
    principal : PrincipalComponents
    points : ndarray of shape (m, d)
        Coordinates of the sampled rows on the principal components.
    positions : ndarray of shape (m, n_components)
        Layout positions of the sampled rows.
    rows : Source
        The sampled raw rows.
    point_scale : float
        Root mean square of the coordinates. Coordinates divided by it have float16 precision.
    directions : Directions or None
        Space in which neighbours are searched. None if it is that of the points.
    """

    principal: PrincipalComponents
    points: np.ndarray
    positions: np.ndarray
    rows: Source
    point_scale: float
    directions: Directions | None = None

    def to_search_points(self, points: np.ndarray) -> np.ndarray:
        """Return points, or their directions if neighbours are those of the cosine."""
        return points if self.directions is None else self.directions.apply(points)


@dataclass(frozen=True)
class Layout:
    """Layout positions of all rows, shape (n, n_components).

    ``sample`` is None if the user gave the positions.
    """

    positions: np.ndarray
    sample: LayoutSample | None = None


def layout_sample_size(n: int, n_components: int) -> int:
    """Return the number of rows in the layout's sample.

    Examples
    --------
    >>> layout_sample_size(300, 2), layout_sample_size(1_000_000, 2)
    (300, 100000)
    """
    return min(
        n,
        MAX_SAMPLE_ROWS[n_components],
        max(1000, memory.BUDGET.layout.max_bytes() // LAYOUT_BYTES),
    )


def compute_positions(
    data: PreparedData,
    n_components: int,
    n_neighbors: int,
    verbose: bool = False,
    metric: Metric = "euclidean",
    graph: NeighborGraph | None = None,
) -> Layout:
    """Compute layout positions of all rows from their nearest neighbours.

    With ``graph`` the layout has all rows, because a sample would have few of their neighbours.
    """
    principal = _principal_components(data, verbose)
    n_rows = n_stored_rows = layout_sample_size(len(data.rows), n_components)
    if graph is not None:
        n_rows = len(data.rows)
        check_memory("neighbors", LAYOUT_BYTES * n_rows)
    sample = _sample_rows(data, data.sample(n_rows), principal, metric)
    search = graph or _neighbor_search(data, sample, metric, verbose)
    positions = compute_layout(sample.points, n_components, n_neighbors, data.seed, verbose, search)
    if n_rows > n_stored_rows:
        return Layout(positions, sample_of_layout(data, Layout(positions), metric, verbose))
    sample = replace(sample, positions=positions)
    if n_rows < len(data.rows):
        positions = _extend_to_all_rows(data, sample, verbose)
    return Layout(positions, sample)


def sample_of_layout(
    data: PreparedData, layout: Layout, metric: Metric = "euclidean", verbose: bool = False
) -> LayoutSample:
    """Return the sample of a layout; it is computed for positions that the user gave."""
    if layout.sample is not None:
        return layout.sample
    return sample_of_positions(data, data.rows, layout.positions, metric, verbose)


def sample_of_positions(
    data: PreparedData, rows: Source, positions: np.ndarray, metric: Metric, verbose: bool
) -> LayoutSample:
    """Return a sample of some of the rows with their positions."""
    n_rows = layout_sample_size(len(rows), positions.shape[1])
    principal = _principal_components(data, verbose)
    # Both samples use the same seed, so that each row is paired with its position.
    sampled_positions = ArraySource(positions).sample(n_rows, data.seed)[:]
    sample = _sample_rows(data, rows.sample(n_rows, data.seed), principal, metric)
    return replace(sample, positions=sampled_positions)


def _sample_rows(
    data: PreparedData, rows: Source, principal: PrincipalComponents, metric: Metric
) -> LayoutSample:
    """Return a sample of rows without positions.

    Rows that are equal in the precision of stored points have one position, so that it can be found
    again.
    """
    coordinates = project_rows(rows, data.scale, principal)
    spread = float(np.sqrt(np.mean(coordinates.astype(np.float64) ** 2)))
    scale = spread if spread > TINY else 1.0
    points = quantize(coordinates / np.float32(scale)).astype(np.float32) * np.float32(scale)
    directions = None
    if metric in DIRECTION_METRICS:
        directions = Directions.of_rows(principal, data.scale, str(metric))
    return LayoutSample(principal, points, points[:, :0], rows, scale, directions)


def _principal_components(data: PreparedData, verbose: bool) -> PrincipalComponents:
    n_columns = math.prod(data.rows.row_shape)
    return principal_components(
        data.sample(MAX_PCA_ROWS),
        data.scale,
        min(MIN_PRINCIPAL_COMPONENTS, n_columns),
        data.seed,
        verbose,
        min(MAX_PRINCIPAL_COMPONENTS, n_columns),
    )


def _neighbor_search(
    data: PreparedData, sample: LayoutSample, metric: Metric, verbose: bool
) -> NeighborSearch:
    if metric == "euclidean" or metric in DIRECTION_METRICS:
        return EuclideanSearch(sample.to_search_points(sample.points), data.seed, verbose)
    return MetricSearch(sample.rows, data.scale, metric, data.seed, verbose)


def _extend_to_all_rows(data: PreparedData, sample: LayoutSample, verbose: bool) -> np.ndarray:
    positions = np.empty((len(data.rows), sample.positions.shape[1]), np.float32)
    search_points = sample.to_search_points(sample.points)
    index = NeighborIndex(search_points, data.seed, n_searched_cells=SEARCHED_CELLS)
    with progress("placing the remaining rows on the map", len(positions), verbose) as advance:
        for slice_, batch in project_batches(data.rows, data.scale, sample.principal):
            nearest = index.search(sample.to_search_points(batch), 1)[:, 0]
            positions[slice_] = sample.positions[nearest]
            advance(len(batch))
    return positions
