"""Tests of the accuracy, confidence and repeatability of maps for many kinds of rows."""

import copy
import hashlib
import pickle
import subprocess
import sys
import tracemalloc

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from latentmap import LatentMap, Training, load_model
from latentmap.backend import predict
from latentmap.data import load_dataset, open_data
from latentmap.data.sources import ArraySource
from latentmap.data.sparse import SparseSource
from latentmap.errors import (
    DataError,
    LatentmapError,
    ModelFileError,
    NotFittedError,
    SettingError,
)
from latentmap.metrics import neighbor_accuracy, trustworthiness
from latentmap.model_file import read_model, write_model
from latentmap.networks.dense import DenseNetwork

RNG = np.random.default_rng(0)
SMALL = DenseNetwork(hidden=(32,), activation="relu", principal=False)


def make_map(n_components=2, **settings):
    return LatentMap(n_components, **{"network": SMALL, "epochs": 3, "random_state": 0, **settings})


def all_finite(model, rows):
    """Check that all results of a map are finite; return the codes."""
    codes = model.transform(rows)
    assert np.isfinite(codes).all()
    assert np.isfinite(model.inverse_transform(codes)).all()
    assert np.isfinite(model.reconstruction_error(rows)).all()
    for values in (model.confidence(rows), model.density(codes)):
        assert values.shape == (len(codes),)
        assert ((values >= 0) & (values <= 1)).all()
    assert np.isfinite(list(model.layout_fit_.values())).all()
    assert np.isfinite(model.sample(3)).all()
    return codes


# -- shared maps and data --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    """Return 400 rows of five columns in four groups, and their groups."""
    groups = np.repeat(np.arange(4), 100)
    return 6 * np.eye(4, 5)[groups] + RNG.normal(size=(400, 5)), groups


@pytest.fixture(scope="module")
def table_map(table):
    return make_map(epochs=30).fit(table[0])


@pytest.fixture(scope="module")
def mnist():
    """Return 2,000 fitted and 2,000 unseen digits of MNIST."""
    parts = load_dataset("mnist"), load_dataset("mnist", "unseen")
    return tuple((part[:2000], part.labels[:2000]) for part in parts)


@pytest.fixture(scope="module")
def mnist_map(mnist):
    return LatentMap(random_state=0).fit(mnist[0][0])


@pytest.fixture(scope="module")
def digits8():
    """Return 1,297 fitted and 500 unseen digits of scikit-learn."""
    rows, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(rows))
    rows, labels = rows[order], labels[order]
    return (rows[500:], labels[500:]), (rows[:500], labels[:500])


# -- accuracy --------------------------------------------------------------------------------------


def test_unseen_digits_are_placed_near_their_class(digits8):
    (fitted, labels), (unseen, unseen_labels) = digits8
    model = LatentMap(random_state=0).fit(fitted)
    codes = model.transform(unseen)
    assert neighbor_accuracy(codes, unseen_labels, model.transform(fitted), labels) > 0.93
    linear = PCA(2).fit(fitted).transform(unseen)
    assert trustworthiness(unseen, codes) > trustworthiness(unseen, linear) + 0.1
    decoded = model.inverse_transform(codes)
    assert ((decoded - unseen) ** 2).mean() < 0.6 * unseen.var(axis=0).mean()
    assert model.layout_fit_["r2"] > 0.99
    assert model.layout_fit_["median_shift"] < 0.02


def test_images_unseen(mnist_map, mnist):
    (fitted, labels), (unseen, unseen_labels) = mnist
    codes = mnist_map.transform(unseen)
    assert neighbor_accuracy(codes, unseen_labels, mnist_map.transform(fitted), labels) > 0.77
    assert trustworthiness(unseen, codes) > 0.9
    back = mnist_map.inverse_transform(codes)
    assert back.shape == unseen.shape
    assert back.min() >= 0
    assert back.max() <= 255
    assert (((back - unseen) / 255) ** 2).mean() < 0.045


def test_groups_of_a_table_are_separated(table_map, table):
    rows, groups = table
    assert neighbor_accuracy(table_map.transform(rows), groups) > 0.98
    fresh = 6 * np.eye(4, 5)[groups] + RNG.normal(size=(400, 5))
    codes = table_map.transform(fresh)
    assert neighbor_accuracy(codes, groups, table_map.transform(rows), groups) > 0.97


def test_three_components(table):
    rows, groups = table
    model = make_map(3, epochs=30).fit(rows)
    codes = all_finite(model, rows)
    assert codes.shape == (400, 3)
    assert model.landmarks_.shape == (100, 3)
    assert neighbor_accuracy(codes, groups) > 0.98


def test_landmarks_of_a_map_cover_its_codes(table_map, table):
    codes = table_map.transform(table[0])
    assert table_map.landmarks_.shape == (100, 2)
    nearest = np.linalg.norm(codes[:, None] - table_map.landmarks_, axis=2).min(axis=1)
    assert np.median(nearest) < 0.1 * codes.std()


