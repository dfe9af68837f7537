"""Check the type, shape and values of rows and labels."""

import contextlib
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from latentmap.data.memory import check_memory
from latentmap.errors import DataError

# Larger numbers overflow in networks, which compute in float32.
MAX_MAGNITUDE = float(np.finfo(np.float32).max)

# Rows of fewer pixels a side are not taken for images with the channels first.
MIN_IMAGE_SIDE = 8

_KIND_NAMES = {"O": "objects", "U": "text", "S": "bytes", "T": "text", "V": "records"}
_KIND_NAMES |= {"M": "dates", "m": "durations", "c": "complex numbers"}


def check_rows(name: str, shape: tuple[int, ...], dtype: DTypeLike) -> np.dtype:
    """Return the type in which rows of a shape and type are read; raise DataError for other data.

    Integers and floats keep their type, in the byte order of the machine. Bool becomes uint8, and
    floats of other widths become float32 or float64. The message starts with ``name``.
    """
    dtype = np.dtype(dtype)
    if dtype.kind in _KIND_NAMES:
        raise DataError(f"{name}: expected real numbers, found {_KIND_NAMES[dtype.kind]} ({dtype})")
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
            "use reshape(-1, 1) for rows of one number or reshape(1, -1) for a single row"
        )
    if shape[0] < 1:
        raise DataError(f"{name}: expected at least one row, found none (shape {shape})")
    if len(shape) == 4 and _is_channels_first(shape):
        raise DataError(
            f"{name}: expected images of shape (n, height, width, channels), found shape {shape} "
            "with the channels first; use numpy.moveaxis(images, 1, -1)"
        )
    if min(shape) < 1:
        raise DataError(
            f"{name}: expected at least one number in each row, found none (shape {shape})"
        )


def _is_channels_first(shape: tuple[int, ...]) -> bool:
    """Return whether the second size is that of channels, and the last two are not.

    Examples
    --------
    >>> _is_channels_first((10, 3, 32, 32)), _is_channels_first((10, 3, 32, 3))
    (True, False)
    """
    _, channels, height, width = shape
    return channels in (1, 3, 4) and min(height, width) >= MIN_IMAGE_SIDE


def as_numbers(name: str, data: ArrayLike) -> np.ndarray:
    """Return data that NumPy can read as an array, without a copy if possible."""
    if isinstance(data, np.ma.MaskedArray):
        raise DataError(
            f"{name}: expected a plain array, found a masked array; fill the masked values first"
        )
    try:
        array = np.asarray(data)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise DataError(f"{name}: expected an array of numbers, found {error}") from error
        raise DataError(f"{name}: expected rows of equal length, found ragged rows") from error
    if array.ndim == 0 and array.dtype == object:
        kind = type(data).__name__
        raise DataError(f"{name}: expected rows of numbers, found an object of type {kind}")
    return array


def as_finite_rows(name: str, data: ArrayLike) -> np.ndarray:
    """Return rows in memory as an array; raise DataError unless they are finite real numbers."""
    array = as_numbers(name, data)
    check_rows(name, array.shape, array.dtype)
    check_finite(array, 0, name)
    return array


def check_finite(
    batch: np.ndarray,
    first_row: int,
    name: str,
    feature_names: list[str] | None = None,
    original_index: Callable[[int], int] = int,
) -> None:
    """Raise DataError if a batch holds NaN, infinity or a number too large for float32.

    The message names the row and the column. ``first_row`` is the index of the first row of the
    batch, and ``original_index`` maps an index to the row number of the opened file or array.
    """
    if batch.dtype.kind != "f" or batch.size == 0:
        return
    # The minimum and the maximum of a batch with NaN are NaN, for which the condition is false.
    if batch.min() >= -MAX_MAGNITUDE and batch.max() <= MAX_MAGNITUDE:
        return
    position = np.argwhere(~(np.abs(batch) <= MAX_MAGNITUDE))[0]
    row, *column = (int(i) for i in position)
    value = batch[tuple(position)]
    expected = "a number up to 3.4e38" if np.isfinite(value) else "a finite number"
    raise DataError(
        f"{name}, row {original_index(first_row + row)}, "
        f"column {_column_text(column, feature_names)}: "
        f"expected {expected}, found {'NaN' if np.isnan(value) else value}"
    )


def check_result(name: str, numbers: np.ndarray) -> np.ndarray:
    """Return numbers that a fitted model computed; raise DataError if one is NaN or infinite."""
    if numbers.size and not np.isfinite(numbers).all():
        raise DataError(
            f"{name}: expected finite numbers from the model, found NaN or infinity: the rows or "
            "codes are too large, or the weights of the model are damaged"
        )
    return numbers


def _column_text(index: list[int], feature_names: list[str] | None) -> str:
    if len(index) > 1:
        return str(tuple(index))
    return feature_names[index[0]] if feature_names else str(index[0])


def check_labels(name: str, labels: ArrayLike | None, length: int) -> np.ndarray | None:
    """Return labels as an array, or None; raise DataError unless there is one for each row."""
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.shape != (length,):
        raise DataError(f"{name}: expected labels of shape ({length},), found {array.shape}")
    return array


def as_labels(values: ArrayLike, name: str = "the data") -> np.ndarray:
    """Convert one value for each row to labels: int64, float64 with NaN if missing, or text.

    Strings are numbers only if all of them are written as integers are. A missing text is "".
    """
    array = np.asarray(values)
    if array.dtype == object:
        array = _from_objects(array, name)
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        return array.astype(str)
    if array.dtype.kind in "bui":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        return array.astype(np.int64 if _are_all_integers(array) else np.float64)
    text = array.astype(str, copy=False)
    try:
        numbers = text.astype(np.int64)
    except (ValueError, OverflowError):
        return text
    return numbers if np.array_equal(numbers.astype(str), text) else text


def missing_labels(labels: np.ndarray) -> np.ndarray:
    """Return a mask of the missing labels: NaN among numbers, and "" among strings."""
    if labels.dtype == object:
        return np.array([value is None or value != value or value == "" for value in labels], bool)
    return np.isnan(labels) if labels.dtype.kind == "f" else labels.astype(str) == ""


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Return objects as numbers if all are numbers or missing, and otherwise as strings."""
    values = [None if value is None or value != value else value for value in array.tolist()]
    if all(value is None or isinstance(value, int | float) for value in values):
        with contextlib.suppress(OverflowError):
            return np.array([np.nan if value is None else value for value in values])
    strings = ["" if value is None else str(value) for value in values]
    check_label_memory(name, max(map(len, strings), default=0), len(strings))
    return np.array(strings, dtype=str)


def check_label_memory(name: str, max_length: int, count: int) -> None:
    """Raise TooLargeError if ``count`` labels, padded to the longest, do not fit into memory."""
    check_memory(f"{name}, labels of up to {max_length:,} letters", 4 * max_length * count)


def _are_all_integers(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all()) and bool((array == np.floor(array)).all())
