"""Checks of index arrays that come from files or callers.

The compiled code of SciPy, faiss and Arrow does not check whether an index is in range. A wrong
index crashes the process or returns unrelated memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.errors import DataError, LatentmapError

if TYPE_CHECKING:
    import pyarrow as pa


def check_indices(
    name: str,
    indices: ArrayLike,
    size: int,
    low: int = 0,
    error: type[LatentmapError] = DataError,
) -> np.ndarray:
    """Return indices as an array; raise ``error`` unless all are integers from low to size − 1.

    Examples
    --------
    >>> check_indices("neighbors", [0, 7], 5)
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: neighbors: expected integers from 0 to 4, found 7
    """
    array = np.asarray(indices)
    if array.size == 0:
        return array.astype(np.intp)
    if array.dtype.kind not in "iu":
        raise error(f"{name}: expected integers, found {array.dtype}")
    lowest, highest = int(array.min()), int(array.max())
    if lowest < low or highest >= size:
        wrong_index = lowest if lowest < low else highest
        raise error(f"{name}: expected integers from {low} to {size - 1}, found {wrong_index}")
    return array


def check_offsets(
    name: str,
    offsets: ArrayLike,
    count: int,
    total: int,
    error: type[LatentmapError] = DataError,
) -> np.ndarray:
    """Return the offsets of ``count`` groups of values, shape (count + 1,).

    Group i holds the values from ``offsets[i]`` up to ``offsets[i + 1]``. Raise ``error`` unless
    the offsets are integers that start at 0, never decrease, and end at most at ``total``.

    Examples
    --------
    >>> check_offsets("indptr", [0, 2, 1], 2, 2)
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: indptr: expected offsets that never decrease, found 2 before 1
    """
    array = np.asarray(offsets)
    if array.shape != (count + 1,):
        raise error(f"{name}: expected {count + 1} offsets, found shape {array.shape}")
    array = check_indices(name, array, total + 1, error=error)
    if array[0] != 0:
        raise error(f"{name}: expected offsets that start at 0, found {array[0]}")
    decreases = np.flatnonzero(array[1:] < array[:-1])
    if len(decreases):
        first, second = array[decreases[0] : decreases[0] + 2]
        raise error(f"{name}: expected offsets that never decrease, found {first} before {second}")
    return array


def check_sparse(name: str, matrix: Any, error: type[LatentmapError] = DataError) -> None:
    """Raise ``error`` if an index array of a two-dimensional SciPy matrix or array is invalid.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> matrix = csr_array([[1.0, 0.0], [0.0, 2.0]])
    >>> matrix.indices[1] = 1_000_000
    >>> check_sparse("the matrix", matrix)
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: the matrix, indices: expected integers from 0 to 1, found 1000000
    """
    n_rows, n_columns = matrix.shape
    if matrix.format in ("csr", "csc", "bsr"):
        data = _check_axes(f"{name}, data", matrix.data, 3 if matrix.format == "bsr" else 1, error)
        height, width = data.shape[1:] if matrix.format == "bsr" else (1, 1)
        if 0 in (height, width) or n_rows % height or n_columns % width:
            raise error(
                f"{name}: expected blocks that divide the shape {matrix.shape}, found blocks of "
                f"shape {data.shape[1:]}"
            )
        sizes = (n_rows // height, n_columns // width)
        n_groups, size = sizes[::-1] if matrix.format == "csc" else sizes
        indices = _check_axes(f"{name}, indices", matrix.indices, 1, error)
        check_indices(f"{name}, indices", indices, size, error=error)
        check_offsets(f"{name}, indptr", matrix.indptr, n_groups, len(indices), error)
        _check_lengths(name, (indices, data), error)
    elif matrix.format == "coo":
        coords = getattr(matrix, "coords", None) or (matrix.row, matrix.col)
        if len(coords) != 2:
            raise error(f"{name}: expected the indices of two axes, found {len(coords)}")
        arrays = [
            _check_axes(f"{name}, {axis}", array, 1, error)
            for axis, array in zip(("row", "col", "data"), (*coords, matrix.data), strict=True)
        ]
        check_indices(f"{name}, row", arrays[0], n_rows, error=error)
        check_indices(f"{name}, col", arrays[1], n_columns, error=error)
        _check_lengths(name, arrays, error)
    elif matrix.format == "dok":
        keys = [*matrix.keys()]
        if not all(isinstance(key, tuple) and len(key) == 2 for key in keys):
            raise error(f"{name}: expected a row and a column as the key of each value")
        for axis, axis_indices in enumerate(zip(*keys, strict=True)):
            check_indices(f"{name}, axis {axis}", axis_indices, matrix.shape[axis], error=error)
    elif matrix.format == "dia":
        offsets = _check_axes(f"{name}, offsets", matrix.offsets, 1, error)
        check_indices(f"{name}, offsets", offsets, 2**31 - 1, -(2**31), error)
        _check_lengths(name, (offsets, _check_axes(f"{name}, data", matrix.data, 2, error)), error)
    else:
        for key, lists in (("rows", matrix.rows), ("data", matrix.data)):
            is_array = isinstance(lists, np.ndarray) and lists.shape == (n_rows,)
            if not is_array or not all(isinstance(values, list) for values in lists):
                raise error(f"{name}, {key}: expected an array of {n_rows} lists")
        for columns, values in zip(matrix.rows, matrix.data, strict=True):
            check_indices(f"{name}, columns", columns, n_columns, error=error)
            _check_lengths(name, (columns, values), error)


def _check_axes(name: str, array: Any, ndim: int, error: type[LatentmapError]) -> np.ndarray:
    shape = array.shape if isinstance(array, np.ndarray) else ()
    if len(shape) != ndim:
        raise error(f"{name}: expected an array with {ndim} axes, found shape {shape}")
    return array


def _check_lengths(name: str, arrays: Sequence[Any], error: type[LatentmapError]) -> None:
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        text = " and ".join(map(str, lengths))
        raise error(f"{name}: expected one value for each index, found arrays of length {text}")


def check_arrow(name: str, table: pa.Table, error: type[LatentmapError] = DataError) -> pa.Table:
    """Return an Arrow table; raise ``error`` if offsets, dictionary indices or text are invalid.

    Examples
    --------
    >>> import pyarrow as pa
    >>> levels = pa.array(["low", "high"])
    >>> column = pa.DictionaryArray.from_arrays(pa.array([0, 9]), levels, safe=False)
    >>> check_arrow("rows", pa.table({"level": column}))
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: rows, column level: expected a valid Arrow array, found ...
    """
    import pyarrow as pa

    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowException as problem:
            reason = str(problem).splitlines()[0].rpartition("Invalid: ")[2].rstrip(".")
            raise error(
                f"{name}, column {field.name}: expected a valid Arrow array, found a damaged one "
                f"({reason})"
            ) from None
    return table
