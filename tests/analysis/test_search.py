import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from latentmap import AutoEncoder
from latentmap.analysis import SearchIndex
from latentmap.analysis import search as module
from latentmap.array_files import fingerprint
from latentmap.data import open_data
from latentmap.errors import DataError, FileError, SettingError

RNG = np.random.default_rng(0)
CODES = (RNG.normal(size=(400, 6)) * [5, 4, 3, 2, 1, 1]).astype("float32")
NEW = (RNG.normal(size=(60, 6)) * [5, 4, 3, 2, 1, 1]).astype("float32")


def exact(index, queries, k):
    points, places = (index.distance.coordinates(z).astype(float) for z in (queries, index.codes))
    all_distances = np.linalg.norm(points[:, None] - places, axis=2)
    order = np.argsort(all_distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(all_distances, order, axis=1)


@pytest.mark.parametrize("distance", ["euclidean", "angular"])
@pytest.mark.parametrize("k", [1, 10, 400])
def test_exact_search_matches_all_distances(distance, k):
    index = SearchIndex(CODES, distance=distance)
    rows, distances = index.search(NEW, k)
    expected = exact(index, NEW, k)
    assert np.array_equal(rows[:, :20], expected[0][:, :20])
    assert distances == pytest.approx(expected[1], rel=1e-4)
    assert (np.diff(distances) >= 0).all()


def test_near_duplicates_are_sorted_by_distance():
    """Distances computed by faiss from large squares have too few correct digits."""
    codes = np.repeat(CODES[:1] + 100, 8, axis=0)
    codes[:, 0] += np.arange(8) * 1e-3
    codes = np.concatenate([codes, CODES])
    rows, distances = SearchIndex(codes, distance="euclidean").search(
        np.repeat(codes[:1], 50, 0), 8
    )
    assert rows[0].tolist() == list(range(8))
    assert distances[0] == pytest.approx(codes[:8, 0] - codes[0, 0], abs=1e-5)


def test_excluded_row_is_left_out_but_not_its_duplicate():
    codes = np.concatenate([CODES, CODES[:3]])
    rows, distances = SearchIndex(codes).search(codes[:5], 2, exclude=np.arange(5))
    assert rows[:3, 0].tolist() == [400, 401, 402]
    assert (distances[:3, 0] == 0).all() and (distances[3:, 0] > 0).all()
    assert not (rows == np.arange(5)[:, None]).any()


def test_minus_one_excludes_no_row():
    rows = SearchIndex(CODES).search(np.stack([CODES[7], NEW[0]]), 3, exclude=[7, -1]).indices
    assert rows[0].tolist() == SearchIndex(CODES).search(CODES[7:8], 4).indices[0, 1:].tolist()
    assert rows[1].tolist() == SearchIndex(CODES).search(NEW[:1], 3).indices[0].tolist()


def test_search_in_cells_finds_nearly_all_neighbors(monkeypatch):
    centers = RNG.normal(size=(40, 8))
    codes = centers[RNG.integers(0, 40, 20_000)] + 0.3 * RNG.normal(size=(20_000, 8))
    index = SearchIndex(codes)
    exact_indices = index.search(codes[:500], 10).indices
    monkeypatch.setattr(module, "MAX_EXACT_PAIRS", 0)
    monkeypatch.setattr(module, "SEARCHED_CELLS", 16)
    result = index.search(codes[:500], 10).indices
    shared = [len(np.intersect1d(a, b)) for a, b in zip(result, exact_indices, strict=True)]
    assert np.mean(shared) >= 9.9
    assert np.array_equal(result, SearchIndex(codes).search(codes[:500], 10).indices)  # each time
    indices = index.search(codes[:2], 19_000).indices  # More rows than the searched cells contain.
    assert all(len(set(row)) == 19_000 for row in indices.tolist())


def test_task_shows_progress(capsys):
    SearchIndex(CODES).search(NEW, 3, task="Searching")
    assert "Searching" in capsys.readouterr().err


@pytest.mark.parametrize("k", [0, -1, 401, 2.5])
def test_k_out_of_range_raises(k):
    with pytest.raises(SettingError, match="k: expected an integer from 1 to 400"):
        SearchIndex(CODES).search(NEW, k)


def test_excluding_rows_reduces_the_maximum_of_k():
    with pytest.raises(SettingError, match="from 1 to 399"):
        SearchIndex(CODES).search(CODES, 400, exclude=np.arange(400))


@pytest.mark.parametrize("excluded", [[1, 2], [0.5] * 60, [400] * 60, [-2] * 60])
def test_invalid_excluded_rows_raise(excluded):
    with pytest.raises(DataError, match="exclude: expected"):
        SearchIndex(CODES).search(NEW, 1, exclude=excluded)


def test_wrong_number_of_labels_or_names_raises():
    with pytest.raises(DataError, match=r"labels: expected labels of shape \(400,\), found \(2,\)"):
        SearchIndex(CODES, labels=["a", "b"])
    with pytest.raises(DataError, match="names: expected one for each of 400 rows, found 2"):
        SearchIndex(CODES, names=["a", "b"])


def test_wrong_number_of_components_raises():
    with pytest.raises(DataError, match=r"expected shape \(n, 6\), found \(2, 3\)"):
        SearchIndex(CODES).search(np.zeros((2, 3)), 1)


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [None, np.arange(400) % 7, np.array(["ann", "bob, the 2nd", "", "中\n\x00"] * 100)],
)
def test_loaded_index_gives_the_same_results(tmp_path, labels):
    names = [f"ü/{i}.png" for i in range(400)]
    index = SearchIndex(
        CODES, labels, names, distance="euclidean", model_fingerprint="m", rows_fingerprint="r"
    )
    index.save(tmp_path / "index")
    repeated = SearchIndex.load(tmp_path / "index")
    for before, after in zip(index.search(NEW, 5), repeated.search(NEW, 5), strict=True):
        assert np.array_equal(before, after)
    assert (repeated.labels is None) == (labels is None)
    assert labels is None or repeated.labels.tolist() == labels.tolist()
    assert (list(repeated.names), repeated.model_fingerprint, repeated.rows_fingerprint) == (
        names,
        "m",
        "r",
    )
    assert repeated.distance.kind == "euclidean"


