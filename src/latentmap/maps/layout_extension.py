"""A position for every row to fit: the layout's, or, of very many rows, that of the nearest in it.

A layout costs more than the rows' number, and more than some rows of each kind add nothing to it.
So beyond a number it is that of a uniform sample; all others stream past once, each to lie where
its nearest sampled row does. What grows with the rows is the position of each, and nothing else.
"""

from typing import NamedTuple

import numpy as np

from latentmap.data import memory
from latentmap.maps.layout import find_layout
from latentmap.preprocessing.neighbors import NeighborIndex
from latentmap.preprocessing.pca_projection import (
    PrincipalComponents,
    project_batches,
    project_rows,
)
from latentmap.progress import progress
from latentmap.training.preparation import PreparedData

MOST_ROWS = {1: 100_000, 2: 100_000, 3: 5_000}
"""By dimensions: of more rows the layout is that of a sample; in 3-D no grid speeds it up."""
LAYOUT_BYTES = 1200  # of memory for each row in the layout
SEARCHED_CELLS = 3
"""One nearest row is looked for, and the next to nearest does as well."""


class Positions(NamedTuple):
    """Where rows lie, and what was laid out to know it."""

    of_rows: np.ndarray
    """Shape (n, n_components), float32: of every row."""
    points: np.ndarray
    """Shape (m, d): the sampled rows' coordinates on the principal components."""
    spots: np.ndarray
    """Shape (m, n_components): their layout; see `find_layout`."""


def laid_out(n: int, n_components: int) -> int:
    """Tell how many of n rows a layout is found for.

    Examples
    --------
    >>> laid_out(300, 2), laid_out(1_000_000, 2)
    (300, 100000)
    """
    most = MOST_ROWS[n_components]
    return min(n, most, max(1000, memory.BUDGET.layout.max_bytes() // LAYOUT_BYTES))


def find_positions(
    ready: PreparedData,
    principal: PrincipalComponents,
    n_components: int,
    n_neighbors: int,
    visible: bool = False,
) -> Positions:
    """Find a position for every row, where neighbours stay neighbours.

    Parameters
    ----------
    ready : PreparedData
    principal : PrincipalComponents
        Neighbours are those of the rows' coordinates on these components.
    n_components : {1, 2, 3}
    n_neighbors : int
    visible : bool
        Show progress.

    Returns
    -------
    Positions
    """
    some = ready.sample(laid_out(len(ready.rows), n_components))
    points = project_rows(some, ready.scale, principal)
    spots = find_layout(points, n_components, n_neighbors, ready.seed, visible)
    if len(some) == len(ready.rows):
        return Positions(spots, points, spots)
    return Positions(_with_the_others(ready, principal, points, spots, visible), points, spots)


def _with_the_others(
    ready: PreparedData,
    principal: PrincipalComponents,
    points: np.ndarray,
    spots: np.ndarray,
    visible: bool,
) -> np.ndarray:
    placed = np.empty((len(ready.rows), spots.shape[1]), np.float32)
    index = NeighborIndex(points, ready.seed, cells=SEARCHED_CELLS)
    with progress("placing the other rows", len(placed), visible) as advance:
        for where, batch in project_batches(ready.rows, ready.scale, principal):
            placed[where] = spots[index.search(batch, 1)[:, 0]]
            advance(len(batch))
    return placed