# -- repeatability ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_map(table_map, table):
    rows = table[0]
    repeated = make_map(epochs=30).fit(rows)
    assert np.array_equal(repeated.transform(rows), table_map.transform(rows))
    assert np.array_equal(repeated.confidence(rows), table_map.confidence(rows))
    assert repeated.history_["loss"][1:] == table_map.history_["loss"][1:]


def test_another_seed_gives_another_map(table_map, table):
    rows = table[0]
    other = clone(table_map).set_params(random_state=1).fit_transform(rows)
    assert not np.allclose(other, table_map.transform(rows), atol=0.1)


NEW_PROCESS_SCRIPT = """
import hashlib
import numpy as np
from latentmap import LatentMap
from latentmap.networks.dense import DenseNetwork
rows = np.random.default_rng(5).normal(size=(400, 5))
network = DenseNetwork(hidden=(32,), activation="relu", principal=False)
model = LatentMap(network=network, epochs=3, random_state=0).fit(rows)
codes = model.transform(rows)
results = [codes, model.inverse_transform(codes), model.confidence(rows), model.density(codes)]
print(hashlib.sha256(b"".join(array.tobytes() for array in results)).hexdigest())
"""


@pytest.mark.slow
def test_a_fresh_process_makes_the_same_map():
    run = [sys.executable, "-c", NEW_PROCESS_SCRIPT]
    digest = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    rows = np.random.default_rng(5).normal(size=(400, 5))
    model = make_map().fit(rows)
    codes = model.transform(rows)
    results = [codes, model.inverse_transform(codes), model.confidence(rows), model.density(codes)]
    assert hashlib.sha256(b"".join(array.tobytes() for array in results)).hexdigest() == digest


MODEL_FILE_SCRIPT = """
import sys
import numpy as np
from latentmap import LatentMap
from latentmap.networks.dense import DenseNetwork
rows = np.random.default_rng(5).normal(size=(11_000, 6)).astype("float32")
network = DenseNetwork(hidden=(32,), activation="relu", principal=False)
LatentMap(network=network, epochs=1, random_state=0).fit(rows).save(sys.argv[1])
"""


@pytest.mark.slow
def test_model_files_of_two_processes_are_equal(tmp_path):
    """t-SNE uses several threads for this number of rows, and cells instead of all neighbours."""
    files = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for file in files:
        subprocess.run([sys.executable, "-c", MODEL_FILE_SCRIPT, str(file)], check=True)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_fit_transform_does_not_depend_on_global_random_state(table_map, table):
    keras.utils.set_random_seed(1)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    codes = clone(table_map).fit_transform(table[0])
    assert np.array_equal(codes, table_map.transform(table[0]))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def check_close(results, expected, rtol=1e-5, atol=1e-5):
    np.testing.assert_allclose(results, expected, rtol=rtol, atol=atol)


PARTS = [slice(0, 1), slice(7, 8), slice(1000, 1100), slice(1500, None), slice(None, None, -7)]


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_results_of_a_row_do_not_depend_on_other_rows(part, mnist_map, mnist):
    rows = mnist[1][0]
    codes = mnist_map.transform(rows)
    # NumPy computes few rows, and an engine many rows, so that results differ by rounding.
    check_close(mnist_map.transform(rows[part]), codes[part])
    check_close(mnist_map.confidence(rows[part]), mnist_map.confidence(rows)[part])
    check_close(mnist_map.density(codes[part]), mnist_map.density(codes)[part])
    back = mnist_map.inverse_transform(codes)
    # The distances to landmarks lose a few bits in the float32 of an engine.
    check_close(mnist_map.inverse_transform(codes[part]), back[part], atol=2e-5 * 255, rtol=1e-4)


def test_a_second_fit_does_not_depend_on_the_first(table_map, table):
    rows = table[0]
    model = clone(table_map).fit(LAYOUT_ROWS, layout=LAYOUT)
    model.fit(rows)
    assert np.array_equal(model.transform(rows), table_map.transform(rows))


