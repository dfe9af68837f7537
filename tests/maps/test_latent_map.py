"""The map: faithful, honest, the same each time, whatever the rows."""

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
from latentmap.autoencoders.loading import describe_model
from latentmap.autoencoders.model_file import read_model, write_model
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
from latentmap.networks.dense import DenseNetwork

RNG = np.random.default_rng(0)
SMALL = DenseNetwork(hidden=(32,), activation="relu", principal=False)


def small(n_components=2, **settings):
    return LatentMap(n_components, **{"network": SMALL, "epochs": 3, "random_state": 0, **settings})


def all_finite(model, rows):
    """Everything that a map tells of rows, looked at; gives their codes."""
    codes = model.transform(rows)
    assert np.isfinite(codes).all()
    assert np.isfinite(model.inverse_transform(codes)).all()
    assert np.isfinite(model.reconstruction_error(rows)).all()
    for told in (model.confidence(rows), model.density(codes)):
        assert told.shape == (len(codes),)
        assert ((told >= 0) & (told <= 1)).all()
    assert np.isfinite(list(model.layout_fit_.values())).all()
    assert np.isfinite(model.sample(3)).all()
    return codes


# -- what the tests look at ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    """400 rows of 5 numbers in four groups, and their groups."""
    groups = np.repeat(np.arange(4), 100)
    return 6 * np.eye(4, 5)[groups] + RNG.normal(size=(400, 5)), groups


@pytest.fixture(scope="module")
def of_table(table):
    return small(epochs=30).fit(table[0])


@pytest.fixture(scope="module")
def mnist():
    """2,000 digits to fit and 2,000 unseen ones."""
    parts = load_dataset("mnist"), load_dataset("mnist", "unseen")
    return tuple((part[:2000], part.labels[:2000]) for part in parts)


@pytest.fixture(scope="module")
def of_mnist(mnist):
    return LatentMap(random_state=0).fit(mnist[0][0])


@pytest.fixture(scope="module")
def digits8():
    """Of scikit-learn's digits 1,297 rows to fit and 500 unseen ones."""
    rows, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(rows))
    rows, labels = rows[order], labels[order]
    return (rows[500:], labels[500:]), (rows[:500], labels[:500])


# -- faithful --------------------------------------------------------------------------------------


def test_unseen_digits_are_placed_near_their_class(digits8):
    (fitted, labels), (unseen, unseen_labels) = digits8
    model = LatentMap(random_state=0).fit(fitted)
    codes = model.transform(unseen)
    assert neighbor_accuracy(codes, unseen_labels, model.transform(fitted), labels) > 0.93
    linear = PCA(2).fit(fitted).transform(unseen)
    assert trustworthiness(unseen, codes) > trustworthiness(unseen, linear) + 0.1
    back = model.inverse_transform(codes)
    assert ((back - unseen) ** 2).mean() < 0.6 * unseen.var(axis=0).mean()
    assert model.layout_fit_["r2"] > 0.99
    assert model.layout_fit_["median_shift"] < 0.02


def test_images_unseen(of_mnist, mnist):
    (fitted, labels), (unseen, unseen_labels) = mnist
    codes = of_mnist.transform(unseen)
    assert neighbor_accuracy(codes, unseen_labels, of_mnist.transform(fitted), labels) > 0.77
    assert trustworthiness(unseen, codes) > 0.9
    back = of_mnist.inverse_transform(codes)
    assert back.shape == unseen.shape
    assert back.min() >= 0
    assert back.max() <= 255
    assert (((back - unseen) / 255) ** 2).mean() < 0.045


def test_groups_of_a_table_are_separated(of_table, table):
    rows, groups = table
    assert neighbor_accuracy(of_table.transform(rows), groups) > 0.98
    fresh = 6 * np.eye(4, 5)[groups] + RNG.normal(size=(400, 5))
    codes = of_table.transform(fresh)
    assert neighbor_accuracy(codes, groups, of_table.transform(rows), groups) > 0.97


def test_three_components(table):
    rows, groups = table
    model = small(3, epochs=30).fit(rows)
    codes = all_finite(model, rows)
    assert codes.shape == (400, 3)
    assert model.landmarks_.shape == (100, 3)
    assert neighbor_accuracy(codes, groups) > 0.98


