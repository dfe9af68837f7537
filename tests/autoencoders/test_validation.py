"""Tests of the rows and codes that estimators accept or refuse."""

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


def make_estimator(n_components=2):
    return AutoEncoder(n_components, network=LinearNetwork(), epochs=1, random_state=0)


# -- types of rows ---------------------------------------------------------------------------------


class RecordingSource(Source):
    """Source that records the largest number of rows read at once."""

    def __init__(self, rows, feature_names=None):
        self.rows, self.feature_names, self.max_rows_read = rows, feature_names, 0
        self.row_shape, self.dtype, self.name = rows.shape[1:], rows.dtype, "recorded"

    def __len__(self):
        return len(self.rows)

    def load(self):
        return self

    def take(self, indices):
        self.max_rows_read = max(self.max_rows_read, len(indices))
        return self.rows[np.asarray(indices, dtype=int)]


@pytest.mark.parametrize(
    "data",
    [
        ROWS.tolist(),
        tuple(map(tuple, ROWS)),
        ROWS.astype(np.float32),
        np.asfortranarray(ROWS),
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS, columns=list("abcd")),
        ArraySource(ROWS),
        RecordingSource(ROWS),
        scipy.sparse.csr_array(ROWS),
        scipy.sparse.lil_matrix(ROWS),
        pd.DataFrame.sparse.from_spmatrix(scipy.sparse.csc_array(ROWS), columns=list("abcd")),
        SparseSource(scipy.sparse.coo_array(ROWS)),
    ],
    ids=lambda data: type(data).__name__,
)
def test_all_types_of_rows_give_the_same_codes(data):
    model = make_estimator().set_params(scaling="standard")  # "auto" standardises data frames.
    expected = model.fit(ROWS).transform(ROWS)
    assert np.allclose(model.fit(data).transform(data), expected, atol=1e-5)


def test_source_larger_than_memory_is_read_in_parts(digits, monkeypatch, set_memory_use):
    monkeypatch.setattr(RecordingSource, "fits_in_memory", lambda self: False)
    set_memory_use(row_sample=1 << 20)
    set_memory_use(pca_sample=4 << 20)
    source = RecordingSource(np.repeat(digits, 160, axis=0))
    codes = make_estimator().fit(source).transform(source)
    assert codes.shape == (80_000, 2)
    assert source.max_rows_read < len(source)
    assert np.array_equal(codes[:160], np.repeat(codes[:1], 160, axis=0))


def test_nested_lists_are_accepted_as_images():
    images = np.arange(60.0).reshape(10, 2, 3) ** 1.5
    model = make_estimator().fit(images.tolist())
    assert model.row_shape_ == (2, 3)
    assert np.allclose(model.transform(images), make_estimator().fit(images).transform(images))


def test_transform_accepts_flattened_images():
    images = RNG.normal(size=(20, 2, 3))
    model = make_estimator().fit(images)
    assert np.array_equal(model.transform(images.reshape(20, 6)), model.transform(images))
    assert model.inverse_transform(model.transform(images.reshape(20, 6))).shape == (20, 2, 3)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float16", "float64", ">f4"])
def test_all_real_dtypes_are_accepted(dtype):
    rows = (RNG.normal(size=(30, 4)) * 3).astype(dtype)
    model = make_estimator(4).fit(rows)
    reconstructed = model.inverse_transform(model.transform(rows))
    assert reconstructed.dtype == np.float32
    assert np.allclose(reconstructed, rows.astype(float), atol=0.01)


# -- feature names ---------------------------------------------------------------------------------


def test_feature_names_of_a_data_frame_are_stored(iris, table_model):
    assert table_model.feature_names_in_.tolist() == iris.columns.tolist()
    source = ArraySource(iris.to_numpy(), feature_names=list(iris.columns))
    assert np.array_equal(table_model.transform(source), table_model.transform(iris))


def test_columns_in_another_order_are_refused(iris, table_model):
    reordered = iris[iris.columns[::-1]]
    with pytest.raises(DataError, match="feature names"):
        table_model.transform(reordered)
    names = list(reordered.columns)
    with pytest.raises(DataError, match=r"expected the columns sepal l, .* in another order"):
        table_model.transform(ArraySource(reordered.to_numpy(), feature_names=names))
    names = ["age", *iris.columns[1:]]
    with pytest.raises(DataError, match="no 'sepal l', 'age'"):
        table_model.transform(ArraySource(iris.to_numpy(), feature_names=names))


