from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_blobs, make_moons
from sklearn.metrics import v_measure_score

from latentmap.analysis import cluster
from latentmap.errors import DataError, SettingError


@pytest.fixture(scope="module")
def three():
    """Shuffled codes of three blobs of 400, 300 and 200, and the blob of each."""
    rng = np.random.default_rng(0)
    parts = np.repeat([0, 1, 2], [400, 300, 200])
    rng.shuffle(parts)
    midpoints = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return midpoints[parts] + rng.normal(size=(900, 2)), parts


@pytest.mark.parametrize(
    ("count", "width", "rows"), [(2, 1, 400), (5, 2, 1000), (4, 8, 800), (6, 32, 1500)]
)
def test_blobs_are_separate_clusters(count, width, rows):
    midpoints = 12.0 * np.eye(count, width) if width > 1 else np.array([[0.0], [12.0]])
    midpoints[:, 0] += 12.0 * np.arange(count)
    codes, parts = make_blobs(rows, centers=midpoints, cluster_std=1.0, random_state=0)
    clusters = cluster(codes)
    assert clusters.is_count_estimated
    assert clusters.n_clusters == count
    assert v_measure_score(parts, clusters.labels) > 0.99


@pytest.mark.parametrize("rows", [30, 200])
def test_many_islands_are_separate_clusters(rows):
    islands = np.repeat(np.indices((10, 10)).reshape(2, -1).T, rows, axis=0)
    codes = islands + np.random.default_rng(0).normal(scale=0.05, size=islands.shape)
    clusters = cluster(codes)
    assert clusters.n_clusters == 100
    assert v_measure_score(islands @ [10, 1], clusters.labels) > 0.99


@pytest.mark.parametrize("width", [1, 2, 5, 20])
@pytest.mark.parametrize("rows", [5, 50, 1000])
@pytest.mark.parametrize("draw", ["normal", "random", "standard_exponential"])
def test_one_blob_is_one_cluster(width, rows, draw):
    codes = getattr(np.random.default_rng(1), draw)(size=(rows, width))
    assert cluster(codes).n_clusters == 1


def test_clusters_of_any_shape():
    codes, parts = make_moons(1500, noise=0.05, random_state=0)
    assert v_measure_score(parts, cluster(codes).labels) > 0.99
    assert v_measure_score(parts, cluster(codes, 2).labels) > 0.99


def test_clusters_are_sorted_by_size(three):
    clusters = cluster(three[0])
    assert clusters.sizes.tolist() == np.bincount(clusters.labels).tolist()
    assert (np.diff(clusters.sizes) <= 0).all()
    assert clusters.n_clusters == len(clusters.sizes) == len(clusters.exemplars) == 3


def test_predict_matches_the_labels_and_assigns_new_codes(three):
    codes, parts = three
    clusters = cluster(codes)
    labels, confidence = clusters.predict(codes)
    assert (labels == clusters.labels).all()
    np.testing.assert_array_equal(confidence, clusters.confidence)
    assert clusters.predict([[7.0, 1.0]])[0][0] == clusters.labels[parts == 1][0]
    with pytest.raises(DataError, match="codes: expected shape \\(n, 2\\), found \\(1, 3\\)"):
        clusters.predict([[1.0, 2.0, 3.0]])


def test_confidence_is_lower_between_clusters(three):
    clusters = cluster(three[0])
    confidence = clusters.predict([[0.0, 0.0], [4.0, 0.0]])[1]
    assert confidence[0] == 1
    assert confidence[1] < 0.9
    assert clusters.confidence.min() > 0
    assert clusters.confidence.max() == 1


def test_exemplars_are_dense_and_distant_rows_of_their_cluster(three):
    codes, _ = three
    clusters = cluster(codes, n_exemplars=6)
    for group, rows in enumerate(clusters.exemplars):
        assert (clusters.labels[rows] == group).all()
        assert len(np.unique(rows)) == 6
        center = np.median(codes[clusters.labels == group], axis=0)
        distances_from_center = np.linalg.norm(codes[rows] - center, axis=1)
        assert distances_from_center[0] < 0.8
        assert np.median(distances_from_center) < 1.8
        distances = np.linalg.norm(codes[rows][:, None] - codes[rows], axis=2)
        assert distances[np.triu_indices(6, 1)].min() > 0.1
    small = cluster([[0.0], [0.1], [5.0]], n_exemplars=10)
    assert sorted(small.exemplars[0].tolist()) == [0, 1, 2]


