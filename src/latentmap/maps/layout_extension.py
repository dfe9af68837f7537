"""Layout of all rows, extended from a sample that t-SNE places.

The time of t-SNE grows faster than the number of rows. For many rows the layout is computed for a
uniform sample, and every other row takes the position of its nearest sampled row.
"""

import math
from dataclasses import dataclass

import numpy as np

from latentmap.data import memory
from latentmap.data.sources import ArraySource, Source
from latentmap.maps.layout import TINY, compute_layout
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
    """

    principal: PrincipalComponents
    points: np.ndarray
    positions: np.ndarray
    rows: Source
    point_scale: float


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
    data: PreparedData, n_components: int, n_neighbors: int, verbose: bool = False
) -> Layout:
    """Compute layout positions of all rows from their principal component coordinates."""
    principal = _principal_components(data, verbose)
    rows = data.sample(layout_sample_size(len(data.rows), n_components))
    points, point_scale = _points(rows, data, principal)
    positions = compute_layout(points, n_components, n_neighbors, data.seed, verbose)
    sample = LayoutSample(principal, points, positions, rows, point_scale)
    if len(rows) < len(data.rows):
        positions = _extend_to_all_rows(data, sample, verbose)
    return Layout(positions, sample)


def sample_of_layout(data: PreparedData, layout: Layout, verbose: bool = False) -> LayoutSample:
    """Return the sample of a layout; it is computed for positions that the user gave."""
    if layout.sample is not None:
        return layout.sample
    n_rows = layout_sample_size(len(data.rows), layout.positions.shape[1])
    principal = _principal_components(data, verbose)
    # Both samples use the same seed, so that each row is paired with its position.
    rows = data.rows.sample(n_rows, data.seed)
    positions = ArraySource(layout.positions).sample(n_rows, data.seed)[:]
    points, point_scale = _points(rows, data, principal)
    return LayoutSample(principal, points, positions, rows, point_scale)


def _points(
    rows: Source, data: PreparedData, principal: PrincipalComponents
) -> tuple[np.ndarray, float]:
    """Return the coordinates of rows in the precision of stored points, and their scale.

    Rows that are equal in this precision have one position, so that it can be found again.
    """
    coordinates = project_rows(rows, data.scale, principal)
    spread = float(np.sqrt(np.mean(coordinates.astype(np.float64) ** 2)))
    scale = spread if spread > TINY else 1.0
    rounded_points = quantize(coordinates / np.float32(scale)).astype(np.float32)
    return rounded_points * np.float32(scale), scale


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


def _extend_to_all_rows(data: PreparedData, sample: LayoutSample, verbose: bool) -> np.ndarray:
    positions = np.empty((len(data.rows), sample.positions.shape[1]), np.float32)
    index = NeighborIndex(sample.points, data.seed, n_searched_cells=SEARCHED_CELLS)
    with progress("placing the remaining rows on the map", len(positions), verbose) as advance:
        for slice_, batch in project_batches(data.rows, data.scale, sample.principal):
            positions[slice_] = sample.positions[index.search(batch, 1)[:, 0]]
            advance(len(batch))
    return positions
