"""Layout of all rows, extended from a sample that t-SNE places.

The time of t-SNE grows faster than the number of rows. For many rows the layout is computed for a
uniform sample, and every other row takes the position of its nearest sampled row.
"""

import math
from dataclasses import dataclass

import numpy as np

from latentmap.data import memory
from latentmap.maps.layout import compute_layout
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
    """

    principal: PrincipalComponents
    points: np.ndarray
    positions: np.ndarray


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
    n_columns = math.prod(data.rows.row_shape)
    principal = principal_components(
        data.sample(MAX_PCA_ROWS),
        data.scale,
        min(MIN_PRINCIPAL_COMPONENTS, n_columns),
        data.seed,
        verbose,
        min(MAX_PRINCIPAL_COMPONENTS, n_columns),
    )
    rows = data.sample(layout_sample_size(len(data.rows), n_components))
    points = project_rows(rows, data.scale, principal)
    positions = compute_layout(points, n_components, n_neighbors, data.seed, verbose)
    sample = LayoutSample(principal, points, positions)
    if len(rows) < len(data.rows):
        positions = _extend_to_all_rows(data, sample, verbose)
    return Layout(positions, sample)


def _extend_to_all_rows(data: PreparedData, sample: LayoutSample, verbose: bool) -> np.ndarray:
    positions = np.empty((len(data.rows), sample.positions.shape[1]), np.float32)
    index = NeighborIndex(sample.points, data.seed, n_searched_cells=SEARCHED_CELLS)
    with progress("placing the remaining rows on the map", len(positions), verbose) as advance:
        for slice_, batch in project_batches(data.rows, data.scale, sample.principal):
            positions[slice_] = sample.positions[index.search(batch, 1)[:, 0]]
            advance(len(batch))
    return positions