def test_fewer_clusters_than_modes(three):
    codes, parts = three
    clusters = cluster(codes, 2)
    assert not clusters.is_count_estimated
    assert clusters.method == "density"
    assert clusters.n_clusters == 2
    assert len(np.unique(clusters.labels[parts == 0])) == 1  # No blob is split.


def test_few_distant_rows_do_not_become_a_requested_cluster(three):
    far = np.random.default_rng(0).normal((60, 60), 0.1, (12, 2))
    codes = np.concatenate([three[0], far])
    clusters = cluster(codes, 3)
    assert clusters.n_clusters == 3
    assert v_measure_score(three[1], clusters.labels[:900]) > 0.99


def test_more_clusters_than_modes_are_a_mixture():
    iris = load_iris()
    clusters = cluster(iris.data, 3)
    assert clusters.method == "mixture"
    assert clusters.n_clusters == 3
    assert v_measure_score(iris.target, clusters.labels) > 0.8


def test_few_codes_per_parameter_use_kmeans(three):
    clusters = cluster(three[0][:30], 10)
    assert clusters.method == "kmeans"
    assert clusters.n_clusters == 10


def test_many_rows_are_clustered_by_a_sample():
    codes, parts = make_blobs(
        30_000, centers=[[0, 0], [9, 0], [0, 9], [9, 9]], random_state=0, cluster_std=1.0
    )
    clusters = cluster(codes)
    assert clusters.n_clusters == 4
    assert len(clusters.labels) == len(clusters.confidence) == 30_000
    assert v_measure_score(parts, clusters.labels) > 0.99
    assert all((clusters.labels[rows] == i).all() for i, rows in enumerate(clusters.exemplars))


def test_seed_determines_the_clusters(three):
    for count in (None, 3, 7):
        first, second = (cluster(three[0], count, seed=3) for _ in range(2))
        assert (first.labels == second.labels).all()
        assert (first.confidence == second.confidence).all()


def test_equal_rows_and_single_rows_are_one_cluster():
    for codes in (np.ones((40, 3)), [[1.0, 2.0]], [[1.0], [2.0]]):
        clusters = cluster(codes)
        assert clusters.n_clusters == 1
        assert (clusters.labels == 0).all()
        assert (clusters.confidence == 1).all()
    assert cluster([[1.0], [2.0]], 2).sizes.tolist() == [1, 1]
    assert cluster(np.repeat([[0.0], [1.0]], 100, axis=0)).sizes.tolist() == [100, 100]


def test_distant_row_does_not_change_clusters(three):
    codes = np.concatenate([three[0], [[1e6, 1e6]]])
    clusters = cluster(codes)
    assert clusters.n_clusters == 3
    assert v_measure_score(three[1], clusters.labels[:-1]) > 0.99


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([[1.0, np.nan]], "codes, row 0: expected finite numbers"),
        ([1.0, 2.0], "codes: expected shape \\(n, n_components\\)"),
        ([["a"]], "codes: expected an array of real numbers"),
        (np.empty((0, 2)), "codes: expected shape"),
    ],
)
def test_invalid_codes_raise(codes, message):
    with pytest.raises(DataError, match=message):
        cluster(codes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_clusters": 0}, "n_clusters: expected an integer of at least 1, found 0"),
        ({"n_clusters": 2.5}, "n_clusters: expected an integer of at least 1, found 2.5"),
        ({"n_clusters": True}, "n_clusters: expected an integer"),
        ({"n_exemplars": 0}, "n_exemplars: expected an integer of at least 1"),
        ({"n_clusters": 3}, "at most the number of different codes, 2, found 3"),
    ],
)
def test_numbers_out_of_range_raise(settings, message):
    with pytest.raises(SettingError, match=message):
        cluster([[0.0], [0.0], [1.0]], **settings)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_clusters_of_a_map_match_digits(digits_map):
    from latentmap import load_model
    from latentmap.data import open_data

    fitted, unseen = open_data("mnist"), open_data("mnist:unseen")
    model = load_model(digits_map)
    codes, new = model.transform(fitted), model.transform(unseen)
    clusters_of_ten = cluster(codes, 10)
    assert v_measure_score(fitted.labels, clusters_of_ten.labels) >= 0.86
    assert v_measure_score(unseen.labels, clusters_of_ten.predict(new)[0]) >= 0.86
    assert 9 <= cluster(codes).n_clusters <= 12
