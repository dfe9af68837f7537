"""Maps of other metrics, and of given neighbours."""

import numpy as np
import pytest
from scipy.sparse import csr_array, issparse
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors, kneighbors_graph

from latentmap import LatentMap, load_model
from latentmap.analysis.model_description import describe_model
from latentmap.cli.info import info as print_info
from latentmap.data.sources import ArraySource
from latentmap.data.sparse import SparseSource
from latentmap.errors import DataError, SettingError
from latentmap.maps.layout_extension import compute_positions
from latentmap.model_file import read_model
from latentmap.networks.dense import DenseNetwork
from latentmap.training.preparation import prepare_data

RNG = np.random.default_rng(0)
SMALL = DenseNetwork(hidden=(32,), activation="relu", principal=False)
GROUP = np.arange(300) % 5
# Each row of the second half is ten times a row of the first half.
MULTIPLES = np.kron([[1.0], [10.0]], RNG.normal(size=(150, 8)))


def make_map(**settings):
    return LatentMap(**{"network": SMALL, "epochs": 20, "random_state": 0, **settings})


def codes_accuracy(codes, groups=GROUP):
    """Return the share of every second row whose nearest other rows are of its group."""
    classifier = KNeighborsClassifier(5).fit(codes[::2], groups[::2])
    return classifier.score(codes[1::2], groups[1::2])


def accuracy(model, rows, groups=GROUP):
    return codes_accuracy(model.transform(rows), groups)


def compute_layout(rows, metric):
    source = SparseSource(rows) if issparse(rows) else ArraySource(rows)
    data = prepare_data(source, "standard", 1, None, 0)
    return compute_positions(data, 2, 10, metric=metric).positions


