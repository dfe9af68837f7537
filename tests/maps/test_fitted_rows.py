"""Fitted rows that a map stores."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits

from latentmap import LatentMap
from latentmap.errors import DataWarning
from latentmap.maps import fitted_rows as module
from latentmap.networks.dense import DenseNetwork

RNG = np.random.default_rng(0)
SMALL = DenseNetwork(hidden=(32,), activation="relu", principal=False)


def make_map(**settings):
    return LatentMap(**{"network": SMALL, "epochs": 1, "random_state": 0, **settings})


def test_the_number_of_stored_rows_is_limited(make_rows, two_clusters, monkeypatch):
    monkeypatch.setattr(module, "MAX_STORED_ROWS", 30)
    points, positions = two_clusters
    rows = make_rows(points, positions).with_rows(points + 1, positions + 1)
    assert rows.points.shape == rows.positions.shape == (30, 2)
    assert rows.points[:, 0].astype(float).max() > 4.5


def test_added_rows_that_are_stored_already_keep_their_position(make_rows, two_clusters):
    points, positions = two_clusters
    rows = make_rows(points, positions).with_rows(points[:3], positions[:3] + 1)
    assert np.array_equal(rows.positions[40:], rows.positions[:3])


def test_copies_are_found(make_rows):
    points = np.array([[0.0, 1.0], [2.0, 3.0], [0.0, 1.0], [4.0, 5.0]])
    rows = make_rows(points, points)
    assert rows.have_copies(np.array([0, 1, 2])).tolist() == [True, False, True]


def test_spread_is_the_root_mean_square_distance_of_all_pairs(make_rows, two_clusters):
    rows = make_rows(*two_clusters)
    group = rows.points[[0, 3, 25]].astype(float)
    squares = ((group[:, None] - group) ** 2).sum(axis=2)
    assert rows.spread(np.array([[0, 3, 25]])) == pytest.approx(np.sqrt(squares.mean()))


@pytest.mark.parametrize(("scaling", "dtype"), [("auto", "float32"), ("columns", "float64")])
def test_sparse_fitted_rows_have_their_layout_positions(scaling, dtype):
    rows = np.where(RNG.random((1500, 120)) < 0.1, RNG.random((1500, 120)), 0).astype(dtype)
    model = make_map(scaling=scaling).fit(csr_array(rows))
    assert np.array_equal(model.transform(csr_array(rows)), model.embedding_)
    assert np.array_equal(model.transform(csr_array(rows)[5:9]), model.embedding_[5:9])
    assert np.array_equal(model.transform(rows), model.embedding_)


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_fitted_rows_with_many_multiples_have_their_layout_positions(metric):
    """Each row has 40 multiples, more than the neighbours that place it."""
    rows = np.kron(RNG.normal(size=(10, 8)), np.linspace(1, 3, 41)[:, None])
    model = make_map(metric=metric).fit(rows)
    assert np.array_equal(model.transform(rows), model.embedding_)


def test_equal_rows_of_a_given_layout_have_the_first_position():
    rows = load_digits().data[:60]
    rows = np.concatenate([rows, rows[:20]])
    layout = RNG.normal(size=(80, 2))
    with pytest.warns(DataWarning, match="layout: 20 rows are equal to an earlier row"):
        model = make_map().fit(rows, layout=layout)
    assert np.array_equal(model.embedding_[:60], layout[:60].astype("float32"))
    assert np.array_equal(model.embedding_[60:], model.embedding_[:20])
    assert np.array_equal(model.transform(rows), model.embedding_)
