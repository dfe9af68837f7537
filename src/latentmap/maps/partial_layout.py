"""Positions of the rows for which a layout of the user has none."""

import numpy as np

from latentmap.maps.layout_sample import sample_of_positions
from latentmap.maps.neighbor_search import Metric
from latentmap.maps.placement_fit import default_placement
from latentmap.preprocessing.pca_projection import project_batches
from latentmap.progress import progress
from latentmap.training.preparation import PreparedData


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
    filled = np.empty((len(other_rows), positions.shape[1]), np.float32)
    with progress("placing rows without a position", len(other_rows), verbose) as advance:
        for slice_, batch in project_batches(other_rows, data.scale, sample.principal):
            filled[slice_] = placement.place(batch)[0]
            advance(len(batch))
    result[is_missing] = filled
    return result
