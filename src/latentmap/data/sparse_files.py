"""Read sparse matrices from .npz files, and check their arrays, because SciPy does not."""

from collections.abc import Callable, Collection
from types import SimpleNamespace

import numpy as np

from latentmap.data.array_checks import check_rows
from latentmap.data.index_checks import check_sparse
from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import as_file_error
from latentmap.data.types import csr_array
from latentmap.errors import FileError

_REQUIRED = {"format", "shape", "data"}
_INDEX_ARRAYS = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}
# Minimum number of rows that are made dense at once.
_BATCH_ROWS = 16

Check = Callable[[str, tuple[int, ...], np.dtype], object]
"""Raises if an array, given by its name, shape and type, should not be read."""


def is_sparse_file(names: Collection[str]) -> bool:
    """Return whether a file with arrays of these names contains a sparse matrix."""
    return _REQUIRED.issubset(names)


def read_sparse(read: Callable[[str, Check], np.ndarray], name: str) -> csr_array:
    """Assemble a sparse matrix of shape (n, d) from the arrays of a file.

    ``read`` returns an array by its name, after a check of its shape and type. Raise FileError if
    the format is not csr, csc or coo or the arrays do not fit one another, DataError if it does not
    hold rows of numbers, and TooLargeError if a few of its rows do not fit into memory.
    """
    kind = read("format", _make_type_check("SU", 0)).astype(str).item()
    if kind not in _INDEX_ARRAYS:
        known_formats = ", ".join(_INDEX_ARRAYS)
        raise FileError(f"{name}: expected a sparse format of {known_formats}, found {kind[:20]!r}")
    shape = tuple(read("shape", _make_type_check("iu", 1)).tolist())
    data = read("data", _make_type_check("biuf", 1))
    index_arrays = {key: read(key, _make_type_check("iu", 1)) for key in _INDEX_ARRAYS[kind]}
    indices = list(index_arrays.values())
    if len(shape) != 2:
        raise FileError(f"{name}: expected a sparse matrix of two dimensions, found {len(shape)}")
    dtype = check_rows(name, shape, data.dtype)
    n_stored_bytes = data.nbytes + sum(array.nbytes for array in indices)
    check_memory(name, 2 * n_stored_bytes + 8 * shape[0] + _BATCH_ROWS * shape[1] * data.itemsize)
    if data.dtype != bool:  # Duplicate entries are summed, except Booleans.
        data = data.astype(dtype, copy=False)  # SciPy needs the native byte order.
    stored_matrix = SimpleNamespace(format=kind, shape=shape, data=data, **index_arrays)
    check_sparse(name, stored_matrix, FileError)
    with as_file_error(name, f"a sparse matrix in {kind}", ValueError, OverflowError):
        return _assemble(kind, data, indices, shape)


def _make_type_check(kinds: str, ndim: int) -> Check:
    """Return a function that checks the kind of type and the number of dimensions of an array."""

    def check(name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        if len(shape) != ndim or dtype.kind not in kinds:
            raise FileError(
                f"{name}: expected an array of a sparse matrix, found {dtype} of shape {shape}"
            )

    return check


def _assemble(
    kind: str, data: np.ndarray, indices: list[np.ndarray], shape: tuple[int, ...]
) -> csr_array:
    from scipy import sparse

    if kind == "coo":
        return sparse.coo_array((data, tuple(indices)), shape=shape).tocsr()
    matrix_type = {"csr": sparse.csr_array, "csc": sparse.csc_array}[kind]
    return matrix_type((data, *indices), shape=shape).tocsr()