def test_landmarks_of_a_map_cover_its_codes(of_table, table):
    codes = of_table.transform(table[0])
    assert of_table.landmarks_.shape == (100, 2)
    nearest = np.linalg.norm(codes[:, None] - of_table.landmarks_, axis=2).min(axis=1)
    assert np.median(nearest) < 0.1 * codes.std()


# -- the same each time ----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_map(of_table, table):
    rows = table[0]
    again = small(epochs=30).fit(rows)
    assert np.array_equal(again.transform(rows), of_table.transform(rows))
    assert np.array_equal(again.confidence(rows), of_table.confidence(rows))
    assert again.history_["loss"][1:] == of_table.history_["loss"][1:]


def test_another_seed_gives_another_map(of_table, table):
    rows = table[0]
    other = clone(of_table).set_params(random_state=1).fit_transform(rows)
    assert not np.allclose(other, of_table.transform(rows), atol=0.1)


FRESH = """
import hashlib
import numpy as np
from latentmap import LatentMap
from latentmap.networks.dense import DenseNetwork
rows = np.random.default_rng(5).normal(size=(400, 5))
network = DenseNetwork(hidden=(32,), activation="relu", principal=False)
model = LatentMap(network=network, epochs=3, random_state=0).fit(rows)
codes = model.transform(rows)
told = [codes, model.inverse_transform(codes), model.confidence(rows), model.density(codes)]
print(hashlib.sha256(b"".join(part.tobytes() for part in told)).hexdigest())
"""


@pytest.mark.slow
def test_a_fresh_process_makes_the_same_map():
    run = [sys.executable, "-c", FRESH]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    rows = np.random.default_rng(5).normal(size=(400, 5))
    model = small().fit(rows)
    codes = model.transform(rows)
    ours = [codes, model.inverse_transform(codes), model.confidence(rows), model.density(codes)]
    assert hashlib.sha256(b"".join(part.tobytes() for part in ours)).hexdigest() == told


def test_fit_transform_does_not_depend_on_global_random_state(of_table, table):
    keras.utils.set_random_seed(1)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    codes = clone(of_table).fit_transform(table[0])
    assert np.array_equal(codes, of_table.transform(table[0]))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


PARTS = [slice(0, 1), slice(7, 8), slice(1000, 1100), slice(1500, None), slice(None, None, -7)]


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_results_of_a_row_do_not_depend_on_other_rows(part, of_mnist, mnist):
    rows = mnist[1][0]
    codes = of_mnist.transform(rows)
    assert np.array_equal(of_mnist.transform(rows[part]), codes[part])
    assert np.array_equal(of_mnist.confidence(rows[part]), of_mnist.confidence(rows)[part])
    assert np.array_equal(of_mnist.density(codes[part]), of_mnist.density(codes)[part])
    back = of_mnist.inverse_transform(codes)
    assert np.array_equal(of_mnist.inverse_transform(codes[part]), back[part])


def test_a_second_fit_does_not_depend_on_the_first(of_table, table):
    rows = table[0]
    model = clone(of_table).set_params(layout=ROUND).fit(ALONG)
    model.set_params(layout=None).fit(rows)
    assert np.array_equal(model.transform(rows), of_table.transform(rows))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_give_the_same_results(copied, of_table, table):
    rows, again = table[0], copied(of_table)
    codes = of_table.transform(rows)
    assert np.array_equal(again.transform(rows), codes)
    assert np.array_equal(again.inverse_transform(codes), of_table.inverse_transform(codes))
    assert np.array_equal(again.confidence(rows), of_table.confidence(rows))
    assert np.array_equal(again.density(codes), of_table.density(codes))
    assert np.array_equal(again.landmarks_, of_table.landmarks_)
    assert again.layout_fit_ == of_table.layout_fit_
    assert np.array_equal(again.sample(4), of_table.sample(4))


