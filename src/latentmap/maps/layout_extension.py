"""Layout positions for all rows, also for those outside the layout's sample.

The cost of a layout grows faster than the number of rows. Above a number of rows the layout is
computed for a uniform sample, and every other row takes the position of its nearest sampled row.
"""

from dataclasses import dataclass

import numpy as np

from latentmap.data import memory
from latentmap.maps.layout import compute_layout
from latentmap.preprocessing.neighbors import NeighborIndex
from latentmap.preprocessing.pca_projection import (
    PrincipalComponents,
    project_batches,
    project_rows,
)
from latentmap.progress import progress
from latentmap.training.preparation import PreparedData

# Greatest size of the sample by number of components. In space there is no grid to speed it up.
MAX_SAMPLE_ROWS = {1: 100_000, 2: 100_000, 3: 5_000}
LAYOUT_BYTES = 1200  # bytes of memory for each row of the sample
SEARCHED_CELLS = 3  # The second nearest row would do as well, so few cells are searched.


@dataclass(frozen=True)
class LayoutPositions:
    """Layout positions, and the sample on which they were computed.

    Attributes
    ----------
    positions : ndarray of shape (n, n_components)
        Position of every row, float32.
    points : ndarray of shape (m, d)
        Principal component coordinates of the sampled rows.
    spots : ndarray of shape (m, n_components)
        Positions of the sampled rows.
    """

    positions: np.ndarray
    points: np.ndarray
    spots: np.ndarray


def layout_sample_size(n: int, n_components: int) -> int:
    """Return the number of rows in the layout's sample.

    Examples
    --------
    >>> layout_sample_size(300, 2), layout_sample_size(1_000_000, 2)
    (300, 100000)
    """
    most = MAX_SAMPLE_ROWS[n_components]
    return min(n, most, max(1000, memory.BUDGET.layout.max_bytes() // LAYOUT_BYTES))


def compute_positions(
    ready: PreparedData,
    principal: PrincipalComponents,
    n_components: int,
    n_neighbors: int,
    visible: bool = False,
) -> LayoutPositions:
    """Compute layout positions of all rows from their principal component coordinates."""
    sample = ready.sample(layout_sample_size(len(ready.rows), n_components))
    points = project_rows(sample, ready.scale, principal)
    spots = compute_layout(points, n_components, n_neighbors, ready.seed, visible)
    if len(sample) == len(ready.rows):
        return LayoutPositions(spots, points, spots)
    return LayoutPositions(
        _extend_to_all_rows(ready, principal, points, spots, visible), points, spots
    )


def _extend_to_all_rows(
    ready: PreparedData,
    principal: PrincipalComponents,
    points: np.ndarray,
    spots: np.ndarray,
    visible: bool,
) -> np.ndarray:
    positions = np.empty((len(ready.rows), spots.shape[1]), np.float32)
    index = NeighborIndex(points, ready.seed, cells=SEARCHED_CELLS)
    with progress("placing the other rows", len(positions), visible) as advance:
        for slice_, batch in project_batches(ready.rows, ready.scale, principal):
            positions[slice_] = spots[index.search(batch, 1)[:, 0]]
            advance(len(batch))
    return positions
