"""Read NumPy files: .npy is memory-mapped, .npz is read into memory. Pickles are refused."""

import math
import tokenize
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from latentmap.data.array_checks import as_labels, check_rows
from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import ZIP_ERRORS, as_file_error
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource
from latentmap.data.sparse_files import Check, is_sparse_file, read_sparse
from latentmap.data.types import csr_array
from latentmap.errors import DataError, FileError, SettingError, UnknownNameError

# Version 3 of the format is not supported: only structured arrays use it.
_HEADERS: dict[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, np.dtype]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_ROWS = ("X", "x", "data", "images", "x_train")
_LABELS = ("y", "labels", "y_train")
# NumPy parses a header with Python's parser and tokenizer, which raise these errors.
_HEADER_ERRORS = (SyntaxError, TypeError, ValueError, tokenize.TokenError)
_NPZ_ERRORS = (*_HEADER_ERRORS, *ZIP_ERRORS)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    is_fortran_order: bool
    dtype: np.dtype
    offset: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def open_npy(path: Path, label: str | None = None) -> ArraySource:
    """Memory-map a .npy file; raise SettingError if a label is given, because it has no columns."""
    if label is not None:
        raise SettingError(f"label {label!r}: expected named columns, found {path.name}")
    with as_file_error(path.name, "a NumPy array file", *_HEADER_ERRORS), path.open("rb") as stream:
        header = _read_header(stream, path.name)
        _check_bytes(path.name, header, path.stat().st_size)
        check_rows(path.name, header.shape, header.dtype)
        mapped = np.memmap(
            path,
            header.dtype,
            "r",
            header.offset,
            header.shape,
            order="F" if header.is_fortran_order else "C",
        )
    return ArraySource(mapped, name=path.name)


def open_npz(path: Path, label: str | None = None) -> Source:
    """Read the rows of a .npz file, and its labels if it has some.

    The rows are the only array, the array called X, x, data, images or x_train, or a sparse matrix
    in csr, csc or coo format written by ``scipy.sparse.save_npz``, which stays sparse. The labels
    are the array that ``label`` names, or the array called y, labels or y_train.
    """
    with (
        as_file_error(path.name, "a NumPy .npz file", *_NPZ_ERRORS),
        zipfile.ZipFile(path) as archive,
    ):
        names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
        if label is not None and label not in names:
            raise UnknownNameError("array", label, names)
        key = label or next((name for name in _LABELS if name in names), None)
        rows = _read_rows(archive, path.name, [name for name in names if name != key])
        labels = None if key is None else _read_labels(archive, key, path.name, rows.shape[0])
        if label is None and labels is not None and labels.dtype.kind == "f":
            # The array is the target of a regression, so it is used only if the user names it.
            labels = None
    if label is not None and labels is None:
        raise DataError(
            f"{path.name}, array {label}: expected one label for each of {rows.shape[0]} rows, "
            "found an array of another shape or type"
        )
    if isinstance(rows, np.ndarray):
        return ArraySource(rows, labels=labels, name=path.name)
    return SparseSource(rows, labels=labels, name=path.name)


def _read_rows(archive: zipfile.ZipFile, name: str, keys: list[str]) -> np.ndarray | csr_array:
    if not is_sparse_file(keys):
        return _read_array(archive, _rows_key(name, keys), name, check_rows)
    return read_sparse(lambda key, check: _read_array(archive, key, name, check), name)


def _rows_key(name: str, keys: list[str]) -> str:
    if len(keys) == 1:
        return keys[0]
    for key in _ROWS:
        if key in keys:
            return key
    names = ", ".join(sorted(keys)[:10]) + (", ..." if len(keys) > 10 else "") or "none"
    raise FileError(f"{name}: expected one array or one called {', '.join(_ROWS)}, found {names}")


def _read_array(archive: zipfile.ZipFile, key: str, name: str, check: Check) -> np.ndarray:
    """Check the shape and type of an array, and read it."""
    name = f"{name}, array {key}"
    with archive.open(f"{key}.npy") as stream:
        header = _read_header(stream, name)
    _check_bytes(name, header, archive.getinfo(f"{key}.npy").file_size)
    check(name, header.shape, header.dtype)
    check_memory(name, header.nbytes)
    with archive.open(f"{key}.npy") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _read_labels(archive: zipfile.ZipFile, key: str, name: str, length: int) -> np.ndarray | None:
    with archive.open(f"{key}.npy") as stream:
        header = _read_header(stream, f"{name}, array {key}")
    # One-hot labels are ignored.
    if header.shape not in [(length,), (length, 1)] or header.dtype.kind not in "biufUS":
        return None
    values = _read_array(archive, key, name, lambda *_: None).reshape(length)
    return as_labels(values)


def _read_header(stream: IO[bytes], name: str) -> _Header:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise FileError(f"{name}: expected a NumPy file of version 1 or 2, found {version}")
    shape, is_fortran_order, dtype = _HEADERS[version](stream)
    if min(shape, default=0) < 0:
        raise FileError(f"{name}: expected a shape of positive numbers, found {shape}")
    return _Header(shape, is_fortran_order, dtype, stream.tell())


def _check_bytes(name: str, header: _Header, size: int) -> None:
    n_bytes = size - header.offset
    if header.dtype.kind != "O" and n_bytes < header.nbytes:
        raise FileError(
            f"{name}: expected {header.nbytes:,} bytes of rows, found {n_bytes:,} (truncated)"
        )