@pytest.mark.parametrize(
    "copy_map", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_copies_give_the_same_results(copy_map, table_map, table):
    rows, copied_map = table[0], copy_map(table_map)
    codes = table_map.transform(rows)
    assert np.array_equal(copied_map.transform(rows), codes)
    assert np.array_equal(copied_map.inverse_transform(codes), table_map.inverse_transform(codes))
    assert np.array_equal(copied_map.confidence(rows), table_map.confidence(rows))
    assert np.array_equal(copied_map.density(codes), table_map.density(codes))
    assert np.array_equal(copied_map.landmarks_, table_map.landmarks_)
    assert copied_map.layout_fit_ == table_map.layout_fit_
    assert np.array_equal(copied_map.sample(4), table_map.sample(4))


def test_a_loaded_map_gives_the_same_results(mnist_map, mnist, tmp_path):
    rows = mnist[1][0]
    mnist_map.save(tmp_path / "map.safetensors")
    loaded, codes = load_model(tmp_path / "map.safetensors"), mnist_map.transform(rows)
    assert type(loaded) is LatentMap
    check_close(loaded.transform(rows), codes)
    rows_back = mnist_map.inverse_transform(codes)
    check_close(loaded.inverse_transform(codes), rows_back, atol=2e-5 * 255, rtol=1e-4)
    check_close(loaded.confidence(rows), mnist_map.confidence(rows))
    assert np.array_equal(loaded.density(codes), mnist_map.density(codes))
    assert loaded.layout_fit_ == mnist_map.layout_fit_


def test_a_clone_is_not_fitted(table):
    rows = table[0]
    model = make_map(n_neighbors=7, training=Training(noise=0.0)).fit(rows)
    cloned = clone(model)
    assert cloned.n_neighbors == 7
    with pytest.raises(NotFittedError):
        cloned.transform(rows)
    assert np.array_equal(cloned.fit(rows).transform(rows), model.transform(rows))


def test_samples_resemble_the_rows(mnist_map, table_map):
    assert mnist_map.sample(5).shape == (5, 28, 28)
    assert np.array_equal(mnist_map.sample(5), mnist_map.sample(5))
    samples = table_map._draw_codes(300, np.random.RandomState(0))
    assert np.median(table_map.density(samples)) > 0.5
    assert len(np.unique(mnist_map.sample(5), axis=0)) == 5


def test_output_feature_names(table_map, table):
    assert table_map.get_feature_names_out().tolist() == ["latentmap0", "latentmap1"]
    frame = clone(table_map).set_output(transform="pandas").fit(table[0]).transform(table[0])
    assert frame.columns.tolist() == ["latentmap0", "latentmap1"]


def test_validation_rows_have_their_own_positions(table):
    plan = Training(held_out=0.25, learning_rate=0.01, patience=None)
    history = make_map(training=plan, epochs=40).fit(table[0]).history_
    assert history["val_loss"][-1] < 0.7 * history["val_loss"][0]


def test_nothing_is_printed_by_default(table, capfd):
    make_map().fit(table[0])
    assert capfd.readouterr() == ("", "")
    make_map(verbose=True).fit(table[0])
    output = capfd.readouterr().err
    for step in ("finding neighbours", "computing the layout", "fitting"):
        assert step in output


# -- kinds of rows ---------------------------------------------------------------------------------

NORMAL = RNG.normal(size=(120, 4))
WITH_OUTLIER = NORMAL.copy()
WITH_OUTLIER[7] *= 1000

KINDS = {
    "table": NORMAL,
    "few": RNG.normal(size=(100, 4)),
    "float32": NORMAL.astype("float32"),
    "integers": (100 * NORMAL).astype(int),
    "bytes": RNG.integers(0, 256, (120, 4)).astype("uint8"),
    "bool": NORMAL > 0,
    "float16": NORMAL.astype("float16"),
    "very large": 1e30 * NORMAL,
    "very small": 1e-30 * NORMAL,
    "far away": 1e6 + NORMAL,
    "different units": NORMAL * [1, 1e3, 1e-3, 1e6],
    "a row far out": WITH_OUTLIER,
    "two rows far out": np.concatenate([NORMAL[:118], 1e4 * NORMAL[118:]]),
    "a row beyond measure": np.concatenate([NORMAL[:119], [[1e15, -1e15, 0, 1]]]),
    "constant columns": NORMAL * [1, 0, 2, 0] + [0, 3, 0, -7],
    "each row three times": np.repeat(NORMAL[:40], 3, axis=0),
    "three different rows": np.repeat(NORMAL[:3], 40, axis=0),
    "two different rows": np.repeat(NORMAL[:2], 60, axis=0),
    "all equal": np.tile([5.1, -3.3, 1e5 + 0.1, 0.1], (120, 1)),
    "all zero": np.zeros((120, 4)),
    "two rows": NORMAL[:2],
    "three rows": NORMAL[:3],
    "eight rows": NORMAL[:8],
    "one column": RNG.normal(size=(120, 1)),
    "many columns": RNG.normal(size=(100, 2000)),
    "unit images": RNG.random((120, 5, 4)),
    "colour images": RNG.integers(0, 256, (60, 5, 4, 3)).astype("uint8"),
}


FITTED_KINDS = {"a row beyond measure", "all equal", "bool", "colour images", "table", "two rows"}


# Other kinds of rows are tested with the preprocessing.
@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in FITTED_KINDS else pytest.param(kind, marks=pytest.mark.slow)
        for kind in sorted(KINDS)
    ],
)
def test_every_kind_of_rows_can_be_fitted(kind):
    rows = KINDS[kind]
    model = make_map().fit(rows)
    codes = all_finite(model, rows)
    assert codes.shape == (len(rows), 2)
    assert model.inverse_transform(codes).shape == rows.shape


