"""Two clusters of fitted rows, and placements of them."""

import numpy as np
import pytest

from latentmap.maps.fitted_rows import FittedRows, quantize
from latentmap.maps.placement import Placement


@pytest.fixture
def make_rows():
    def make(points, positions, **settings):
        n_features = points.shape[1]
        defaults = {
            "row_mean": np.zeros(n_features, np.float32),
            "components": np.eye(n_features, dtype=np.float32),
            "points": quantize(points),
            "positions": positions.astype(np.float32),
            "point_scale": 1.0,
            "seed": 0,
        }
        return FittedRows(**defaults | settings)

    return make


@pytest.fixture
def make_placement(make_rows):
    def make(points, positions, **settings):
        defaults = {
            "fitted": make_rows(points, positions),
            "n_neighbors": 5,
            "window": 0.1,
            "encoder_weight": 0.0,
            "n_decoding_rows": 5,
            "decoder_weight": 0.0,
            "min_spread": 0.01,
            "high_distance_ratio": 1.0,
            "row_size": 1.0,
        }
        return Placement(**defaults | settings)

    return make


@pytest.fixture
def two_clusters():
    """Return 20 points near (0, 0) and 20 near (4, 0), whose positions are far apart."""
    points = np.random.default_rng(0).normal(scale=0.1, size=(40, 2))
    positions = points.copy()
    points[20:, 0] += 4
    positions[20:] += 9
    return points, positions
