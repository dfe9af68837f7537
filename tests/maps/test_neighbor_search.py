import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from latentmap.data.sources import ArraySource
from latentmap.errors import SettingError
from latentmap.maps import neighbor_search
from latentmap.maps.neighbor_search import (
    EuclideanSearch,
    MetricSearch,
    check_metric,
    neighbor_distances,
)
from latentmap.preprocessing.scaling import Scale

RNG = np.random.default_rng(0)
ROWS = RNG.integers(0, 3, (60, 12)).astype(float)
SCALE = Scale(np.full(12, 5.0), np.float32(2), False)
ALL = np.arange(60)


def all_distances(rows, metric):
    return cdist(rows, rows, "cityblock" if metric == "manhattan" else metric)


def exact_neighbors(rows, metric, k):
    distances = all_distances(rows, metric)
    np.fill_diagonal(distances, np.inf)
    indices = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, indices, axis=1)


def find(rows, metric, k=5, scale=SCALE, first=ALL):
    return MetricSearch(ArraySource(rows), scale, metric, seed=0).find(first, ALL, k)


@pytest.mark.parametrize(
    ("metric", "received"),
    [("manhattan", ROWS / 2), ("hamming", ROWS), ("jaccard", ROWS != 0)],
)
def test_named_metrics_receive_rows_that_are_not_shifted(metric, received):
    indices, distances = find(ROWS, metric)
    assert np.allclose(distances, exact_neighbors(received, metric, 5))
    pairs = all_distances(received, metric)
    assert np.allclose(np.take_along_axis(pairs, indices, axis=1), distances)
    assert not (indices == ALL[:, None]).any()


def test_a_callable_receives_rows_in_their_own_units():
    def largest_difference(a, b):
        return np.abs(a - b).max() if max(a.max(), b.max()) <= 2 else np.nan

    _, distances = find(ROWS, largest_difference)
    assert np.allclose(distances, exact_neighbors(ROWS, "chebyshev", 5))


def test_only_distinct_rows_are_searched():
    indices, distances = find(ROWS, "manhattan", first=ALL[10:30])
    assert indices.max() < 20
    assert np.allclose(distances, exact_neighbors(ROWS[10:30] / 2, "manhattan", 5))


@pytest.mark.parametrize("value", [np.nan, -1.0, np.inf])
def test_distances_that_are_not_numbers_of_at_least_0_are_refused(value):
    with pytest.raises(SettingError, match="metric: expected finite distances of at least 0"):
        find(ROWS, lambda a, b: value)


def test_missing_values_are_replaced_by_the_offset():
    rows = ROWS.copy()
    rows[::5, 3] = np.nan
    filled = np.where(np.isnan(rows), 5.0, rows)
    _, distances = find(rows, "manhattan", scale=SCALE._replace(allow_nan=True))
    assert np.allclose(distances, exact_neighbors(filled / 2, "manhattan", 5))


class ExactDescent:
    """Stand-in for `pynndescent.NNDescent` with exact neighbours; row 0 lacks its last neighbour.

    PyNNDescent itself compiles its functions for half a minute.
    """

    def __init__(self, rows, metric, n_neighbors, random_state):
        distances = all_distances(rows, metric)
        indices = np.argsort(distances, axis=1, kind="stable")[:, :n_neighbors]
        self.neighbor_graph = indices, np.take_along_axis(distances, indices, axis=1)
        indices[0, -1] = -1


@pytest.mark.parametrize(("metric", "received"), [("manhattan", ROWS / 2), ("jaccard", ROWS != 0)])
def test_a_graph_of_pynndescent_loses_own_rows_and_gaps(metric, received, monkeypatch):
    monkeypatch.setattr(neighbor_search, "EXACT_ROWS", 10)
    monkeypatch.setitem(sys.modules, "pynndescent", SimpleNamespace(NNDescent=ExactDescent))
    indices, distances = find(ROWS, metric)
    assert np.allclose(distances[1:], exact_neighbors(received, metric, 5)[1:])
    assert not (indices == ALL[:, None]).any()
    assert (indices[0, -1], distances[0, -1]) == (indices[0, 0], distances[0, 0])


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["manhattan", "jaccard"])
def test_many_rows_are_searched_by_pynndescent(metric, monkeypatch):
    pytest.importorskip("pynndescent")
    monkeypatch.setattr(neighbor_search, "EXACT_ROWS", 10)
    rows = RNG.random((300, 30)) * (RNG.random((300, 30)) > 0.4)
    everything = np.arange(300)
    search = MetricSearch(ArraySource(rows), SCALE, metric, seed=0)
    indices, distances = search.find(everything, everything, 10)
    received = rows != 0 if metric == "jaccard" else rows / 2
    exact = exact_neighbors(received, metric, 10)
    assert exact.sum() * 0.999 < distances.sum() < exact.sum() * 1.01
    assert not (indices == everything[:, None]).any()
    assert np.array_equal(indices, search.find(everything, everything, 10).indices)


def test_a_missing_package_is_reported(monkeypatch):
    monkeypatch.setattr(neighbor_search, "EXACT_ROWS", 10)
    monkeypatch.setitem(sys.modules, "pynndescent", None)
    with pytest.raises(SettingError, match=r"install latentmap\[metrics\]"):
        find(ROWS, "hamming")


def test_metrics_that_are_unknown_are_refused():
    check_metric("cosine")
    check_metric(lambda a, b: 0.0)
    with pytest.raises(SettingError, match="unknown metric 'cosin', did you mean 'cosine'"):
        check_metric("cosin")


def test_euclidean_distances():
    points = RNG.normal(size=(40, 3)).astype("float32")
    search = EuclideanSearch(points, seed=0)
    _, distances = search.find(np.arange(20), np.arange(40) % 20, 6)
    assert np.allclose(distances, exact_neighbors(points[:20], "euclidean", 6), rtol=1e-5)


def test_small_distances_far_from_the_origin_are_exact(monkeypatch):
    monkeypatch.setattr(neighbor_search, "BLOCK_NUMBERS", 100)
    points = (1000 + RNG.integers(0, 64, (50, 3)) / 64).astype("float32")
    neighbors = RNG.integers(0, 50, (50, 5))
    expected = np.take_along_axis(cdist(points, points), neighbors, axis=1)
    assert np.allclose(neighbor_distances(points, neighbors), expected, rtol=1e-6)