@pytest.mark.parametrize(
    ("kind", "n_components"),
    [("one column", 1), ("table", 1), ("all equal", 1), ("one column", 3), ("two rows", 3)],
)
def test_few_columns_in_one_and_three_dimensions(kind, n_components):
    rows = KINDS[kind]
    assert all_finite(make_map(n_components).fit(rows), rows).shape == (len(rows), n_components)


def test_equal_rows_have_equal_codes():
    codes = make_map().fit_transform(KINDS["each row three times"])
    assert np.array_equal(codes[::3], codes[1::3])
    assert np.array_equal(codes[::3], codes[2::3])


def test_three_distinct_rows_have_distinct_codes():
    model = make_map(epochs=200).fit(KINDS["three different rows"])
    codes = model.transform(KINDS["three different rows"][::40])
    gaps = np.linalg.norm(codes - np.roll(codes, 1, axis=0), axis=1)
    assert gaps.min() > 0.2 * gaps.max()
    assert (model.density(codes) > 0.5).all()


@pytest.mark.parametrize("factor", [1000, 1e6])
def test_an_extreme_row_does_not_affect_the_others(factor, table):
    rows, groups = table[0].copy(), table[1]
    rows[0] *= factor
    model = make_map(epochs=30).fit(rows)
    assert neighbor_accuracy(all_finite(model, rows)[1:], groups[1:]) > 0.95


@pytest.mark.parametrize("factor", [1e3, 1e10, 1e20, 3e37])
def test_extreme_new_rows_have_low_confidence(factor, table_map):
    rows = np.float32(factor) * np.array([[1, -1, 1, 1, 0], [0, 1, 0, 0, -1]], "float32")
    codes = table_map.transform(rows)
    assert np.isfinite(codes).all()
    values = table_map.confidence(rows)
    assert ((values >= 0) & (values < 0.1)).all()


def test_one_row_and_a_source_and_a_frame(table_map, table):
    rows = table[0]
    assert table_map.transform(rows[:1]).shape == (1, 2)
    assert np.array_equal(table_map.transform(ArraySource(rows)), table_map.transform(rows))
    iris = load_iris(as_frame=True).data
    model = make_map().fit(iris)
    assert model.feature_names_in_.tolist() == iris.columns.tolist()
    assert model.confidence(iris).shape == (150,)


def test_images_are_rows_of_pixels():
    images = KINDS["unit images"]
    image_map, flat_map = make_map().fit(images), make_map().fit(images.reshape(120, -1))
    assert np.allclose(
        image_map.transform(images), flat_map.transform(images.reshape(120, -1)), atol=1e-4
    )
    assert image_map._state.loss == "bernoulli"
    assert make_map().fit(NORMAL)._state.loss == "gaussian"


# -- sparse rows -----------------------------------------------------------------------------------

TOPICS = RNG.random((4, 60)) ** 6
TOPIC = RNG.integers(0, 4, 400)
COUNTS = RNG.poisson(TOPICS[TOPIC]).astype("float32")


def test_sparse_and_dense_rows_give_the_same_map():
    dense, sparse = make_map(epochs=30).fit(COUNTS), make_map(epochs=30).fit(csr_array(COUNTS))
    codes = sparse.transform(COUNTS)
    for make in (csr_array, csr_matrix):
        assert np.array_equal(sparse.transform(make(COUNTS)), codes)
        assert np.array_equal(sparse.confidence(make(COUNTS)), sparse.confidence(COUNTS))
    dense_codes = dense.transform(COUNTS)
    accuracy = neighbor_accuracy(codes, TOPIC)
    assert accuracy > 0.9
    assert accuracy == pytest.approx(neighbor_accuracy(dense_codes, TOPIC), abs=0.05)
    assert trustworthiness(COUNTS, codes) == pytest.approx(
        trustworthiness(COUNTS, dense_codes), abs=0.02
    )


def test_sparse_rows_are_densified_in_batches(monkeypatch):
    monkeypatch.setattr("latentmap.preprocessing.pca_projection.EXACT_NUMBERS", 1 << 14)
    monkeypatch.setattr("latentmap.preprocessing.pca_solvers.BATCH_NUMBERS", 1 << 18)
    monkeypatch.setattr("latentmap.training.preparation.SAMPLE_NUMBERS", 1 << 14)
    monkeypatch.setattr("latentmap.training.loop.CHUNK_STEPS", 4)
    rows, batch_sizes = csr_array(RNG.poisson(0.02, (4000, 300)).astype("float32")), []
    toarray = csr_array.toarray

    def watched(matrix, *args, **kwargs):
        batch_sizes.append(matrix.shape[0])
        return toarray(matrix, *args, **kwargs)

    monkeypatch.setattr(csr_array, "toarray", watched)
    monkeypatch.setattr(csr_array, "todense", watched)
    monkeypatch.setattr("latentmap.autoencoders.validation.MAX_BLOCKS", 1)
    monkeypatch.setattr("latentmap.maps.layout_sample.MAX_SAMPLE_ROWS", {2: 500})
    model = make_map(epochs=1).fit(SparseSource(rows))
    assert model.transform(rows).shape == (4000, 2)
    assert 0 < max(batch_sizes) <= 1024