def test_a_loaded_map_gives_the_same_results(of_mnist, mnist, tmp_path):
    rows = mnist[1][0]
    of_mnist.save(tmp_path / "map.safetensors")
    again, codes = load_model(tmp_path / "map.safetensors"), of_mnist.transform(rows)
    assert type(again) is LatentMap
    assert np.array_equal(again.transform(rows), codes)
    assert np.array_equal(again.inverse_transform(codes), of_mnist.inverse_transform(codes))
    assert np.array_equal(again.confidence(rows), of_mnist.confidence(rows))
    assert np.array_equal(again.density(codes), of_mnist.density(codes))
    assert again.layout_fit_ == of_mnist.layout_fit_


def test_a_clone_is_not_fitted(table):
    rows = table[0]
    model = small(layout=rows[:, :2], n_neighbors=7, training=Training(noise=0.0)).fit(rows)
    again = clone(model)
    assert np.array_equal(again.layout, rows[:, :2])
    assert again.n_neighbors == 7
    with pytest.raises(NotFittedError):
        again.transform(rows)
    assert np.array_equal(again.fit(rows).transform(rows), model.transform(rows))


def test_samples_resemble_the_rows(of_mnist, of_table):
    assert of_mnist.sample(5).shape == (5, 28, 28)
    assert np.array_equal(of_mnist.sample(5), of_mnist.sample(5))
    drawn = of_table._draw_codes(300, np.random.RandomState(0))
    assert np.median(of_table.density(drawn)) > 0.5
    assert len(np.unique(of_mnist.sample(5), axis=0)) == 5


def test_output_feature_names(of_table, table):
    assert of_table.get_feature_names_out().tolist() == ["latentmap0", "latentmap1"]
    framed = clone(of_table).set_output(transform="pandas").fit(table[0]).transform(table[0])
    assert framed.columns.tolist() == ["latentmap0", "latentmap1"]


def test_validation_rows_have_their_own_positions(table):
    plan = Training(held_out=0.25, learning_rate=0.01, patience=None)
    history = small(training=plan, epochs=40).fit(table[0]).history_
    assert history["val_loss"][-1] < 0.7 * history["val_loss"][0]


def test_nothing_is_printed_by_default(table, capfd):
    small().fit(table[0])
    assert capfd.readouterr() == ("", "")
    small(verbose=True).fit(table[0])
    shown = capfd.readouterr().err
    for step in ("finding neighbours", "computing the layout", "fitting"):
        assert step in shown


# -- rows of every kind ----------------------------------------------------------------------------

NORMAL = RNG.normal(size=(120, 4))
FAR = NORMAL.copy()
FAR[7] *= 1000

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
    "units apart": NORMAL * [1, 1e3, 1e-3, 1e6],
    "a row far out": FAR,
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


# The preprocessing of all kinds has tests of its own.
@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in FITTED_KINDS else pytest.param(kind, marks=pytest.mark.slow)
        for kind in sorted(KINDS)
    ],
)
def test_every_kind_of_rows_can_be_fitted(kind):
    rows = KINDS[kind]
    model = small().fit(rows)
    codes = all_finite(model, rows)
    assert codes.shape == (len(rows), 2)
    assert model.inverse_transform(codes).shape == rows.shape


@pytest.mark.parametrize(
    ("kind", "n_components"),
    [("one column", 1), ("table", 1), ("all equal", 1), ("one column", 3), ("two rows", 3)],
)
def test_few_columns_in_one_and_three_dimensions(kind, n_components):
    rows = KINDS[kind]
    assert all_finite(small(n_components).fit(rows), rows).shape == (len(rows), n_components)


def test_equal_rows_have_equal_codes():
    codes = small().fit_transform(KINDS["each row three times"])
    assert np.array_equal(codes[::3], codes[1::3])
    assert np.array_equal(codes[::3], codes[2::3])


def test_three_distinct_rows_have_distinct_codes():
    model = small(epochs=200).fit(KINDS["three different rows"])
    codes = model.transform(KINDS["three different rows"][::40])
    gaps = np.linalg.norm(codes - np.roll(codes, 1, axis=0), axis=1)
    assert gaps.min() > 0.2 * gaps.max()
    assert (model.density(codes) > 0.5).all()


@pytest.mark.parametrize("factor", [1000, 1e6])
def test_an_extreme_row_does_not_affect_the_others(factor, table):
    rows, groups = table[0].copy(), table[1]
    rows[0] *= factor
    model = small(epochs=30).fit(rows)
    assert neighbor_accuracy(all_finite(model, rows)[1:], groups[1:]) > 0.95


