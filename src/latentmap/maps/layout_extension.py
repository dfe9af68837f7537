"""Layout of all rows: t-SNE places a sample, and the sample places the other rows.

The time of t-SNE grows faster than the number of rows. For many rows the layout is computed for a
uniform sample, and every other row is placed like a new row by its nearest sampled rows. The rows
to which a layout of the user gives no position are placed in the same way.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentmap.array_files import fingerprint
from latentmap.data.memory import check_memory
from latentmap.data.sources import Source
from latentmap.maps.layout import compute_layout
from latentmap.maps.layout_sample import (
    LAYOUT_BYTES,
    Layout,
    LayoutSample,
    compute_components,
    layout_sample_size,
    sample_of_positions,
    sample_rows,
    stored_sample_size,
)
from latentmap.maps.neighbor_graph import NeighborGraph
from latentmap.maps.neighbor_search import EuclideanSearch, Metric, MetricSearch, NeighborSearch
from latentmap.maps.placement_fit import default_placement
from latentmap.preprocessing.neighbors import DIRECTION_METRICS, NeighborIndex
from latentmap.preprocessing.pca_projection import project_batches
from latentmap.progress import progress
from latentmap.training.checkpoint_folder import current_checkpoints
from latentmap.training.preparation import PreparedData

# Number of index cells that a search visits. Approximate nearest rows are sufficient, because the
# positions are targets of the networks only.
SEARCHED_CELLS = 3


def compute_positions(
    data: PreparedData,
    n_components: int,
    n_neighbors: int,
    verbose: bool = False,
    metric: Metric = "euclidean",
    graph: NeighborGraph | None = None,
) -> Layout:
    """Compute layout positions of all rows from their nearest neighbours.

    With ``graph`` the layout is computed for all rows, because a sample of the rows would contain
    few of the neighbours in the graph.
    """
    principal = compute_components(data, verbose)
    n_rows = layout_sample_size(len(data.rows), n_components)
    if graph is not None:
        n_rows = len(data.rows)
        check_memory("neighbors", LAYOUT_BYTES * n_rows)
    sample = sample_rows(data, data.sample(n_rows), principal, metric)
    search = graph or _neighbor_search(data, sample, metric, verbose)
    positions = _load_or_compute(
        {
            "number of components": n_components,
            "number of neighbours": n_neighbors,
            "metric": getattr(metric, "__qualname__", metric),
            "seed": data.seed,
        },
        {"points": sample.points, **({} if graph is None else graph.to_arrays())},
        lambda: compute_layout(
            sample.points, n_components, n_neighbors, data.seed, verbose, search
        ),
    )
    if n_rows > stored_sample_size(n_rows):
        return Layout(positions, sample_of_positions(data, data.rows, positions, metric, verbose))
    sample = replace(sample, positions=positions)
    if n_rows < len(data.rows):
        positions = _extend_to_all_rows(data, sample, verbose)
    return Layout(positions, sample)


def _load_or_compute(
    settings: dict[str, object],
    arrays: dict[str, np.ndarray],
    compute: Callable[[], np.ndarray],
) -> np.ndarray:
    """Return the layout of a killed fit with the same settings and arrays, or compute it."""
    checkpoints = current_checkpoints()
    if checkpoints is None:
        return compute()
    return checkpoints.load_or_compute({"rows": fingerprint({}, arrays), **settings}, compute)


def _neighbor_search(
    data: PreparedData, sample: LayoutSample, metric: Metric, verbose: bool
) -> NeighborSearch:
    if metric == "euclidean" or metric in DIRECTION_METRICS:
        return EuclideanSearch(sample.to_search_points(sample.points), data.seed, verbose)
    return MetricSearch(sample.rows, data.scale, metric, data.seed, verbose)


def _extend_to_all_rows(data: PreparedData, sample: LayoutSample, verbose: bool) -> np.ndarray:
    """Return positions of all rows, each placed by its nearest rows of the sample."""
    placement = default_placement(sample, data.seed)
    search_points = sample.to_search_points(sample.points)
    index = NeighborIndex(search_points, data.seed, n_searched_cells=SEARCHED_CELLS)

    def place(coordinates: np.ndarray) -> np.ndarray:
        neighbors = index.search(sample.to_search_points(coordinates), placement.n_neighbors)
        return placement.place_by(neighbors, placement.fitted.to_points(coordinates))

    return _place_rows(data.rows, data, sample, place, verbose)


def fill_positions(
    data: PreparedData, positions: np.ndarray, metric: Metric = "euclidean", verbose: bool = False
) -> np.ndarray:
    """Return positions in which rows of NaN are placed by their nearest rows with a position.

    The result is float32, and the given positions are in it. Labels, networks and the order of the
    rows have no influence.
    """
    is_missing = np.isnan(positions).any(axis=1)
    if not is_missing.any():
        return positions
    placed_rows, other_rows = (
        data.rows.subset(np.flatnonzero(mask)) for mask in (~is_missing, is_missing)
    )
    sample = sample_of_positions(data, placed_rows, positions[~is_missing], metric, verbose)
    placement = default_placement(sample, data.seed)
    result = positions.astype(np.float32)
    result[is_missing] = _place_rows(
        other_rows, data, sample, lambda coordinates: placement.place(coordinates)[0], verbose
    )
    return result


def _place_rows(
    rows: Source,
    data: PreparedData,
    sample: LayoutSample,
    place: Callable[[np.ndarray], np.ndarray],
    verbose: bool,
) -> np.ndarray:
    """Return the positions of rows; ``place`` computes those of a batch from its coordinates."""
    positions = np.empty((len(rows), sample.positions.shape[1]), np.float32)
    with progress("placing the remaining rows on the map", len(rows), verbose) as advance:
        for slice_, batch in project_batches(rows, data.scale, sample.principal):
            positions[slice_] = place(batch)
            advance(len(batch))
    return positions