PEAK_MEMORY_SCRIPT = """
import resource
import numpy as np
from scipy.sparse import csr_array
from latentmap import LatentMap
from latentmap.networks.dense import DenseNetwork

n, d, stored = 4_000, 40_000, 50
rng = np.random.default_rng(0)
places = (np.arange(n * stored) // stored, rng.integers(0, d, n * stored))
rows = (csr_array((np.ones(n * stored, "f4"), places), shape=(n, d)) > 0).astype("f4")
network = DenseNetwork(hidden=(16,), principal=False)
model = LatentMap(network=network, epochs=1, random_state=0)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
model.fit(rows)
model.confidence(rows)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_large_sparse_matrix_is_never_dense():
    result = subprocess.run(
        [sys.executable, "-c", PEAK_MEMORY_SCRIPT], capture_output=True, text=True, check=True
    )
    # A fit needs 0.6 GB, and the dense rows alone would need 0.64 GB more.
    assert int(result.stdout) < 0.8e9


# -- layouts of the user ---------------------------------------------------------------------------

LAYOUT = RNG.random((400, 2))
LAYOUT_ROWS = np.stack(
    [LAYOUT[:, 0], LAYOUT[:, 1], LAYOUT.sum(axis=1), np.sin(3 * LAYOUT[:, 0])], axis=1
)
LAYOUTS = {
    "plane": LAYOUT,
    "space": np.column_stack([LAYOUT, LAYOUT.prod(axis=1)]),
    "tiny": 1e-6 * LAYOUT,
    "huge": 1e12 * LAYOUT,
    "metres": [5e5, 5.2e6] + 1e4 * LAYOUT,
    "degrees": [[7.5, 46.9]] + 0.1 * LAYOUT,
    "one long side": LAYOUT * [1000, 1],
}


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in ("metres", "space") else pytest.param(kind, marks=pytest.mark.slow)
        for kind in sorted(LAYOUTS)
    ],
)
def test_a_given_layout_is_learned_with_its_inverse(kind):
    layout = LAYOUTS[kind]
    model = make_map(epochs=100).fit(LAYOUT_ROWS[:300], layout=layout[:300])
    codes = all_finite(model, LAYOUT_ROWS)
    assert codes.shape == layout.shape
    assert model.layout_fit_["r2"] > 0.97
    assert model.layout_fit_["median_shift"] < 0.05
    unseen = np.linalg.norm(codes[300:] - layout[300:], axis=1)
    assert np.median(unseen) < 0.06 * np.ptp(layout, axis=0).max()
    back = model.inverse_transform(layout[300:])
    if kind != "one long side":
        assert ((back - LAYOUT_ROWS[300:]) ** 2).mean() < 0.1 * LAYOUT_ROWS.var(axis=0).mean()
    spread = np.ptp(layout, axis=0)
    landmarks = model.landmarks_
    assert (landmarks >= layout.min(axis=0) - 0.05 * spread).all()
    assert (landmarks <= layout.max(axis=0) + 0.05 * spread).all()


def test_layout_fit_matches_its_definition():
    model = make_map(epochs=30).fit(LAYOUT_ROWS, layout=LAYOUTS["metres"])
    encoded = predict(model.encoder_, LAYOUT_ROWS)
    distances = np.linalg.norm(encoded - LAYOUTS["metres"], axis=1)
    layout_fit = model.layout_fit_
    assert layout_fit["median_shift"] == pytest.approx(np.median(distances) / 1e4, rel=0.02)
    spread = ((LAYOUTS["metres"] - LAYOUTS["metres"].mean(axis=0)) ** 2).sum()
    assert layout_fit["r2"] == pytest.approx(1 - (distances**2).sum() / spread, abs=1e-3)
    layout_fit["r2"] = 7
    assert model.layout_fit_["r2"] < 1


def test_a_random_layout_is_not_learned():
    model = make_map(epochs=30).fit(LAYOUT_ROWS, layout=RNG.permutation(LAYOUT))
    assert model.layout_fit_["r2"] < 0.5


def test_a_layout_of_equal_positions():
    model = make_map().fit(LAYOUT_ROWS, layout=np.full((400, 2), 7.0))
    assert np.allclose(all_finite(model, LAYOUT_ROWS), 7)
    assert np.allclose(model.layout_fit_["median_shift"], 0, atol=1e-5)
    assert model.density([[7.0, 7.0]]) == pytest.approx(1)
    assert model.density([[1e4, 0.0]]) == pytest.approx(0)


@pytest.mark.parametrize("make", [np.asarray, lambda z: z.tolist(), lambda z: z.astype("f4")])
def test_a_layout_may_be_any_array(make):
    model = make_map().fit(LAYOUT_ROWS[:120], layout=make(LAYOUT[:120]))
    assert model.transform(LAYOUT_ROWS).shape == (400, 2)


def test_a_layout_sets_the_number_of_components():
    model = make_map(2).fit(LAYOUT_ROWS, layout=LAYOUTS["space"])
    assert model.transform(LAYOUT_ROWS).shape == (400, 3)
    assert len(model.get_feature_names_out()) == 3


def test_the_layout_is_not_stored_in_the_model_file(tmp_path):
    sizes = []
    for n_rows in (120, 400):
        model = make_map().fit(LAYOUT_ROWS[:n_rows], layout=LAYOUT[:n_rows])
        path = tmp_path / f"{n_rows}.safetensors"
        model.save(path)
        loaded = load_model(path)
        assert np.array_equal(loaded.transform(LAYOUT_ROWS), model.transform(LAYOUT_ROWS))
        sizes.append(path.stat().st_size - 4 * loaded.landmarks_.shape[0] * 80)
    assert sizes[1] - sizes[0] < 280 * 2 * 8


INVALID_LAYOUTS = {
    "too short": (LAYOUT[:399], r"layout: expected shape \(400, 2\) or \(400, 3\), .*\(399, 2\)"),
    "one column": (LAYOUT[:, :1], r"layout: expected shape .* found \(400, 1\)"),
    "four columns": (LAYOUT_ROWS, r"layout: expected shape .* found \(400, 4\)"),
    "numbers only": (LAYOUT[:, 0], r"layout: expected .* found shape \(400,\)"),
    "three dimensions": (LAYOUT[:, :, None], r"layout: expected shape .* found \(400, 2, 1\)"),
    "a number": (3, "layout: expected"),
    "NaN": (np.where(LAYOUT > 0.99, np.nan, LAYOUT), "layout, row .*: expected a finite number"),
    "NaN only": (np.full((400, 2), np.nan), "layout: expected a position for at least one of 400"),
    "infinite": (
        np.where(LAYOUT > 0.99, np.inf, LAYOUT),
        "layout, row .*: expected a finite number",
    ),
    "beyond 32 bits": (1e300 * LAYOUT, r"layout, row 0, column 0: expected a number up to 3\.4e38"),
    "text": (np.full((400, 2), "a"), "layout: expected real numbers, found text"),
    "numbers as text": (LAYOUT.astype(str), "layout: expected real numbers, found text"),
    "a word": ("umap", "layout: expected"),
    "complex": (LAYOUT + 1j, "layout: expected real numbers, found complex numbers"),
    "dates": (np.full((400, 2), np.datetime64("2020-01-01")), "expected real numbers, found dates"),
    "ragged": ([[1, 2], [3]], "layout: expected rows of equal length, found ragged rows"),
    "an object": (object(), "layout: expected"),
    "masked": (np.ma.masked_array(LAYOUT), "layout: expected a plain array, found a masked array"),
}


@pytest.mark.parametrize("kind", sorted(INVALID_LAYOUTS))
def test_invalid_layouts_are_refused(kind):
    layout, message = INVALID_LAYOUTS[kind]
    with pytest.raises(DataError, match=message):
        make_map().fit(LAYOUT_ROWS, layout=layout)


# -- confidence ------------------------------------------------------------------------------------


def misclassified(model, fitted, unseen):
    """Return which unseen rows have ten nearest fitted codes with another majority label."""
    classifier = KNeighborsClassifier(10).fit(model.transform(fitted[0]), fitted[1])
    return classifier.predict(model.transform(unseen[0])) != unseen[1]


def error_share_of_confident_half(is_wrong, confidence):
    order = np.argsort(-confidence, kind="stable")
    return is_wrong[order[: len(order) // 2]].sum() / is_wrong.sum()


def test_confident_digits_have_few_errors(mnist_map, mnist):
    fitted, unseen = mnist
    is_wrong = misclassified(mnist_map, fitted, (unseen[0][:1000], unseen[1][:1000]))
    assert is_wrong.sum() > 50
    assert error_share_of_confident_half(is_wrong, mnist_map.confidence(unseen[0][:1000])) <= 0.25


def blobs(rng):
    """Return images with a few blurred bright regions."""
    y, x = np.mgrid[:28, :28]
    image = sum(
        np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
        for cy, cx, width in zip(*rng.uniform(0, 28, (2, 6)), rng.uniform(3, 9, 6), strict=True)
    )
    return 255 * image / image.max()


def checkers(rng):
    y, x = np.mgrid[:28, :28] + rng.integers(0, 9, 2)[:, None, None]
    side = rng.integers(1, 8)
    return 255.0 * ((y // side + x // side) % 2)


NOISE = {
    "inverted": lambda digits, rng: 255 - digits,
    "shuffled": lambda digits, rng: rng.permuted(digits.reshape(-1, 784), axis=1),
    "noise": lambda digits, rng: rng.integers(0, 256, digits.shape),
    "bright": lambda digits, rng: np.full(digits.shape, 255),
    "blobs": lambda digits, rng: np.stack([blobs(rng) for _ in digits]),
    "checkers": lambda digits, rng: np.stack([checkers(rng) for _ in digits]),
}


@pytest.mark.parametrize("kind", sorted(NOISE))
def test_noise_has_low_confidence(kind, mnist_map, mnist):
    digits = mnist[1][0][:200]
    noise = NOISE[kind](digits, np.random.default_rng(0)).astype("uint8").reshape(-1, 28, 28)
    values, digit_confidence = mnist_map.confidence(noise), mnist_map.confidence(digits)
    assert np.median(values) < 0.5 * np.median(digit_confidence)
    assert ((values >= 0) & (values <= 1)).all()


def test_faces_have_lower_confidence_than_digits(mnist_map, mnist, faces):
    large = open_data(faces)[:]
    small_faces = [
        np.asarray(Image.fromarray(face).convert("L").resize((28, 28))) for face in large
    ]
    values = mnist_map.confidence(np.stack(small_faces))
    digit_confidence = mnist_map.confidence(mnist[1][0])
    assert np.median(values) < 0.4 * np.median(digit_confidence)
    assert np.percentile(values, 90) < np.median(digit_confidence)


def test_blended_digits_have_lower_confidence(mnist_map, mnist):
    digits, labels = mnist[1]
    first, second = np.random.default_rng(0).integers(0, 2000, (2, 1000))
    differ = labels[first] != labels[second]
    first, second = first[differ], second[differ]
    blends = (digits[first] / 2 + digits[second] / 2).astype("uint8")
    values, digit_confidence = mnist_map.confidence(blends), mnist_map.confidence(digits)
    assert values.mean() < digit_confidence[first].mean() - 0.1
    assert values.mean() < digit_confidence[second].mean() - 0.1
    assert (values < np.maximum(digit_confidence[first], digit_confidence[second])).mean() > 0.75


def test_fitted_rows_have_high_confidence(mnist_map, mnist, table_map, table):
    assert np.median(mnist_map.confidence(mnist[0][0])) > 0.7
    assert mnist_map.confidence(mnist[0][0]).mean() > mnist_map.confidence(mnist[1][0]).mean()
    assert np.median(table_map.confidence(table[0])) > 0.5


# -- density ---------------------------------------------------------------------------------------


def test_density_is_high_at_fitted_rows(mnist_map, mnist):
    codes = mnist_map.transform(mnist[0][0])
    values = mnist_map.density(codes)
    assert values.dtype == np.float32
    assert np.median(values) > 0.95
    assert np.mean(values > 0.2) > 0.95
    assert ((values >= 0) & (values <= 1)).all()


def test_density_is_zero_far_away(mnist_map, mnist):
    codes = mnist_map.transform(mnist[0][0])
    offsets = np.ptp(codes, axis=0) * [[1, 0], [0, 1], [-1, -1], [1e6, 1e6], [1e30, 0]]
    assert (mnist_map.density(codes.mean(axis=0) + 2 * offsets) < 1e-6).all()


def test_density_is_low_between_clusters(table_map, table):
    codes = table_map.transform(table[0])
    low, high = codes.min(axis=0), codes.max(axis=0)
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 40).T), axis=-1).reshape(-1, 2)
    distances = np.linalg.norm(grid[:, None] - codes, axis=2).min(axis=1)
    values = table_map.density(grid)
    assert values[distances.argmax()] < 0.1
    assert values[distances.argmin()] > 0.5
    assert np.corrcoef(values, distances)[0, 1] < -0.3


def test_density_of_many_positions_needs_little_memory(mnist_map):
    positions = np.zeros((100_000, 2), "float32")
    tracemalloc.start()
    try:
        assert mnist_map.density(positions).shape == (100_000,)
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()


def test_density_of_no_positions(mnist_map):
    empty = np.empty((0, 2))
    assert mnist_map.density(empty).shape == (0,)
    assert mnist_map.inverse_transform(empty).shape == (0, 28, 28)


@pytest.mark.parametrize(
    "positions", [[[1.0, 2.0, 3.0]], [1.0, 2.0], [["a", "b"]], [[np.nan, 0.0]]]
)
def test_invalid_positions_are_refused(positions, table_map):
    with pytest.raises(DataError, match="codes"):
        table_map.density(positions)


def test_confidence_takes_rows_like_the_fitted_ones(table_map, mnist_map):
    with pytest.raises(DataError, match="expecting 5 features"):
        table_map.confidence(np.zeros((3, 4)))
    with pytest.raises(DataError, match="row 1, column 2"):
        table_map.confidence([[0] * 5, [0, 0, np.nan, 0, 0]])


# -- invalid settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_components": 4}, "n_components: expected 1, 2 or 3, found 4"),
        ({"n_components": 0}, "n_components: expected an integer of at least 1, found 0"),
        ({"n_components": 2.0}, "n_components: expected an integer of at least 1, found 2.0"),
        ({"n_components": True}, "n_components: expected"),
        ({"n_components": "2"}, "n_components: expected"),
        ({"n_neighbors": 0}, "n_neighbors: expected an integer of at least 1, found 0"),
        ({"n_neighbors": -3}, "n_neighbors: expected"),
        ({"n_neighbors": True}, "n_neighbors: expected"),
        ({"n_neighbors": "x"}, "n_neighbors: expected"),
        ({"n_neighbors": 1e9}, "n_neighbors: expected"),
        ({"n_neighbors": 2.5}, "n_neighbors: expected"),
        ({"n_neighbors": None}, "n_neighbors: expected"),
        ({"network": "dens"}, "unknown network 'dens', did you mean 'dense'"),
        ({"network": None}, "network: expected"),
        ({"scaling": "unitt"}, "unknown scaling 'unitt', did you mean 'unit'"),
        ({"scaling": None}, "scaling: expected"),
        ({"training": Training(noise=-1)}, "noise: expected a number from 0 to 1, found -1"),
        ({"training": Training(noise=float("nan"))}, "noise: expected"),
        ({"epochs": 0}, "epochs: expected 'auto' or an integer from 1 to 2147483647, found 0"),
        ({"epochs": "x"}, "epochs: expected"),
        ({"training": "fast"}, "training: expected a Training or None"),
        ({"training": Training(batch_size=0)}, "batch_size: expected"),
        ({"random_state": "x"}, "random_state: "),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises(SettingError, match=message) as raised:
        make_map(**settings).fit(NORMAL)
    assert isinstance(raised.value, LatentmapError)
    assert "\n" not in str(raised.value)


def test_a_pair_of_models_is_refused():
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    with pytest.raises(SettingError, match="found a pair of Keras models, which only"):
        make_map(network=(encoder, decoder)).fit(NORMAL)


def test_convolutions_take_images_only():
    with pytest.raises(DataError, match="the network 'conv' takes images"):
        make_map(network="conv").fit(NORMAL)


def test_more_neighbours_than_rows():
    expected = make_map(n_neighbors=10**9).fit(NORMAL).transform(NORMAL)
    assert np.array_equal(make_map(n_neighbors=39).fit(NORMAL).transform(NORMAL), expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.transform(NORMAL),
        lambda model: model.confidence(NORMAL),
        lambda model: model.density(NORMAL[:, :2]),
        lambda model: model.landmarks_,
        lambda model: model.layout_fit_,
        lambda model: model.sample(),
        lambda model: model.save("nowhere.safetensors"),
    ],
)
def test_methods_need_a_fitted_map(call):
    with pytest.raises(NotFittedError, match="LatentMap is not fitted yet"):
        call(LatentMap())


def test_a_file_whose_landmarks_have_no_width_is_refused(table_map, tmp_path):
    table_map.save(tmp_path / "map.safetensors")
    metadata, arrays = read_model(tmp_path / "map.safetensors")
    radius = next(name for name in arrays if name.endswith("around_mode/radius"))
    write_model(tmp_path / "flat.safetensors", metadata, {**arrays, radius: 0 * arrays[radius]})
    with pytest.raises(ModelFileError, match="a finite width above 0"):
        load_model(tmp_path / "flat.safetensors")


def test_a_fit_that_fails_leaves_the_map_as_it_was(table):
    model = make_map().fit(table[0])
    codes = model.transform(table[0])
    with pytest.raises(DataError):
        model.fit(np.full((50, 3), np.nan))
    assert np.array_equal(model.transform(table[0]), codes)


# -- the complete MNIST ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def all_digits_map(digits_map):
    return load_model(digits_map), load_dataset("mnist"), load_dataset("mnist", "unseen")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_digits(all_digits_map):
    model, fitted, unseen = all_digits_map
    codes = model.transform(unseen)
    accuracy = neighbor_accuracy(codes, unseen.labels, model.transform(fitted), fitted.labels)
    assert accuracy >= 0.965
    assert trustworthiness(unseen, codes) >= 0.967
    back = model.inverse_transform(codes)
    assert (((back - unseen[:]) / 255) ** 2).mean() <= 0.033


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_confident_half_of_all_unseen_digits(all_digits_map):
    model, fitted, unseen = all_digits_map
    is_wrong = misclassified(model, (fitted, fitted.labels), (unseen, unseen.labels))
    assert error_share_of_confident_half(is_wrong, model.confidence(unseen)) <= 0.25