@pytest.mark.parametrize("factor", [1e3, 1e10, 1e20, 3e37])
def test_extreme_new_rows_have_low_confidence(factor, of_table):
    rows = np.float32(factor) * np.array([[1, -1, 1, 1, 0], [0, 1, 0, 0, -1]], "float32")
    codes = of_table.transform(rows)
    assert np.isfinite(codes).all()
    told = of_table.confidence(rows)
    assert ((told >= 0) & (told < 0.1)).all()


def test_one_row_and_a_source_and_a_frame(of_table, table):
    rows = table[0]
    assert of_table.transform(rows[:1]).shape == (1, 2)
    assert np.array_equal(of_table.transform(ArraySource(rows)), of_table.transform(rows))
    iris = load_iris(as_frame=True).data
    model = small().fit(iris)
    assert model.feature_names_in_.tolist() == iris.columns.tolist()
    assert model.confidence(iris).shape == (150,)


def test_images_are_rows_of_pixels():
    images = KINDS["unit images"]
    ours, flat = small().fit(images), small().fit(images.reshape(120, -1))
    assert np.allclose(ours.transform(images), flat.transform(images.reshape(120, -1)), atol=1e-4)
    assert ours._state.loss == "bernoulli"
    assert small().fit(NORMAL)._state.loss == "gaussian"


# -- sparse rows -----------------------------------------------------------------------------------

TOPICS = RNG.random((4, 60)) ** 6
TOPIC = RNG.integers(0, 4, 400)
COUNTS = RNG.poisson(TOPICS[TOPIC]).astype("float32")


def test_sparse_and_dense_rows_give_the_same_map():
    dense, sparse = small(epochs=30).fit(COUNTS), small(epochs=30).fit(csr_array(COUNTS))
    codes = sparse.transform(COUNTS)
    for make in (csr_array, csr_matrix):
        assert np.array_equal(sparse.transform(make(COUNTS)), codes)
        assert np.array_equal(sparse.confidence(make(COUNTS)), sparse.confidence(COUNTS))
    theirs = dense.transform(COUNTS)
    accuracy = neighbor_accuracy(codes, TOPIC)
    assert accuracy > 0.9
    assert accuracy == pytest.approx(neighbor_accuracy(theirs, TOPIC), abs=0.05)
    assert trustworthiness(COUNTS, codes) == pytest.approx(
        trustworthiness(COUNTS, theirs), abs=0.02
    )


def test_sparse_rows_are_densified_in_batches(monkeypatch):
    monkeypatch.setattr("latentmap.preprocessing.pca_projection.EXACT_NUMBERS", 1 << 14)
    monkeypatch.setattr("latentmap.preprocessing.pca_solvers.BATCH_NUMBERS", 1 << 18)
    monkeypatch.setattr("latentmap.training.preparation.SAMPLE_NUMBERS", 1 << 14)
    monkeypatch.setattr("latentmap.training.loop.CHUNK_STEPS", 4)
    rows, seen = csr_array(RNG.poisson(0.02, (4000, 300)).astype("float32")), []
    toarray = csr_array.toarray

    def watched(matrix, *args, **kwargs):
        seen.append(matrix.shape[0])
        return toarray(matrix, *args, **kwargs)

    monkeypatch.setattr(csr_array, "toarray", watched)
    monkeypatch.setattr(csr_array, "todense", watched)
    monkeypatch.setattr("latentmap.autoencoders.validation.MAX_BLOCKS", 1)
    monkeypatch.setattr("latentmap.maps.layout_extension.MAX_SAMPLE_ROWS", {2: 500})
    model = small(epochs=1).fit(SparseSource(rows))
    assert model.transform(rows).shape == (4000, 2)
    assert 0 < max(seen) <= 1024