@pytest.fixture(scope="module")
def models():
    rows = RNG.normal(size=(100, 8)) @ RNG.normal(size=(8, 8))
    return rows, [AutoEncoder(k, epochs=1, random_state=s).fit(rows) for k, s in ((4, 0), (4, 1))]


def test_index_of_another_model_raises(tmp_path, models):
    rows, (model, other) = models
    other = AutoEncoder(4, epochs=1, random_state=1).fit(rows[:50])
    index = SearchIndex(model.transform(rows), model_fingerprint=model.fingerprint())
    index.save(tmp_path / "index")
    SearchIndex.load(tmp_path / "index", model)
    with pytest.raises(
        FileError, match="expected an index of this model, found an index of another"
    ):
        SearchIndex.load(tmp_path / "index", other)
    SearchIndex(CODES).save(tmp_path / "narrow")
    with pytest.raises(
        FileError, match="codes of 4 components, as the codes of the model, found 6"
    ):
        SearchIndex.load(tmp_path / "narrow", model)


def write(path, change):
    """Write an index file after a change of its arrays or metadata."""
    SearchIndex(CODES, ["a"] * 400, ["n"] * 400).save(path)
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    metadata = json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["latentmap-index"])
    from safetensors.numpy import load

    arrays = load(raw)
    change(arrays, metadata)
    text = json.dumps(metadata)
    metadata = {"latentmap-index": text, "sha256": fingerprint({"text": text}, arrays)}
    save_file(arrays, path, metadata=metadata)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays, metadata: arrays.pop("codes"), "damaged"),
        (lambda arrays, metadata: arrays.update(codes=np.full((400, 6), np.nan)), "damaged"),
        (lambda arrays, metadata: arrays.update(codes=np.zeros((9, 6))), "damaged"),
        (
            lambda arrays, metadata: arrays.update(labels=np.full(400, 7)),
            "labels: expected integers from 0",
        ),
        (lambda arrays, metadata: arrays.update(labels=np.zeros(400)), "damaged"),
        (lambda arrays, metadata: arrays["names/ends"].fill(2**60), "names: expected integers"),
        (lambda arrays, metadata: arrays["classes/ends"].fill(-1), "classes: expected integers"),
        (lambda arrays, metadata: arrays.pop("names/bytes"), "damaged"),
        (lambda arrays, metadata: metadata.update(format=99), "format 1 or older, found 99"),
        (lambda arrays, metadata: metadata.update(format="x"), "damaged"),
        (lambda arrays, metadata: metadata.update(distance="pickle"), "unknown distance"),
        (lambda arrays, metadata: metadata.update(distance=["plain"]), "damaged"),
        (lambda arrays, metadata: metadata.update(extra=1), "damaged"),
        (lambda arrays, metadata: metadata.pop("rows"), "damaged"),
    ],
)
def test_damaged_file_raises(tmp_path, change, message):
    write(tmp_path / "index", change)
    with pytest.raises(FileError, match=message):
        SearchIndex.load(tmp_path / "index")


