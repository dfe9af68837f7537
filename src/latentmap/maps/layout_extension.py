"""Layout of all rows: t-SNE places a sample, and the sample places the other rows.

The time of t-SNE grows faster than the number of rows. For many rows the layout is computed for a
uniform sample, and every other row is placed like a new row by its nearest sampled rows.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentmap.array_files import fingerprint
from latentmap.data.memory import check_memory
from latentmap.maps.directions import DIRECTION_METRICS
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
from latentmap.preprocessing.neighbors import NeighborIndex
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
    positions = np.empty((len(data.rows), sample.positions.shape[1]), np.float32)
    with progress("placing the remaining rows on the map", len(positions), verbose) as advance:
        for slice_, batch in project_batches(data.rows, data.scale, sample.principal):
            neighbors = index.search(sample.to_search_points(batch), placement.n_neighbors)
            points = placement.fitted.to_points(batch)
            positions[slice_] = placement.place_by(neighbors, points)
            advance(len(batch))
    return positions