PROOF = """
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
    told = subprocess.run([sys.executable, "-c", PROOF], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 0.8e9  # 0.6 are seen; dense, the rows alone add 0.64


# -- layouts of the user's own ---------------------------------------------------------------------

ROUND = RNG.random((400, 2))
ALONG = np.stack([ROUND[:, 0], ROUND[:, 1], ROUND.sum(axis=1), np.sin(3 * ROUND[:, 0])], axis=1)
PLACES = {
    "plane": ROUND,
    "space": np.column_stack([ROUND, ROUND.prod(axis=1)]),
    "tiny": 1e-6 * ROUND,
    "huge": 1e12 * ROUND,
    "metres": [5e5, 5.2e6] + 1e4 * ROUND,
    "degrees": [[7.5, 46.9]] + 0.1 * ROUND,
    "one long side": ROUND * [1000, 1],
}


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in ("metres", "space") else pytest.param(kind, marks=pytest.mark.slow)
        for kind in sorted(PLACES)
    ],
)
def test_a_given_layout_is_learned_with_its_inverse(kind):
    layout = PLACES[kind]
    model = small(layout=layout[:300], epochs=100).fit(ALONG[:300])
    codes = all_finite(model, ALONG)
    assert codes.shape == layout.shape
    assert model.layout_fit_["r2"] > 0.97
    assert model.layout_fit_["median_shift"] < 0.05
    unseen = np.linalg.norm(codes[300:] - layout[300:], axis=1)
    assert np.median(unseen) < 0.06 * np.ptp(layout, axis=0).max()
    back = model.inverse_transform(layout[300:])
    if kind != "one long side":
        assert ((back - ALONG[300:]) ** 2).mean() < 0.1 * ALONG.var(axis=0).mean()
    spread = np.ptp(layout, axis=0)
    landmarks = model.landmarks_
    assert (landmarks >= layout.min(axis=0) - 0.05 * spread).all()
    assert (landmarks <= layout.max(axis=0) + 0.05 * spread).all()


def test_layout_fit_matches_its_definition():
    model = small(layout=PLACES["metres"], epochs=30).fit(ALONG)
    apart = np.linalg.norm(model.transform(ALONG) - PLACES["metres"], axis=1)
    told = model.layout_fit_
    assert told["median_shift"] == pytest.approx(np.median(apart) / 1e4, rel=0.02)
    spread = ((PLACES["metres"] - PLACES["metres"].mean(axis=0)) ** 2).sum()
    assert told["r2"] == pytest.approx(1 - (apart**2).sum() / spread, abs=1e-3)
    told["r2"] = 7
    assert model.layout_fit_["r2"] < 1


def test_a_random_layout_is_not_learned():
    model = small(layout=RNG.permutation(ROUND), epochs=30).fit(ALONG)
    assert model.layout_fit_["r2"] < 0.5


def test_a_layout_of_equal_positions():
    model = small(layout=np.full((400, 2), 7.0)).fit(ALONG)
    assert np.allclose(all_finite(model, ALONG), 7)
    assert np.allclose(model.layout_fit_["median_shift"], 0, atol=1e-5)
    assert model.density([[7.0, 7.0]]) == pytest.approx(1)
    assert model.density([[1e4, 0.0]]) == pytest.approx(0)


@pytest.mark.parametrize("make", [np.asarray, lambda z: z.tolist(), lambda z: z.astype("f4")])
def test_a_layout_may_be_any_array(make):
    model = small(layout=make(ROUND[:120])).fit(ALONG[:120])
    assert model.transform(ALONG).shape == (400, 2)


def test_a_layout_sets_the_number_of_components():
    model = small(2, layout=PLACES["space"]).fit(ALONG)
    assert model.transform(ALONG).shape == (400, 3)
    assert len(model.get_feature_names_out()) == 3


def test_the_layout_is_not_stored_in_the_model_file(tmp_path):
    sizes = []
    for many in (120, 400):
        model = small(layout=ROUND[:many]).fit(ALONG[:many])
        path = tmp_path / f"{many}.safetensors"
        model.save(path)
        assert describe_model(path)["parameters"]["layout"] is None
        again = load_model(path)
        assert again.layout is None
        assert np.array_equal(again.transform(ALONG), model.transform(ALONG))
        sizes.append(path.stat().st_size - 4 * again.landmarks_.shape[0] * 80)
    assert sizes[1] - sizes[0] < 280 * 2 * 8


WRONG_LAYOUTS = {
    "too short": (ROUND[:399], r"layout: expected shape \(400, 2\) or \(400, 3\), .*\(399, 2\)"),
    "one column": (ROUND[:, :1], r"layout: expected shape .* found \(400, 1\)"),
    "four columns": (ALONG, r"layout: expected shape .* found \(400, 4\)"),
    "numbers only": (ROUND[:, 0], r"layout: expected .* found shape \(400,\)"),
    "three dimensions": (ROUND[:, :, None], r"layout: expected shape .* found \(400, 2, 1\)"),
    "a number": (3, "layout: expected"),
    "NaN": (np.where(ROUND > 0.99, np.nan, ROUND), "layout, row .*: expected a finite number"),
    "infinite": (np.where(ROUND > 0.99, np.inf, ROUND), "layout, row .*: expected a finite number"),
    "beyond 32 bits": (1e300 * ROUND, r"layout, row 0, column 0: expected a number up to 3\.4e38"),
    "text": (np.full((400, 2), "a"), "layout: expected real numbers, found text"),
    "numbers as text": (ROUND.astype(str), "layout: expected real numbers, found text"),
    "a word": ("umap", "layout: expected"),
    "complex": (ROUND + 1j, "layout: expected real numbers, found complex numbers"),
    "dates": (np.full((400, 2), np.datetime64("2020-01-01")), "expected real numbers, found dates"),
    "ragged": ([[1, 2], [3]], "layout: expected rows of one length, found ragged rows"),
    "an object": (object(), "layout: expected"),
    "masked": (np.ma.masked_array(ROUND), "layout: expected a plain array, found a masked array"),
}


@pytest.mark.parametrize("kind", sorted(WRONG_LAYOUTS))
def test_invalid_layouts_are_refused(kind):
    layout, told = WRONG_LAYOUTS[kind]
    with pytest.raises(DataError, match=told):
        small(layout=layout).fit(ALONG)


# -- how sure the map is ---------------------------------------------------------------------------


def mistakes(model, fitted, unseen):
    """Tell of which unseen rows the ten nearest fitted codes have another label."""
    votes = KNeighborsClassifier(10).fit(model.transform(fitted[0]), fitted[1])
    return votes.predict(model.transform(unseen[0])) != unseen[1]


def share_in_the_surer_half(wrong, confidence):
    order = np.argsort(-confidence, kind="stable")
    return wrong[order[: len(order) // 2]].sum() / wrong.sum()


def test_confident_digits_have_few_errors(of_mnist, mnist):
    fitted, unseen = mnist
    wrong = mistakes(of_mnist, fitted, (unseen[0][:1000], unseen[1][:1000]))
    assert wrong.sum() > 50
    assert share_in_the_surer_half(wrong, of_mnist.confidence(unseen[0][:1000])) <= 0.25


def blobs(rng):
    """A few soft spots of light."""
    y, x = np.mgrid[:28, :28]
    light = sum(
        np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
        for cy, cx, width in zip(*rng.uniform(0, 28, (2, 6)), rng.uniform(3, 9, 6), strict=True)
    )
    return 255 * light / light.max()


def checkers(rng):
    y, x = np.mgrid[:28, :28] + rng.integers(0, 9, 2)[:, None, None]
    side = rng.integers(1, 8)
    return 255.0 * ((y // side + x // side) % 2)


UNLIKE = {
    "inverted": lambda digits, rng: 255 - digits,
    "shuffled": lambda digits, rng: rng.permuted(digits.reshape(-1, 784), axis=1),
    "noise": lambda digits, rng: rng.integers(0, 256, digits.shape),
    "bright": lambda digits, rng: np.full(digits.shape, 255),
    "blobs": lambda digits, rng: np.stack([blobs(rng) for _ in digits]),
    "checkers": lambda digits, rng: np.stack([checkers(rng) for _ in digits]),
}


@pytest.mark.parametrize("kind", sorted(UNLIKE))
def test_noise_has_low_confidence(kind, of_mnist, mnist):
    digits = mnist[1][0][:200]
    unlike = UNLIKE[kind](digits, np.random.default_rng(0)).astype("uint8").reshape(-1, 28, 28)
    told, usual = of_mnist.confidence(unlike), of_mnist.confidence(digits)
    assert np.median(told) < 0.5 * np.median(usual)
    assert ((told >= 0) & (told <= 1)).all()


def test_faces_have_lower_confidence_than_digits(of_mnist, mnist, faces):
    large = open_data(faces)[:]
    shrunk = [np.asarray(Image.fromarray(face).convert("L").resize((28, 28))) for face in large]
    told = of_mnist.confidence(np.stack(shrunk))
    usual = of_mnist.confidence(mnist[1][0])
    assert np.median(told) < 0.4 * np.median(usual)
    assert np.percentile(told, 90) < np.median(usual)


def test_blended_digits_have_lower_confidence(of_mnist, mnist):
    digits, labels = mnist[1]
    first, second = np.random.default_rng(0).integers(0, 2000, (2, 1000))
    differ = labels[first] != labels[second]
    first, second = first[differ], second[differ]
    blends = (digits[first] / 2 + digits[second] / 2).astype("uint8")
    told, usual = of_mnist.confidence(blends), of_mnist.confidence(digits)
    assert told.mean() < usual[first].mean() - 0.1
    assert told.mean() < usual[second].mean() - 0.1
    assert (told < np.maximum(usual[first], usual[second])).mean() > 0.75


def test_fitted_rows_have_high_confidence(of_mnist, mnist, of_table, table):
    assert np.median(of_mnist.confidence(mnist[0][0])) > 0.7
    assert of_mnist.confidence(mnist[0][0]).mean() > of_mnist.confidence(mnist[1][0]).mean()
    assert np.median(of_table.confidence(table[0])) > 0.5


# -- where data lives ------------------------------------------------------------------------------


def test_density_is_high_at_fitted_rows(of_mnist, mnist):
    codes = of_mnist.transform(mnist[0][0])
    told = of_mnist.density(codes)
    assert told.dtype == np.float32
    assert np.median(told) > 0.95
    assert np.mean(told > 0.2) > 0.95
    assert ((told >= 0) & (told <= 1)).all()


def test_density_is_zero_far_away(of_mnist, mnist):
    codes = of_mnist.transform(mnist[0][0])
    away = np.ptp(codes, axis=0) * [[1, 0], [0, 1], [-1, -1], [1e6, 1e6], [1e30, 0]]
    assert (of_mnist.density(codes.mean(axis=0) + 2 * away) < 1e-6).all()


def test_density_is_low_between_clusters(of_table, table):
    codes = of_table.transform(table[0])
    low, high = codes.min(axis=0), codes.max(axis=0)
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 40).T), axis=-1).reshape(-1, 2)
    apart = np.linalg.norm(grid[:, None] - codes, axis=2).min(axis=1)
    told = of_table.density(grid)
    assert told[apart.argmax()] < 0.1
    assert told[apart.argmin()] > 0.5
    assert np.corrcoef(told, apart)[0, 1] < -0.3


def test_density_of_many_positions_needs_little_memory(of_mnist):
    spots = np.zeros((100_000, 2), "float32")
    tracemalloc.start()
    try:
        assert of_mnist.density(spots).shape == (100_000,)
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()


def test_density_of_no_positions(of_mnist):
    empty = np.empty((0, 2))
    assert of_mnist.density(empty).shape == (0,)
    assert of_mnist.inverse_transform(empty).shape == (0, 28, 28)


@pytest.mark.parametrize("spots", [[[1.0, 2.0, 3.0]], [1.0, 2.0], [["a", "b"]], [[np.nan, 0.0]]])
def test_invalid_positions_are_refused(spots, of_table):
    with pytest.raises(DataError, match="codes"):
        of_table.density(spots)


def test_confidence_takes_rows_like_the_fitted_ones(of_table, of_mnist):
    with pytest.raises(DataError, match="expecting 5 features"):
        of_table.confidence(np.zeros((3, 4)))
    with pytest.raises(DataError, match="row 1, column 2"):
        of_table.confidence([[0] * 5, [0, 0, np.nan, 0, 0]])


# -- wrong settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_components": 4}, "n_components: expected 1, 2 or 3, found 4"),
        ({"n_components": 0}, "n_components: expected an integer from 1 up, found 0"),
        ({"n_components": 2.0}, "n_components: expected an integer from 1 up, found 2.0"),
        ({"n_components": True}, "n_components: expected"),
        ({"n_components": "2"}, "n_components: expected"),
        ({"n_neighbors": 0}, "n_neighbors: expected an integer from 1 up, found 0"),
        ({"n_neighbors": -3}, "n_neighbors: expected"),
        ({"n_neighbors": True}, "n_neighbors: expected"),
        ({"n_neighbors": "x"}, "n_neighbors: expected"),
        ({"n_neighbors": 1e9}, "n_neighbors: expected"),
        ({"n_neighbors": 2.5}, "n_neighbors: expected"),
        ({"n_neighbors": None}, "n_neighbors: expected"),
        ({"network": "dens"}, "unknown network 'dens', did you mean 'dense'"),
        ({"network": None}, "network: expected"),
        ({"loss": "mze"}, "unknown loss 'mze', did you mean 'mse'"),
        ({"loss": 3}, "loss: expected"),
        ({"loss": lambda rows, outputs: rows - outputs}, "loss: expected one number a row"),
        ({"scaling": "unitt"}, "unknown scaling 'unitt', did you mean 'unit'"),
        ({"scaling": None}, "scaling: expected"),
        ({"training": Training(noise=-1)}, "noise: expected a number from 0 to 1, found -1"),
        ({"training": Training(noise=float("nan"))}, "noise: expected"),
        ({"epochs": 0}, "epochs: expected 'auto' or an integer above 0, found 0"),
        ({"epochs": "x"}, "epochs: expected"),
        ({"training": "fast"}, "training: expected a Training or None"),
        ({"training": Training(batch_size=0)}, "batch_size: expected"),
        ({"random_state": "x"}, "random_state: "),
    ],
)
def test_settings_outside_their_range(settings, told):
    with pytest.raises(SettingError, match=told) as caught:
        small(**settings).fit(NORMAL)
    assert isinstance(caught.value, LatentmapError)
    assert "\n" not in str(caught.value)


def test_a_pair_of_models_is_refused():
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    with pytest.raises(SettingError, match="a pair of Keras models is possible with"):
        small(network=(encoder, decoder)).fit(NORMAL)


def test_convolutions_take_images_only():
    with pytest.raises(DataError, match="the network 'conv' takes images"):
        small(network="conv").fit(NORMAL)


def test_more_neighbours_than_rows():
    most = small(n_neighbors=10**9).fit(NORMAL).transform(NORMAL)
    assert np.array_equal(small(n_neighbors=39).fit(NORMAL).transform(NORMAL), most)


@pytest.mark.parametrize(
    "look",
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
def test_methods_need_a_fitted_map(look):
    with pytest.raises(NotFittedError, match="LatentMap is not fitted yet"):
        look(LatentMap())


def test_a_file_whose_landmarks_have_no_width_is_refused(of_table, tmp_path):
    of_table.save(tmp_path / "map.safetensors")
    about, arrays = read_model(tmp_path / "map.safetensors")
    radius = next(name for name in arrays if name.endswith("around_mode/radius"))
    write_model(tmp_path / "flat.safetensors", about, {**arrays, radius: 0 * arrays[radius]})
    with pytest.raises(ModelFileError, match="a width above 0"):
        load_model(tmp_path / "flat.safetensors")


def test_a_fit_that_fails_leaves_the_map_as_it_was(table):
    model = small().fit(table[0])
    codes = model.transform(table[0])
    with pytest.raises(DataError):
        model.fit(np.full((50, 3), np.nan))
    assert np.array_equal(model.transform(table[0]), codes)


# -- all of MNIST ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(digits_map):
    return load_model(digits_map), load_dataset("mnist"), load_dataset("mnist", "unseen")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_digits(whole):
    model, fitted, unseen = whole
    codes = model.transform(unseen)
    accuracy = neighbor_accuracy(codes, unseen.labels, model.transform(fitted), fitted.labels)
    assert accuracy >= 0.965
    assert trustworthiness(unseen, codes) >= 0.967
    back = model.inverse_transform(codes)
    assert (((back - unseen[:]) / 255) ** 2).mean() <= 0.033


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_confident_half_of_all_unseen_digits(whole):
    model, fitted, unseen = whole
    wrong = mistakes(model, (fitted, fitted.labels), (unseen, unseen.labels))
    assert share_in_the_surer_half(wrong, model.confidence(unseen)) <= 0.25
