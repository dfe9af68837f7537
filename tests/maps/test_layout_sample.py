import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.data import ArraySource
from latentmap.data.memory import ENGINE_BYTES, memory_limit
from latentmap.maps import layout_extension
from latentmap.maps.layout_extension import compute_positions
from latentmap.maps.layout_sample import (
    layout_sample_size,
    sample_of_positions,
    stored_sample_size,
)
from latentmap.preprocessing.pca_projection import project_rows
from latentmap.training.preparation import prepare_data

ROWS = np.random.default_rng(0).normal(size=(240, 6))


@pytest.fixture(scope="module")
def data():
    return prepare_data(ArraySource(ROWS), "auto", 1, None, 0)


def test_points_of_the_sample_are_coordinates_in_the_precision_of_stored_points(data):
    sample = compute_positions(data, 2, 10).sample
    coordinates = project_rows(data.rows, data.scale, sample.principal)
    assert sample.points == pytest.approx(coordinates, rel=1e-3, abs=1e-4)


def test_all_rows_of_a_layout_in_space_are_stored():
    """t-SNE places at most 5,000 rows in three dimensions; given positions have no such limit."""
    rows = np.random.default_rng(0).normal(size=(6000, 4)).astype("float32")
    data = prepare_data(ArraySource(rows), "auto", 1, None, 0)
    sample = sample_of_positions(data, data.rows, rows[:, :3], "euclidean", verbose=False)
    assert np.array_equal(sample.positions, rows[:, :3])


def test_a_memory_limit_reduces_the_sample():
    assert layout_sample_size(10**6, 2) == 100_000
    with memory_limit(ENGINE_BYTES + 30_000_000):
        assert layout_sample_size(10**6, 2) == 10_000
        assert layout_sample_size(10**6, 3) == 5_000
        assert stored_sample_size(10**6) == 10_000
    assert stored_sample_size(10**6) == 100_000


@pytest.mark.parametrize(
    ("variances", "bounds"),
    [
        (np.ones(40), (40, 40)),
        (np.r_[np.full(60, 10.0), np.full(140, 0.01)], (50, 50)),
        (np.r_[np.full(90, 10.0), np.full(110, 0.01)], (55, 90)),
        (np.ones(300), (150, 150)),
    ],
    ids=["few columns", "50 explain more", "more than 50", "isotropic"],
)
def test_the_principal_components_explain_80_percent(variances, bounds, monkeypatch):
    monkeypatch.setattr(layout_extension, "compute_layout", lambda points, *_: points[:, :2])
    rows = np.random.default_rng(0).normal(size=(2000, len(variances))) * np.sqrt(variances)
    data = prepare_data(ArraySource(rows.astype("float32")), "none", 1, None, 0)
    n_components = compute_positions(data, 2, 10).sample.points.shape[1]
    explained = np.cumsum(PCA().fit(rows).explained_variance_ratio_)
    assert bounds[0] <= n_components <= bounds[1]
    expected = np.clip(np.searchsorted(explained, 0.8) + 1, 50, 150)
    assert n_components == min(expected, len(variances))
