"""Sparse matrices in .npz files, as ``scipy.sparse.save_npz`` writes them.

Such a file is a few flat arrays that only together are a matrix, and SciPy's own reader takes their
word for it: an index out of bounds is met later, as a crash. Here all are compared first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np

from latentmap.data.array_checks import check_rows
from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import as_file_error
from latentmap.errors import FileError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Check", "is_sparse_file", "read_sparse"]

_MARKS = {"format", "shape", "data"}
_PLACES = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}
_BATCH_ROWS = 16  # so many rows at least will have to be dense at once

Check = Callable[[str, tuple[int, ...], np.dtype], object]
"""Refuses an array before it is read, by its name, shape and dtype."""


def is_sparse_file(names: Collection[str]) -> bool:
    """Tell whether arrays of these names are a sparse matrix.

    Examples
    --------
    >>> is_sparse_file(["data", "format", "indices", "indptr", "shape", "y"])
    True
    """
    return _MARKS.issubset(names)


def read_sparse(read: Callable[[str, Check], np.ndarray], name: str) -> csr_array:
    """Put a sparse matrix together from the arrays of a file.

    Parameters
    ----------
    read : callable
        Gives an array of the file by its name, once a check has looked at it.
    name : str
        The file, for messages.

    Returns
    -------
    scipy.sparse.csr_array of shape (n, d)

    Raises
    ------
    FileError
        If the format is not csr, csc or coo, or the arrays do not fit one another.
    DataError
        If there are no rows of numbers in it.
    TooLargeError
        If a few of its rows would not fit into memory.
    """
    kind = read("format", _part("SU", 0)).astype(str).item()
    if kind not in _PLACES:
        known = ", ".join(_PLACES)
        raise FileError(f"{name}: expected a sparse format of {known}, found {kind[:20]!r}")
    shape = tuple(read("shape", _part("iu", 1)).tolist())
    data = read("data", _part("biuf", 1))
    places = [read(key, _part("iu", 1)) for key in _PLACES[kind]]
    if len(shape) != 2:
        raise FileError(f"{name}: expected a sparse matrix of two dimensions, found {len(shape)}")
    dtype = check_rows(name, shape, data.dtype)
    stored = data.nbytes + sum(array.nbytes for array in places)
    check_memory(name, 2 * stored + 8 * shape[0] + _BATCH_ROWS * shape[1] * data.itemsize)
    if data.dtype != bool:  # bools that share a place are no sum
        data = data.astype(dtype, copy=False)  # SciPy knows the machine's own types only
    with as_file_error(name, f"a sparse matrix in {kind}", ValueError, OverflowError):
        return _assembled(kind, data, places, shape)


def _part(kinds: str, ndim: int) -> Check:
    """Make the check of an array that may have some kinds of dtype, and so many dimensions."""

    def check(name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        if len(shape) != ndim or dtype.kind not in kinds:
            raise FileError(
                f"{name}: expected a part of a sparse matrix, found {dtype} of shape {shape}"
            )

    return check


def _assembled(
    kind: str, data: np.ndarray, places: list[np.ndarray], shape: tuple[int, ...]
) -> csr_array:
    from scipy import sparse

    if kind == "coo":
        return sparse.coo_array((data, tuple(places)), shape=shape).tocsr()
    matrix = {"csr": sparse.csr_array, "csc": sparse.csc_array}[kind]((data, *places), shape=shape)
    matrix.check_format(full_check=True)
    return matrix.tocsr()
