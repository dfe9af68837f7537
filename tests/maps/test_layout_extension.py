import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from latentmap.data import ArraySource
from latentmap.data.memory import ENGINE_BYTES, memory_limit
from latentmap.maps import layout_extension as module
from latentmap.maps.layout_extension import compute_positions, layout_sample_size
from latentmap.preprocessing.pca_projection import project_rows
from latentmap.training.preparation import prepare_data

RNG = np.random.default_rng(0)
GROUP = np.repeat(np.arange(4), 60)
ROWS = np.repeat(12 * np.eye(4, 6), 60, axis=0) + RNG.normal(size=(240, 6))


@pytest.fixture(scope="module")
def data():
    return prepare_data(ArraySource(ROWS), "auto", 1, None, 0)


@pytest.mark.parametrize("n_components", [2, 3])
def test_many_rows_use_a_sample(n_components, data, monkeypatch):
    max_rows = {2: 120, 3: 100}
    monkeypatch.setattr(module, "MAX_SAMPLE_ROWS", max_rows)
    positions = compute_positions(data, n_components, 10).positions
    assert positions.shape == (240, n_components)
    assert positions.dtype == np.float32
    n_distinct = len(np.unique(positions, axis=0))
    assert max_rows[n_components] - 5 <= n_distinct <= max_rows[n_components]
    assert KNeighborsClassifier(10).fit(positions, GROUP).score(positions, GROUP) == 1
    assert np.array_equal(compute_positions(data, n_components, 10).positions, positions)


def test_other_rows_take_the_position_of_the_nearest_sampled_row(data, monkeypatch):
    monkeypatch.setattr(module, "MAX_SAMPLE_ROWS", {2: 120})
    monkeypatch.setattr(module, "compute_layout", lambda points, *_: points[:, :2])
    layout = compute_positions(data, 2, 10)
    points = project_rows(data.rows, data.scale, layout.sample.principal)
    nearest = cdist(points, layout.sample.points).argmin(axis=1)
    assert np.array_equal(layout.positions, layout.sample.points[nearest, :2])


def test_points_of_the_sample_are_coordinates_in_the_precision_of_stored_points(data):
    sample = compute_positions(data, 2, 10).sample
    coordinates = project_rows(data.rows, data.scale, sample.principal)
    assert sample.points == pytest.approx(coordinates, rel=1e-3, abs=1e-4)


def test_other_rows_are_read_in_batches(data, monkeypatch):
    layout = compute_positions(data, 2, 10)
    monkeypatch.setattr(module, "principal_components", lambda *_: layout.sample.principal)
    monkeypatch.setattr("latentmap.preprocessing.pca_projection.EXACT_NUMBERS", 6 * 7)
    assert np.array_equal(compute_positions(data, 2, 10).positions, layout.positions)


def test_progress_is_shown(data, capsys, monkeypatch):
    monkeypatch.setattr(module, "MAX_SAMPLE_ROWS", {2: 30})
    compute_positions(data, 2, 5, verbose=True)
    assert "placing the remaining rows on the map" in capsys.readouterr().err


def test_a_memory_limit_reduces_the_sample():
    assert layout_sample_size(10**6, 2) == 100_000
    with memory_limit(ENGINE_BYTES + 30_000_000):
        assert layout_sample_size(10**6, 2) == 10_000
        assert layout_sample_size(10**6, 3) == 5_000


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
    monkeypatch.setattr(module, "compute_layout", lambda points, *_: points[:, :2])
    rows = np.random.default_rng(0).normal(size=(2000, len(variances))) * np.sqrt(variances)
    data = prepare_data(ArraySource(rows.astype("float32")), "none", 1, None, 0)
    n_components = compute_positions(data, 2, 10).sample.points.shape[1]
    explained = np.cumsum(PCA().fit(rows).explained_variance_ratio_)
    assert bounds[0] <= n_components <= bounds[1]
    expected = np.clip(np.searchsorted(explained, 0.8) + 1, 50, 150)
    assert n_components == min(expected, len(variances))