def test_second_fit_without_names_removes_the_feature_names():
    model = make_estimator().fit(pd.DataFrame(ROWS, columns=list("abcd")))
    for data in (ROWS, ROWS.reshape(30, 2, 2), ArraySource(ROWS)):
        second_fit = make_estimator().fit(pd.DataFrame(ROWS, columns=list("abcd"))).fit(data)
        assert not hasattr(second_fit, "feature_names_in_")
    assert hasattr(model, "feature_names_in_")


# -- invalid rows ----------------------------------------------------------------------------------

INVALID_ROWS = {
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
    "None": (None, "Expected 2D array, got scalar array instead$"),
    "a path": ("rows.csv", r"found the path 'rows.csv'; .*open_data\('rows.csv'\) opens it$"),
    "complex": (ROWS * 1j, "Complex data not supported"),
    "dates": (np.full((4, 2), np.datetime64("2024-01-01")), "DType|dates|numbers"),
    "sparse in three dimensions": (scipy.sparse.coo_array(ROWS.reshape(-1, 2, 2)), "sparse rows"),
    "sparse and NaN": (SPARSE * np.nan, "row 0, column 2: .* found NaN"),
    "sparse and complex": (SPARSE * 1j, "^Complex data not supported$"),
    "images of NaN": (np.full((4, 2, 2), np.nan), r"row 0, column \(0, 0\): .* found NaN"),
    "images of text": (np.full((4, 2, 2), "a"), "expected real numbers, found text"),
}


@pytest.mark.parametrize("kind", sorted(INVALID_ROWS))
def test_fit_refuses_invalid_rows(kind):
    rows, message = INVALID_ROWS[kind]
    with pytest.raises(DataError, match=message) as raised:
        make_estimator().fit(rows)
    assert isinstance(raised.value, ValueError)
    assert "\n" not in str(raised.value)


def test_rows_of_objects_raise_row_type_error():
    with pytest.raises(RowTypeError):
        make_estimator().fit(INVALID_ROWS["objects"][0])


@pytest.fixture(scope="module")
def fitted():
    return make_estimator().fit(ROWS)


@pytest.mark.parametrize("kind", sorted(set(INVALID_ROWS) - {"one row", "one image"}))
@pytest.mark.parametrize("method", ["transform", "score"])
def test_transform_and_score_refuse_invalid_rows(kind, method, fitted):
    with pytest.raises(DataError):
        getattr(fitted, method)(INVALID_ROWS[kind][0])


def test_single_row_can_be_transformed(fitted):
    assert np.array_equal(fitted.transform(ROWS[:1]), fitted.transform(ROWS)[:1])


@pytest.mark.parametrize(
    "rows", [ROWS[:, :3], np.ones((2, 5)), ArraySource(ROWS[:, :3]), SPARSE.tocsr()[:, :3]]
)
def test_other_number_of_features_is_refused(rows, fitted):
    message = f"X has {rows[:].shape[1]} features, but AutoEncoder"
    with pytest.raises(DataError, match=f"{message} is expecting 4 features as input"):
        fitted.transform(rows)


def test_images_of_another_size_are_refused(image_model):
    with pytest.raises(DataError, match=r"X has 81 features, .* in rows of shape \(8, 8\)"):
        image_model.transform(np.zeros((3, 9, 9)))


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.ones((3, 3)), r"codes: expected shape \(n, 2\), found \(3, 3\)"),
        (np.ones(2), r"expected shape \(n, 2\), found \(2,\)"),
        ([[1.0, 2.0], [3.0]], "expected an array of real numbers"),
        ([["a", "b"]], "expected an array of real numbers"),
        ([[1.0, np.nan]], "codes, row 0: expected finite numbers"),
        ([[0.0, 0.0], [1.0, np.inf]], "codes, row 1: expected finite numbers"),
        (None, r"expected shape \(n, 2\)"),
    ],
)
def test_invalid_codes_are_refused(codes, message, fitted):
    with pytest.raises(DataError, match=message):
        check_codes(codes, 2)
    with pytest.raises(LatentmapError, match=message):
        fitted.inverse_transform(codes)
