import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from latentmap.data import ArraySource
from latentmap.data.memory import ENGINE_BYTES, memory_limit
from latentmap.maps import layout_extension as module
from latentmap.maps.layout_extension import compute_positions, layout_sample_size
from latentmap.preprocessing.pca_projection import principal_components, project_rows
from latentmap.training.preparation import prepare_data

RNG = np.random.default_rng(0)
GROUP = np.repeat(np.arange(4), 60)
ROWS = np.repeat(12 * np.eye(4, 6), 60, axis=0) + RNG.normal(size=(240, 6))


@pytest.fixture(scope="module")
def ready():
    return prepare_data(ArraySource(ROWS), "auto", 1, None, 0)


@pytest.fixture(scope="module")
def principal(ready):
    return principal_components(ready.rows, ready.scale, 4, 0)


@pytest.mark.parametrize("n_components", [2, 3])
def test_many_rows_use_a_sample(n_components, ready, principal, monkeypatch):
    most = {2: 120, 3: 100}
    monkeypatch.setattr(module, "MAX_SAMPLE_ROWS", most)
    spots = compute_positions(ready, principal, n_components, 10).positions
    assert spots.shape == (240, n_components)
    assert spots.dtype == np.float32
    assert most[n_components] - 5 <= len(np.unique(spots, axis=0)) <= most[n_components]
    assert KNeighborsClassifier(10).fit(spots, GROUP).score(spots, GROUP) == 1
    assert np.array_equal(compute_positions(ready, principal, n_components, 10).positions, spots)


def test_other_rows_take_the_position_of_the_nearest_sampled_row(ready, principal, monkeypatch):
    monkeypatch.setattr(module, "MAX_SAMPLE_ROWS", {2: 120})
    monkeypatch.setattr(module, "compute_layout", lambda points, *_: points[:, :2])
    spots = compute_positions(ready, principal, 2, 10).positions
    points = project_rows(ready.rows, ready.scale, principal)
    sample = project_rows(ready.sample(120), ready.scale, principal)
    assert np.array_equal(spots, sample[cdist(points, sample).argmin(axis=1), :2])


def test_other_rows_are_read_in_batches(ready, principal, monkeypatch):
    all_at_once = compute_positions(ready, principal, 2, 10).positions
    monkeypatch.setattr("latentmap.preprocessing.pca_projection.EXACT_NUMBERS", 6 * 7)
    assert np.array_equal(compute_positions(ready, principal, 2, 10).positions, all_at_once)


def test_progress_is_shown(ready, principal, capsys, monkeypatch):
    monkeypatch.setattr(module, "MAX_SAMPLE_ROWS", {2: 30})
    compute_positions(ready, principal, 2, 5, visible=True)
    assert "placing the other rows" in capsys.readouterr().err


def test_a_memory_limit_reduces_the_sample():
    assert layout_sample_size(10**6, 2) == 100_000
    with memory_limit(ENGINE_BYTES + 30_000_000):
        assert layout_sample_size(10**6, 2) == 10_000
        assert layout_sample_size(10**6, 3) == 5_000
