import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from latentmap import LatentMap
from latentmap.networks.dense import DenseNetwork

RNG = np.random.default_rng(0)
GROUP = np.repeat(np.arange(4), 60)
ROWS = 8 * np.eye(4, 6)[GROUP] + RNG.normal(size=(240, 6))
LAYOUT = 100 + PCA(2).fit_transform(ROWS)
MISSING = np.arange(240) % 3 == 0
PARTIAL = np.where(MISSING[:, None], np.nan, LAYOUT)
SMALL = DenseNetwork(hidden=(32,), activation="relu", principal=False)


def fit_map(layout, rows=ROWS, **settings):
    settings = {"network": SMALL, "epochs": 20, "random_state": 0, **settings}
    return LatentMap(**settings).fit(rows, layout=layout)


@pytest.fixture(scope="module")
def partial_map():
    return fit_map(PARTIAL)


def test_given_positions_are_kept(partial_map):
    assert np.array_equal(partial_map.embedding_[~MISSING], LAYOUT[~MISSING].astype("float32"))
    assert np.array_equal(partial_map.transform(ROWS), partial_map.embedding_)


def test_rows_of_nan_are_placed_among_their_nearest_rows(partial_map):
    codes = partial_map.embedding_[MISSING]
    given = np.flatnonzero(~MISSING)
    nearest = given[NearestNeighbors(n_neighbors=12).fit(ROWS[given]).kneighbors(ROWS[MISSING])[1]]
    low, high = (bound(LAYOUT[nearest], axis=1) for bound in (np.min, np.max))
    assert ((codes >= low - 1e-4) & (codes <= high + 1e-4)).all()
    assert np.linalg.norm(codes - LAYOUT[MISSING], axis=1).mean() < 2


def test_the_order_of_the_rows_does_not_matter(partial_map):
    order = RNG.permutation(240)
    codes = fit_map(PARTIAL[order], ROWS[order]).embedding_
    assert np.allclose(codes, partial_map.embedding_[order], atol=0.1)


@pytest.mark.parametrize("n_given", [1, 2, 15])
def test_few_positions_are_sufficient(n_given):
    layout = np.full((240, 3), np.nan)
    layout[:n_given] = RNG.normal(size=(n_given, 3))
    codes = fit_map(layout).embedding_
    assert np.allclose(codes[:n_given], layout[:n_given], atol=1e-5)
    low, high = layout[:n_given].min(axis=0), layout[:n_given].max(axis=0)
    assert ((codes >= low - 1e-5) & (codes <= high + 1e-5)).all()


def test_the_cosine_determines_the_nearest_rows():
    """Each row without a position is ten times a row with one."""
    rows = np.kron([[1.0], [10.0]], RNG.normal(size=(120, 6)))
    directions = rows[:120, :2] / np.linalg.norm(rows[:120], axis=1, keepdims=True)
    layout = np.concatenate([directions, np.full((120, 2), np.nan)])
    errors = {}
    for metric in ("euclidean", "cosine"):
        codes = fit_map(layout, rows, metric=metric, scaling="standard").embedding_
        errors[metric] = np.median(np.linalg.norm(codes[120:] - codes[:120], axis=1))
    assert errors["cosine"] < 0.7 * errors["euclidean"]


def test_a_map_of_the_encoder_alone_may_have_a_partial_layout():
    codes = fit_map(PARTIAL, placement="network", epochs=60).transform(ROWS)
    assert np.linalg.norm(codes - LAYOUT, axis=1).mean() < 2