def test_flipped_bit_raises(tmp_path):
    path = tmp_path / "index"
    SearchIndex(CODES, ["a"] * 400, ["n"] * 400).save(path)
    complete = bytearray(path.read_bytes())
    start = 8 + struct.unpack("<Q", complete[:8])[0]
    for position in np.linspace(start, len(complete) - 1, 40).astype(int):
        complete[position] ^= 1
        path.write_bytes(complete)
        with pytest.raises(FileError, match="the index is damaged"):
            SearchIndex.load(path)
        complete[position] ^= 1
    path.write_bytes(complete)
    SearchIndex.load(path)


def test_other_files_raise(tmp_path):
    path = tmp_path / "index"
    with pytest.raises(FileError, match="no such file"):
        SearchIndex.load(path)
    SearchIndex(CODES).save(path)
    complete = path.read_bytes()
    for part in (b"", complete[:5], complete[:100], complete[:-1], RNG.bytes(500)):
        path.write_bytes(part)
        with pytest.raises(FileError, match="expected a complete index file"):
            SearchIndex.load(path)
    save_file({"codes": CODES}, path)
    with pytest.raises(FileError, match=r"found another \.safetensors"):
        SearchIndex.load(path)
    save_file({"codes": CODES}, path, metadata={"latentmap": "{}"})
    with pytest.raises(FileError, match="found a model"):
        SearchIndex.load(path)


def test_failed_write_keeps_the_old_file(tmp_path):
    SearchIndex(CODES).save(tmp_path / "index")
    with pytest.raises(FileError, match="does not exist"):
        SearchIndex(CODES).save(tmp_path / "no" / "index")
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


# -- quality on data -------------------------------------------------------------------------------


def test_angular_distance_finds_faces_of_the_same_person(faces):
    """The angular distance has a higher accuracy than the Euclidean one on PCA codes."""
    from sklearn.decomposition import PCA

    source = open_data(faces)
    rows, excluded = source[:].reshape(400, -1) / 255, np.arange(400)
    codes = PCA(32, svd_solver="full").fit_transform(rows)
    accuracies = {}
    for distance in ("euclidean", "angular"):
        nearest = (
            SearchIndex(codes, distance=distance).search(codes, 1, exclude=excluded).indices[:, 0]
        )
        accuracies[distance] = np.mean(source.labels[nearest] == source.labels)
    assert accuracies["euclidean"] == pytest.approx(0.953, abs=0.003)
    assert accuracies["angular"] >= 0.96


def test_angular_distance_is_not_worse_on_tables():
    for name in ("wine", "breast_cancer"):
        source = open_data(name)
        codes = ((source[:] - source[:].mean(axis=0)) / source[:].std(axis=0))[:, :13]
        excluded, accuracies = np.arange(len(source)), []
        for distance in ("euclidean", "angular"):
            nearest = (
                SearchIndex(codes, distance=distance)
                .search(codes, 1, exclude=excluded)
                .indices[:, 0]
            )
            accuracies.append(np.mean(source.labels[nearest] == source.labels))
        assert accuracies[1] > accuracies[0] - 0.02


@pytest.mark.parametrize("width", [2, 6])
def test_search_in_blocks_matches_search_at_once(width, monkeypatch):
    codes = RNG.normal(size=(1000, width)).astype("float32")
    queries = np.arange(40)
    expected = SearchIndex(codes).search(codes[queries], 7, exclude=queries)
    monkeypatch.setattr("latentmap.analysis.search.CODE_BLOCK", 90)
    result = SearchIndex(codes).search(codes[queries], 7, exclude=queries, task="")
    assert np.array_equal(result.indices, expected.indices)
    assert np.array_equal(result.distances, expected.distances)


def test_memory_mapped_codes(tmp_path):
    codes = RNG.normal(size=(300, 5)).astype("float32")
    np.save(tmp_path / "codes.npy", codes)
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    result = SearchIndex(mapped).search(codes[:3], 4)
    assert np.array_equal(result.indices, SearchIndex(codes).search(codes[:3], 4).indices)
