import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from latentmap.data import ArraySource
from latentmap.maps import layout_extension as module
from latentmap.maps import layout_sample
from latentmap.maps.layout_extension import compute_positions
from latentmap.maps.placement_fit import default_placement
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
    monkeypatch.setattr(layout_sample, "MAX_SAMPLE_ROWS", max_rows)
    positions = compute_positions(data, n_components, 10).positions
    assert positions.shape == (240, n_components)
    assert positions.dtype == np.float32
    assert KNeighborsClassifier(10).fit(positions, GROUP).score(positions, GROUP) == 1
    assert np.array_equal(compute_positions(data, n_components, 10).positions, positions)


def test_other_rows_are_placed_by_their_nearest_sampled_rows(data, monkeypatch):
    monkeypatch.setattr(layout_sample, "MAX_SAMPLE_ROWS", {2: 120})
    monkeypatch.setattr(module, "compute_layout", lambda points, *_: points[:, :2])
    layout = compute_positions(data, 2, 10)
    points = project_rows(data.rows, data.scale, layout.sample.principal)
    placement = default_placement(layout.sample, data.seed)
    order = cdist(points, layout.sample.points).argsort(axis=1)
    nearest = np.sort(order[:, : placement.n_neighbors], axis=1)
    is_sampled = np.isin(layout.positions, layout.sample.positions).all(axis=1)
    assert is_sampled.sum() == 120
    neighbors = layout.sample.positions[nearest[~is_sampled]]
    low, high = neighbors.min(axis=1), neighbors.max(axis=1)
    placed = layout.positions[~is_sampled]
    assert ((placed >= low - 1e-6) & (placed <= high + 1e-6)).all()
    assert len(np.unique(placed, axis=0)) > 110
    expected = placement.place(points)[0]
    # `place` rounds the points, which changes the farthest neighbour of a few rows.
    assert np.isclose(layout.positions, expected, atol=1e-5).all(axis=1).mean() > 0.95


def test_other_rows_are_read_in_batches(data, monkeypatch):
    layout = compute_positions(data, 2, 10)
    monkeypatch.setattr(layout_sample, "principal_components", lambda *_: layout.sample.principal)
    monkeypatch.setattr("latentmap.preprocessing.pca_projection.EXACT_NUMBERS", 6 * 7)
    assert np.array_equal(compute_positions(data, 2, 10).positions, layout.positions)


def test_progress_is_shown(data, capsys, monkeypatch):
    monkeypatch.setattr(layout_sample, "MAX_SAMPLE_ROWS", {2: 30})
    compute_positions(data, 2, 5, verbose=True)
    assert "placing the remaining rows on the map" in capsys.readouterr().err
