"""What estimators take as rows, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from latentmap import AutoEncoder
from latentmap.data.code_checks import check_codes
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource
from latentmap.errors import DataError, LatentmapError, RowTypeError
from latentmap.networks.dense import LinearNetwork

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(30, 4))
SPARSE = scipy.sparse.coo_array(np.where(np.arange(4) == 2, ROWS, 0.0))


def quick(n_components=2):
    return AutoEncoder(n_components, network=LinearNetwork(), epochs=1, random_state=0)


# -- the same rows, however they are given ---------------------------------------------------------


class Elsewhere(Source):
    """Rows that are in no array; it remembers the most rows that were read at once."""

    def __init__(self, rows, feature_names=None):
        self.rows, self.feature_names, self.most = rows, feature_names, 0
        self.row_shape, self.dtype, self.name = rows.shape[1:], rows.dtype, "elsewhere"

    def __len__(self):
        return len(self.rows)

    def load(self):
        return self

    def take(self, indices):
        self.most = max(self.most, len(indices))
        return self.rows[np.asarray(indices, dtype=int)]


@pytest.mark.parametrize(
    "given",
    [
        ROWS.tolist(),
        tuple(map(tuple, ROWS)),
        ROWS.astype(np.float32),
        np.asfortranarray(ROWS),
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS, columns=list("abcd")),
        ArraySource(ROWS),
        Elsewhere(ROWS),
        scipy.sparse.csr_array(ROWS),
        scipy.sparse.lil_matrix(ROWS),
        pd.DataFrame.sparse.from_spmatrix(scipy.sparse.csc_array(ROWS), columns=list("abcd")),
        SparseSource(scipy.sparse.coo_array(ROWS)),
    ],
    ids=lambda given: type(given).__name__,
)
def test_all_ways_to_give_rows_are_equal(given):
    expected = quick().fit(ROWS).transform(ROWS)
    assert np.allclose(quick().fit(given).transform(given), expected, atol=1e-5)


def test_a_source_larger_than_memory_is_read_in_parts(digits, monkeypatch, set_memory_use):
    monkeypatch.setattr(Elsewhere, "fits_in_memory", lambda self: False)
    set_memory_use(row_sample=1 << 20)
    set_memory_use(pca_sample=4 << 20)
    source = Elsewhere(np.repeat(digits, 160, axis=0))
    codes = quick().fit(source).transform(source)
    assert codes.shape == (80_000, 2)
    assert source.most < len(source)
    assert np.array_equal(codes[:160], np.repeat(codes[:1], 160, axis=0))


def test_lists_of_images():
    images = np.arange(60.0).reshape(10, 2, 3) ** 1.5
    model = quick().fit(images.tolist())
    assert model.row_shape_ == (2, 3)
    assert np.allclose(model.transform(images), quick().fit(images).transform(images))


def test_images_may_come_flat_later():
    images = RNG.normal(size=(20, 2, 3))
    model = quick().fit(images)
    assert np.array_equal(model.transform(images.reshape(20, 6)), model.transform(images))
    assert model.inverse_transform(model.transform(images.reshape(20, 6))).shape == (20, 2, 3)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float16", "float64", ">f4"])
def test_any_real_numbers(dtype):
    rows = (RNG.normal(size=(30, 4)) * 3).astype(dtype)
    model = quick(4).fit(rows)
    back = model.inverse_transform(model.transform(rows))
    assert back.dtype == np.float32
    assert np.allclose(back, rows.astype(float), atol=0.01)


# -- names -----------------------------------------------------------------------------------------


def test_names_of_columns_are_kept(iris, table_model):
    assert table_model.feature_names_in_.tolist() == iris.columns.tolist()
    named = ArraySource(iris.to_numpy(), feature_names=list(iris.columns))
    assert np.array_equal(table_model.transform(named), table_model.transform(iris))


def test_another_order_of_columns_is_refused(iris, table_model):
    turned = iris[iris.columns[::-1]]
    with pytest.raises(DataError, match="feature names"):
        table_model.transform(turned)
    names = list(turned.columns)
    with pytest.raises(DataError, match=r"expected the columns sepal l, .* in another order"):
        table_model.transform(ArraySource(turned.to_numpy(), feature_names=names))
    names = ["age", *iris.columns[1:]]
    with pytest.raises(DataError, match="no 'sepal l', 'age'"):
        table_model.transform(ArraySource(iris.to_numpy(), feature_names=names))


def test_fitting_again_forgets_names():
    model = quick().fit(pd.DataFrame(ROWS, columns=list("abcd")))
    for given in (ROWS, ROWS.reshape(30, 2, 2), ArraySource(ROWS)):
        again = quick().fit(pd.DataFrame(ROWS, columns=list("abcd"))).fit(given)
        assert not hasattr(again, "feature_names_in_")
    assert hasattr(model, "feature_names_in_")


# -- refused ---------------------------------------------------------------------------------------

BAD = {
    "NaN": (np.where(np.arange(4) == 2, np.nan, ROWS), "row 0, column 2: .* found NaN"),
    "infinity": (np.where(ROWS[3, 1] == ROWS, np.inf, ROWS), "row 3, column 1: .* found inf"),
    "beyond float32": (np.where(ROWS[3, 1] == ROWS, 1e39, ROWS), "row 3, column 1: .* 1e\\+39"),
    "strings": ([["a", "b"], ["c", "d"]], "strings"),
    "objects": (np.array([[{}, 1], [2, 3]], dtype=object), "must be .*number"),
    "1-D": ([1.0, 2.0, 3.0], "expected a 2D array"),
    "ragged": ([[1.0, 2.0], [3.0]], "ragged"),
    "empty": (np.empty((0, 4)), "0 sample"),
    "no columns": (np.empty((4, 0)), "0 feature"),
    "one row": (ROWS[:1], "1 sample"),
    "one image": (ROWS[:1].reshape(1, 2, 2), "1 sample"),
    "a number": (3.0, "Expected 2D array, got scalar array instead$"),
    "nothing": (None, "Expected 2D array, got scalar array instead$"),
    "a path": ("rows.csv", "Expected 2D array, got scalar array instead$"),
    "complex": (ROWS * 1j, "Complex data not supported"),
    "dates": (np.full((4, 2), np.datetime64("2024-01-01")), "DType|dates|numbers"),
    "sparse in three dimensions": (scipy.sparse.coo_array(ROWS.reshape(-1, 2, 2)), "sparse rows"),
    "sparse and NaN": (SPARSE * np.nan, "row 0, column 2: .* found NaN"),
    "sparse and complex": (SPARSE * 1j, "^Complex data not supported$"),
    "images of NaN": (np.full((4, 2, 2), np.nan), r"row 0, column \(0, 0\): .* found NaN"),
    "images of text": (np.full((4, 2, 2), "a"), "expected real numbers, found text"),
}


@pytest.mark.parametrize("kind", sorted(BAD))
def test_rows_that_cannot_be_fitted(kind):
    rows, told = BAD[kind]
    with pytest.raises(DataError, match=told) as caught:
        quick().fit(rows)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_things_that_are_no_numbers_are_type_errors_too():
    with pytest.raises(RowTypeError):
        quick().fit(BAD["objects"][0])


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(ROWS)


@pytest.mark.parametrize("kind", sorted(set(BAD) - {"one row", "one image"}))
@pytest.mark.parametrize("method", ["transform", "score"])
def test_rows_that_cannot_be_encoded(kind, method, fitted):
    with pytest.raises(DataError):
        getattr(fitted, method)(BAD[kind][0])


def test_one_row_can_be_encoded(fitted):
    assert np.array_equal(fitted.transform(ROWS[:1]), fitted.transform(ROWS)[:1])


@pytest.mark.parametrize(
    "rows", [ROWS[:, :3], np.ones((2, 5)), ArraySource(ROWS[:, :3]), SPARSE.tocsr()[:, :3]]
)
def test_another_number_of_features(rows, fitted):
    told = f"X has {rows[:].shape[1]} features, but AutoEncoder"
    with pytest.raises(DataError, match=f"{told} is expecting 4 features as input"):
        fitted.transform(rows)


def test_images_of_another_size(image_model):
    with pytest.raises(DataError, match=r"X has 81 features, .* in rows of shape \(8, 8\)"):
        image_model.transform(np.zeros((3, 9, 9)))


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (np.ones((3, 3)), r"codes: expected shape \(n, 2\), found \(3, 3\)"),
        (np.ones(2), r"expected shape \(n, 2\), found \(2,\)"),
        ([[1.0, 2.0], [3.0]], "expected an array of numbers"),
        ([["a", "b"]], "expected an array of numbers"),
        ([[1.0, np.nan]], "codes, row 0: expected finite numbers"),
        ([[0.0, 0.0], [1.0, np.inf]], "codes, row 1: expected finite numbers"),
        (None, r"expected shape \(n, 2\)"),
    ],
)
def test_codes_that_cannot_be_decoded(codes, told, fitted):
    with pytest.raises(DataError, match=told):
        check_codes(codes, 2)
    with pytest.raises(LatentmapError, match=told):
        fitted.inverse_transform(codes)
