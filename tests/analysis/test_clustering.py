from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_blobs, make_moons
from sklearn.metrics import v_measure_score

from latentmap.analysis import cluster
from latentmap.errors import DataError, SettingError


@pytest.fixture(scope="module")
def three():
    """Three blobs of 400, 300 and 200 codes, in shuffled order, and whose each is."""
    rng = np.random.default_rng(0)
    parts = np.repeat([0, 1, 2], [400, 300, 200])
    rng.shuffle(parts)
    middles = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return middles[parts] + rng.normal(size=(900, 2)), parts


@pytest.mark.parametrize(
    ("count", "width", "rows"), [(2, 1, 400), (5, 2, 1000), (4, 8, 800), (6, 32, 1500)]
)
def test_blobs_are_found(count, width, rows):
    middles = 12.0 * np.eye(count, width) if width > 1 else np.array([[0.0], [12.0]])
    middles[:, 0] += 12.0 * np.arange(count)
    codes, parts = make_blobs(rows, centers=middles, cluster_std=1.0, random_state=0)
    groups = cluster(codes)
    assert groups.found
    assert groups.n_clusters == count
    assert v_measure_score(parts, groups.labels) > 0.99


@pytest.mark.parametrize("width", [1, 2, 5, 20])
@pytest.mark.parametrize("rows", [5, 50, 1000])
@pytest.mark.parametrize("draw", ["normal", "random", "standard_exponential"])
def test_one_blob_is_one_cluster(width, rows, draw):
    codes = getattr(np.random.default_rng(1), draw)(size=(rows, width))
    assert cluster(codes).n_clusters == 1


def test_shapes_may_be_any():
    codes, parts = make_moons(1500, noise=0.05, random_state=0)
    assert v_measure_score(parts, cluster(codes).labels) > 0.99
    assert v_measure_score(parts, cluster(codes, 2).labels) > 0.99


def test_the_largest_comes_first(three):
    groups = cluster(three[0])
    assert groups.sizes.tolist() == np.bincount(groups.labels).tolist()
    assert (np.diff(groups.sizes) <= 0).all()
    assert groups.n_clusters == len(groups.sizes) == len(groups.typical) == 3


def test_new_codes_find_their_cluster(three):
    codes, parts = three
    groups = cluster(codes)
    labels, sure = groups.predict(codes)
    assert (labels == groups.labels).all()
    np.testing.assert_array_equal(sure, groups.sure)
    assert groups.predict([[7.0, 1.0]])[0][0] == groups.labels[parts == 1][0]
    with pytest.raises(DataError, match="codes: expected shape \\(n, 2\\), found \\(1, 3\\)"):
        groups.predict([[1.0, 2.0, 3.0]])


def test_between_two_clusters_a_row_is_less_sure(three):
    groups = cluster(three[0])
    sure = groups.predict([[0.0, 0.0], [4.0, 0.0]])[1]
    assert sure[0] == 1
    assert sure[1] < 0.9
    assert groups.sure.min() > 0
    assert groups.sure.max() == 1


def test_typical_rows_are_dense_ones_of_their_cluster_and_apart(three):
    codes, _ = three
    groups = cluster(codes, typical=6)
    for group, rows in enumerate(groups.typical):
        assert (groups.labels[rows] == group).all()
        assert len(np.unique(rows)) == 6
        middle = np.median(codes[groups.labels == group], axis=0)
        away = np.linalg.norm(codes[rows] - middle, axis=1)
        assert away[0] < 0.8
        assert np.median(away) < 1.8
        apart = np.linalg.norm(codes[rows][:, None] - codes[rows], axis=2)
        assert apart[np.triu_indices(6, 1)].min() > 0.1
    small = cluster([[0.0], [0.1], [5.0]], typical=10)
    assert sorted(small.typical[0].tolist()) == [0, 1, 2]


def test_fewer_may_be_asked_for_than_are_seen(three):
    codes, parts = three
    groups = cluster(codes, 2)
    assert not groups.found
    assert groups.by == "density"
    assert groups.n_clusters == 2
    assert len(np.unique(groups.labels[parts == 0])) == 1  # the valleys are kept


