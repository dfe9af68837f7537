"""What may be a row: real numbers, at least one row, at least one number in it.

The rules look at a shape and a dtype only, so that a file's header is enough to refuse it, and the
values of a source larger than memory are looked at batch by batch, when they are read anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.data.memory import check_memory
from latentmap.errors import DataError

__all__ = [
    "LARGEST",
    "as_labels",
    "as_numbers",
    "check_finite",
    "check_label_memory",
    "check_labels",
    "check_rows",
]

LARGEST = float(np.finfo(np.float32).max)
"""The networks compute in float32."""

_FOUND = {"O": "objects", "U": "text", "S": "bytes", "T": "text", "V": "records"}
_FOUND |= {"M": "dates", "m": "durations", "c": "complex numbers"}


def check_rows(name: str, shape: tuple[int, ...], dtype: Any) -> np.dtype:
    """Give the dtype that rows of this shape and dtype are read as, or refuse them.

    Integers and floats stay what they are, in the machine's byte order; bool becomes uint8, and
    floats of unusual width the nearest of float32 and float64.

    Parameters
    ----------
    name : str
        What the rows come from, for the message.
    shape : tuple of int
        (n, ...), of the whole array.
    dtype : numpy.dtype
        As found.

    Returns
    -------
    numpy.dtype

    Raises
    ------
    DataError
        If these are not rows of real numbers, or there are none.

    Examples
    --------
    >>> check_rows("X", (5, 2), np.dtype(bool))
    dtype('uint8')
    >>> check_rows("X", (5,), np.dtype(float))
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: X: expected rows in two or more dimensions, found shape (5,);
    reshape(-1, 1) makes rows of one number, reshape(1, -1) one row
    """
    dtype = np.dtype(dtype)
    if dtype.kind in _FOUND:
        raise DataError(f"{name}: expected real numbers, found {_FOUND[dtype.kind]} ({dtype})")
    _check_shape(name, shape)
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float32 if dtype.itemsize < 4 else np.float64)
    return dtype.newbyteorder("=")


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    if len(shape) < 2:
        raise DataError(
            f"{name}: expected rows in two or more dimensions, found shape {shape}; "
            "reshape(-1, 1) makes rows of one number, reshape(1, -1) one row"
        )
    if shape[0] < 1:
        raise DataError(f"{name}: expected at least one row, found none (shape {shape})")
    if min(shape) < 1:
        raise DataError(f"{name}: expected at least one number a row, found none (shape {shape})")


def as_numbers(name: str, data: Any) -> np.ndarray:
    """Make an array of a list, an array, or what else NumPy can read, without copying if it can.

    Examples
    --------
    >>> as_numbers("X", [[1, 2], [3]])
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: X: expected rows of one length, found ragged rows
    """
    if isinstance(data, np.ma.MaskedArray):
        raise DataError(f"{name}: expected a plain array, found a masked one; fill its gaps first")
    try:
        array = np.asarray(data)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise DataError(f"{name}: expected an array of numbers, found {error}") from error
        raise DataError(f"{name}: expected rows of one length, found ragged rows") from error
    if array.ndim == 0 and array.dtype == object:
        found = type(data).__name__
        raise DataError(f"{name}: expected rows of numbers, found an object of type {found}")
    return array


def check_finite(
    batch: np.ndarray,
    first_row: int,
    name: str,
    feature_names: list[str] | None = None,
    place: Callable[[int], int] = int,
) -> None:
    """Refuse a batch that holds NaN, infinity or what float32 cannot hold, naming the first place.

    Parameters
    ----------
    batch : ndarray of shape (n, ...)
    first_row : int
        The index of the batch's first row in its source; rows count from 0, as in ``X[17]``.
    name : str
        What the rows come from.
    feature_names : list of str, optional
        The columns' names; without them the column's index is told.
    place : callable
        From the index of a row in its source to the one that is told.

    Raises
    ------
    DataError

    Examples
    --------
    >>> check_finite(np.array([[1.0, 2.0], [3.0, np.nan]]), 16, "rows.npy", ["size", "age"])
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: rows.npy, row 17, column age: expected a finite number, found NaN
    """
    if batch.dtype.kind != "f" or batch.size == 0:
        return
    if batch.min() >= -LARGEST and batch.max() <= LARGEST:  # neither holds where there is NaN
        return
    bad = np.argwhere(~(np.abs(batch) <= LARGEST))
    row, *column = (int(i) for i in bad[0])
    found = batch[tuple(bad[0])]
    expected = "a number up to 3.4e38" if np.isfinite(found) else "a finite number"
    raise DataError(
        f"{name}, row {place(first_row + row)}, column {_column(column, feature_names)}: "
        f"expected {expected}, found {_spelled(found)}"
    )


def _column(place: list[int], feature_names: list[str] | None) -> str:
    if len(place) > 1:
        return str(tuple(place))
    return feature_names[place[0]] if feature_names else str(place[0])


def check_labels(name: str, labels: Any, length: int) -> np.ndarray | None:
    """Give labels as an array, or refuse them where they are not one a row; None stays None.

    Examples
    --------
    >>> check_labels("X", [7, 2], 3)
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: X: expected a label for 3 rows, found (2,)
    """
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.shape != (length,):
        raise DataError(f"{name}: expected a label for {length} rows, found {array.shape}")
    return array


def as_labels(values: Any, name: str = "the data") -> np.ndarray:
    """Make labels of one value a row: whole numbers become int64, everything else text.

    Raises
    ------
    TooLargeError
        If one is so long that an array of texts, all of one width, does not fit into memory.

    Examples
    --------
    >>> as_labels(["3", "10"])
    array([ 3, 10])
    >>> as_labels([1.0, 2.0])
    array([1, 2])
    >>> as_labels(["cat", "dog"])
    array(['cat', 'dog'], dtype='<U3')
    """
    array = np.asarray(values)
    if array.dtype == object:
        check_label_memory(name, max((len(str(value)) for value in array), default=0), len(array))
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        return array.astype(str)
    if array.dtype.kind in "bui":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        return array.astype(np.int64) if _all_whole(array) else array.astype(str)
    text = array.astype(str, copy=False)
    try:
        return text.astype(np.int64)
    except (ValueError, OverflowError):
        return text


def check_label_memory(name: str, longest: int, count: int) -> None:
    """Refuse labels whose array does not fit into memory: each takes as much as the longest.

    Examples
    --------
    >>> check_label_memory("rows.csv", 10**9, 10**9)
    Traceback (most recent call last):
        ...
    latentmap.errors.TooLargeError: rows.csv, labels of up to 1,000,000,000 letters: needs ...
    """
    check_memory(f"{name}, labels of up to {longest:,} letters", 4 * longest * count)


def _all_whole(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all()) and bool((array == np.floor(array)).all())


def _spelled(number: float) -> str:
    return "NaN" if np.isnan(number) else str(number)