def share_near_their_multiple(positions):
    """Return the share of the rows that have their multiple among their five nearest rows."""
    nearest = NearestNeighbors(n_neighbors=5).fit(positions).kneighbors(return_distance=False)
    return (nearest == (np.arange(300)[:, None] + 150) % 300).any(axis=1).mean()


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
@pytest.mark.parametrize("as_rows", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_multiples_of_a_row_are_its_neighbours(metric, as_rows):
    rows = as_rows(MULTIPLES)
    assert share_near_their_multiple(compute_layout(rows, metric)) > 0.9
    assert share_near_their_multiple(compute_layout(rows, "euclidean")) < 0.2


@pytest.mark.parametrize("as_rows", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_jaccard_neighbours_are_those_of_sets(as_rows):
    """Sets of one group share members. The sizes of their members hide this from other metrics."""
    members = RNG.random((300, 40)) < np.where(np.eye(5)[GROUP].repeat(8, axis=1) > 0, 0.9, 0.05)
    rows = as_rows(members * np.exp(2 * RNG.normal(size=(300, 40))))
    assert codes_accuracy(compute_layout(rows, "jaccard")) > 0.95
    assert codes_accuracy(compute_layout(rows, "euclidean")) < 0.85


def test_rows_outside_the_sample_are_placed_by_the_cosine(monkeypatch):
    monkeypatch.setattr("latentmap.maps.layout_sample.MAX_SAMPLE_ROWS", {2: 150})
    positions = compute_layout(np.repeat(MULTIPLES, 2, axis=0), "cosine")
    assert share_near_their_multiple(positions[::2]) > 0.5


def test_a_metric_may_be_a_callable(tmp_path):
    rows = RNG.normal(size=(60, 3))
    model = make_map(metric=lambda a, b: abs(a[0] - b[0]), epochs=60).fit(rows)
    assert np.isfinite(model.transform(rows)).all()
    model.save(tmp_path / "map.safetensors")
    loaded = load_model(tmp_path / "map.safetensors")
    assert np.array_equal(loaded.transform(rows), model.transform(rows))
    summary = describe_model(tmp_path / "map.safetensors")
    assert summary["parameters"]["metric"] == loaded.metric == "callable <lambda>"
    with pytest.raises(SettingError, match="expected the function <lambda>, found its name in a"):
        loaded.fit(rows)


@pytest.mark.parametrize(
    "make",
    [
        lambda hidden: NearestNeighbors(n_neighbors=15).fit(hidden).kneighbors()[::-1],
        lambda hidden: kneighbors_graph(hidden, 15),
        lambda hidden: kneighbors_graph(hidden, 95, mode="distance", include_self=True),
    ],
    ids=["arrays", "connectivity", "distances"],
)
def test_given_neighbours_replace_the_search(make):
    rows, groups = rows_with_small_groups()
    neighbors = tuple_or_graph(make(rows[:, :1]))
    model = make_map(scaling="none", epochs=100).fit(rows, neighbors=neighbors)
    assert accuracy(model, rows, groups) > 0.85


def test_groups_of_a_small_column_are_not_separated_without_given_neighbours():
    rows, groups = rows_with_small_groups()
    model = make_map(scaling="none", epochs=100).fit(rows)
    assert accuracy(model, rows, groups) < 0.75


def rows_with_small_groups():
    """Return rows of three groups in a column that is small beside the others, and the groups."""
    rng, groups = np.random.default_rng(0), np.arange(300) % 3
    return np.c_[groups + 0.1 * rng.normal(size=300), 3 * rng.normal(size=(300, 3))], groups


def tuple_or_graph(neighbors):
    return tuple(neighbors) if isinstance(neighbors, tuple | list) else neighbors


@pytest.mark.parametrize("n_rows", [3, 12, 17])
def test_few_rows_may_have_a_graph(n_rows):
    rows = RNG.normal(size=(n_rows, 3))
    model = make_map().fit(rows, neighbors=kneighbors_graph(rows, 2))
    assert np.isfinite(model.transform(rows)).all()


def test_equal_rows_may_have_a_graph():
    rows = np.repeat(RNG.normal(size=(25, 3)), 4, axis=0)
    codes = make_map().fit(rows, neighbors=kneighbors_graph(rows, 9)).transform(rows)
    assert np.allclose(codes[::4], codes[3::4], atol=1e-5)
    with pytest.raises(DataError, match="only edges between rows that are equal"):
        make_map().fit(rows, neighbors=kneighbors_graph(rows, 3))


def test_neighbours_are_not_stored_in_the_model_file(tmp_path):
    rows = RNG.normal(size=(90, 3))
    model = make_map(metric="cosine").fit(rows, neighbors=kneighbors_graph(rows, 5))
    model.save(tmp_path / "map.safetensors")
    loaded = load_model(tmp_path / "map.safetensors")
    assert loaded.metric == "cosine"
    assert np.array_equal(loaded.transform(rows), model.transform(rows))
    assert "neighbors" not in " ".join(read_model(tmp_path / "map.safetensors")[1])


@pytest.mark.parametrize("length", [1.0, 2.0])
@pytest.mark.parametrize("as_rows", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_rows_of_length_1_are_reported(length, as_rows, capsys, tmp_path):
    rows = RNG.normal(size=(40, 5))
    rows *= length / np.linalg.norm(rows, axis=1, keepdims=True)
    model = make_map(verbose=True).fit(as_rows(rows.astype("float16").astype("float32")))
    assert ("All rows have length 1" in capsys.readouterr().err) == (length == 1)
    model.save(tmp_path / "map.safetensors")
    summary = describe_model(tmp_path / "map.safetensors")
    assert summary["learned"]["has_unit_rows"] == (length == 1)
    print_info(tmp_path / "map.safetensors", as_json=False)
    assert ("unit vectors" in capsys.readouterr().out) == (length == 1)


def test_invalid_metrics_and_neighbours_are_refused():
    with pytest.raises(SettingError, match="unknown metric 'cosin', did you mean 'cosine'"):
        make_map(metric="cosin").fit(MULTIPLES)
    with pytest.raises(DataError, match=r"neighbors: expected shape \(300, 300\)"):
        make_map().fit(MULTIPLES, neighbors=kneighbors_graph(MULTIPLES[:50], 5))