def test_a_few_rows_far_out_take_no_asked_cluster(three):
    far = np.random.default_rng(0).normal((60, 60), 0.1, (12, 2))
    codes = np.concatenate([three[0], far])
    groups = cluster(codes, 3)
    assert groups.n_clusters == 3
    assert v_measure_score(three[1], groups.labels[:900]) > 0.99


def test_more_than_are_seen_are_parted_as_a_mixture():
    iris = load_iris()
    groups = cluster(iris.data, 3)
    assert groups.by == "mixture"
    assert groups.n_clusters == 3
    assert v_measure_score(iris.target, groups.labels) > 0.8


def test_more_than_a_mixture_can_tell_are_means(three):
    groups = cluster(three[0][:30], 10)
    assert groups.by == "means"
    assert groups.n_clusters == 10


def test_a_sample_speaks_for_many_rows():
    codes, parts = make_blobs(
        30_000, centers=[[0, 0], [9, 0], [0, 9], [9, 9]], random_state=0, cluster_std=1.0
    )
    groups = cluster(codes)
    assert groups.n_clusters == 4
    assert len(groups.labels) == len(groups.sure) == 30_000
    assert v_measure_score(parts, groups.labels) > 0.99
    assert all((groups.labels[rows] == i).all() for i, rows in enumerate(groups.typical))


def test_the_same_seed_gives_the_same_clusters(three):
    for count in (None, 3, 7):
        first, second = (cluster(three[0], count, seed=3) for _ in range(2))
        assert (first.labels == second.labels).all()
        assert (first.sure == second.sure).all()


def test_equal_rows_and_single_ones_are_one_cluster():
    for codes in (np.ones((40, 3)), [[1.0, 2.0]], [[1.0], [2.0]]):
        groups = cluster(codes)
        assert groups.n_clusters == 1
        assert (groups.labels == 0).all()
        assert (groups.sure == 1).all()
    assert cluster([[1.0], [2.0]], 2).sizes.tolist() == [1, 1]
    assert cluster(np.repeat([[0.0], [1.0]], 100, axis=0)).sizes.tolist() == [100, 100]


def test_a_row_far_out_does_no_harm(three):
    codes = np.concatenate([three[0], [[1e6, 1e6]]])
    groups = cluster(codes)
    assert groups.n_clusters == 3
    assert v_measure_score(three[1], groups.labels[:-1]) > 0.99


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ([[1.0, np.nan]], "codes, row 0: expected finite numbers"),
        ([1.0, 2.0], "codes: expected shape \\(n, n_components\\)"),
        ([["a"]], "codes: expected numbers"),
        (np.empty((0, 2)), "codes: expected shape"),
    ],
)
def test_what_are_no_codes_is_refused(codes, words):
    with pytest.raises(DataError, match=words):
        cluster(codes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_clusters": 0}, "n_clusters: expected an integer above 0, found 0"),
        ({"n_clusters": 2.5}, "n_clusters: expected an integer above 0, found 2.5"),
        ({"n_clusters": True}, "n_clusters: expected an integer"),
        ({"typical": 0}, "typical: expected an integer above 0"),
        ({"n_clusters": 3}, "at most the number of different codes, 2, found 3"),
    ],
)
def test_numbers_out_of_range_are_refused(settings, words):
    with pytest.raises(SettingError, match=words):
        cluster([[0.0], [0.0], [1.0]], **settings)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_digits_are_found_on_the_map_without_labels(digits_map):
    from latentmap import load_model
    from latentmap.data import open_data

    fitted, unseen = open_data("mnist"), open_data("mnist:unseen")
    model = load_model(digits_map)
    codes, new = model.transform(fitted), model.transform(unseen)
    asked = cluster(codes, 10)
    assert v_measure_score(fitted.labels, asked.labels) >= 0.86
    assert v_measure_score(unseen.labels, asked.predict(new)[0]) >= 0.86
    assert 9 <= cluster(codes).n_clusters <= 12
