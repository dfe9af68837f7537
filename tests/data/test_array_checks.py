import re

import numpy as np
import pytest

from latentmap.data.array_checks import (
    as_labels,
    as_numbers,
    check_finite,
    check_rows,
    missing_labels,
)
from latentmap.errors import DataError


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (
            np.zeros(5),
            "X: expected rows in two or more dimensions, found shape (5,); use reshape(-1, 1)",
        ),
        (np.float64(3), "X: expected rows in two or more dimensions, found shape ()"),
        (np.zeros((0, 4)), "X: expected at least one row, found none (shape (0, 4))"),
        (
            np.zeros((4, 0)),
            "X: expected at least one number in each row, found none (shape (4, 0))",
        ),
        (np.zeros((2, 2), complex), "X: expected real numbers, found complex numbers (complex128)"),
        (np.array([["a"]]), "X: expected real numbers, found text (<U1)"),
        (np.array([[None]]), "X: expected real numbers, found objects (object)"),
        (np.zeros((2, 2), "M8[s]"), "X: expected real numbers, found dates (datetime64[s])"),
        (np.zeros((2, 2), "i4,i4"), "X: expected real numbers, found records"),
    ],
)
def test_data_that_are_not_rows_of_numbers_raise(array, sentence):
    with pytest.raises(DataError, match="^" + re.escape(sentence)):
        check_rows("X", array.shape, array.dtype)


@pytest.mark.parametrize("kind", ["u1", "i2", "i8", "u8", "f4", "f8"])
def test_standard_types_are_not_changed(kind):
    assert check_rows("X", (2, 2), np.dtype(kind)) == np.dtype(kind)


def test_masked_arrays_raise():
    with pytest.raises(DataError, match="found a masked array"):
        as_numbers("X", np.ma.masked_array([[1, 2]], mask=[[True, False]]))


def test_message_gives_the_type_of_another_object():
    with pytest.raises(DataError, match="expected rows of numbers, found an object of type set"):
        as_numbers("X", {1, 2})


def test_finite_batches_pass():
    check_finite(np.ones((3, 2)), 0, "X")
    check_finite(np.array([[1, 2]]), 0, "X")
    check_finite(np.full((2, 2), 3e38, np.float32), 0, "X")  # finite, though its sum is not


@pytest.mark.parametrize(
    ("batch", "names", "place"),
    [
        (np.array([[1, 2], [3, np.inf]]), ["a", "b"], "row 101, column b: .* found inf"),
        (np.array([[1, -np.inf], [np.nan, 3]]), None, "row 100, column 1: .* found -inf"),
        (np.array([[[0.0, 1.0], [np.nan, 1]]]), None, r"row 100, column \(1, 0\): .* found NaN"),
    ],
)
def test_message_names_the_first_invalid_value(batch, names, place):
    with pytest.raises(DataError, match="^rows.npy, " + place):
        check_finite(batch, 100, "rows.npy", names)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (np.array([1, 2], np.uint8), [1, 2]),
        ([True, False], [1, 0]),
        (np.array([2**64 - 1, 3], np.uint64), ["18446744073709551615", "3"]),
        ([1.0, 2.0], [1, 2]),
        ([1.5, 2.0], [1.5, 2.0]),
        (["7", "-8"], [7, -8]),
        (["7", "08"], ["7", "08"]),
        (["7", "1_1"], ["7", "1_1"]),
        (["7", "x"], ["7", "x"]),
        (np.array(["7", None, 3], object), ["7", "", "3"]),
    ],
)
def test_labels_are_numbers_or_text_as_written(found, expected):
    labels = as_labels(found)
    assert labels.tolist() == expected
    assert labels.dtype in (np.int64, np.float64) or labels.dtype.kind == "U"


def test_gaps_in_labels():
    numbers = as_labels(np.array([1, None, 3], object))
    assert numbers.dtype == np.float64
    assert missing_labels(numbers).tolist() == [False, True, False]
    assert missing_labels(as_labels([float("nan"), 1.0])).tolist() == [True, False]
    assert missing_labels(as_labels(["a", "", "b"])).tolist() == [False, True, False]
    assert missing_labels(np.array(["a", None, np.nan], object)).tolist() == [False, True, True]
    assert not missing_labels(as_labels([1, 2])).any()


@pytest.mark.parametrize("shape", [(5, 3, 32, 32), (5, 1, 28, 28), (5, 4, 8, 9)])
def test_channels_first_are_an_error_with_the_fix(shape):
    with pytest.raises(DataError, match=r"channels first; use numpy.moveaxis\(images, 1, -1\)"):
        check_rows("X", shape, np.uint8)


@pytest.mark.parametrize("shape", [(5, 32, 32, 3), (5, 3, 32, 3), (5, 3, 4, 5), (5, 2, 32, 32)])
def test_other_shapes_of_four_dimensions_are_accepted(shape):
    assert check_rows("X", shape, np.uint8) == np.uint8
