"""NumPy's own files: .npy is memory-mapped, .npz is read into memory, and may hold sparse rows.

Both carry a header that claims a shape. It is compared with the bytes that are really there, and
with the memory that is free, before an array is made. Pickled objects are refused.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from latentmap.data.array_checks import as_labels, check_rows
from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import as_file_error
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource
from latentmap.data.sparse_files import Check, is_sparse_file, read_sparse
from latentmap.errors import DataError, FileError, SettingError, UnknownNameError

__all__ = ["open_npy", "open_npz"]

# Version 3 exists for records with names beyond Latin-1 only, and records are no rows.
_HEADERS: dict[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, np.dtype]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_ROWS = ("X", "x", "data", "images", "x_train")
_LABELS = ("y", "labels", "y_train")
# A .npy header is a Python literal, taken apart by Python's own parser and tokenizer.
_HEADER_ERRORS = (SyntaxError, TypeError, ValueError, tokenize.TokenError)
_ZIP_ERRORS = (
    *_HEADER_ERRORS,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    offset: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def open_npy(path: Path, label: str | None = None) -> ArraySource:
    """Map a .npy file into memory, whatever its size.

    Parameters
    ----------
    path : pathlib.Path
    label : str, optional
        Not possible here: the array has no named columns.

    Returns
    -------
    ArraySource

    Raises
    ------
    FileError
        If the file is cut short or is no .npy file.
    DataError
        If it does not hold rows of numbers.
    """
    if label is not None:
        raise SettingError(f"label {label!r}: {path.name} has no named columns")
    with as_file_error(path.name, "a NumPy array file", *_HEADER_ERRORS), path.open("rb") as stream:
        header = _read_header(stream, path.name)
        _check_bytes(path.name, header, path.stat().st_size)
        check_rows(path.name, header.shape, header.dtype)
        order: Any = "F" if header.fortran else "C"
        mapped = np.memmap(path, header.dtype, "r", header.offset, header.shape, order)
    return ArraySource(mapped, name=path.name)


def open_npz(path: Path, label: str | None = None) -> Source:
    """Read the rows of a .npz file, and its labels where it has some.

    The rows are its only array, or the one called X, x, data, images or x_train; or the sparse
    matrix that ``scipy.sparse.save_npz`` wrote, in the format csr, csc or coo, which stays sparse.
    The labels are the array called y, labels or y_train.

    Parameters
    ----------
    path : pathlib.Path
    label : str, optional
        The array that holds the labels, if it has another name.

    Returns
    -------
    ArraySource or SparseSource

    Raises
    ------
    FileError
        If the file is cut short, is no .npz file, or several arrays could be the rows; or if the
        arrays of a sparse matrix do not fit one another.
    TooLargeError
        If an array is larger than the memory that is free.
    UnknownNameError
        If there is no array ``label``.
    DataError
        If the array does not hold rows of numbers.
    """
    with (
        as_file_error(path.name, "a NumPy .npz file", *_ZIP_ERRORS),
        zipfile.ZipFile(path) as archive,
    ):
        names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
        if label is not None and label not in names:
            raise UnknownNameError("array", label, names)
        found = label or next((name for name in _LABELS if name in names), None)
        rows = _read_rows(archive, path.name, [name for name in names if name != found])
        labels = None if found is None else _read_labels(archive, found, path.name, rows.shape[0])
    if label is not None and labels is None:
        raise DataError(f"{path.name}, array {label}: expected one label for {rows.shape[0]} rows")
    kind = ArraySource if isinstance(rows, np.ndarray) else SparseSource
    return kind(rows, labels=labels, name=path.name)


def _read_rows(archive: zipfile.ZipFile, name: str, keys: list[str]) -> Any:
    if not is_sparse_file(keys):
        return _read_array(archive, _key_of_rows(name, keys), name, check_rows)
    return read_sparse(lambda key, check: _read_array(archive, key, name, check), name)


def _key_of_rows(name: str, keys: list[str]) -> str:
    if len(keys) == 1:
        return keys[0]
    for key in _ROWS:
        if key in keys:
            return key
    found = ", ".join(sorted(keys)) or "none"
    raise FileError(f"{name}: expected one array or one called {', '.join(_ROWS)}, found {found}")


def _read_array(archive: zipfile.ZipFile, key: str, name: str, check: Check) -> np.ndarray:
    """Read an array whose size and kind have been looked at before."""
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
    # Targets of a regression, one-hot rows and the like are no labels; the rows can do without.
    if header.shape not in [(length,), (length, 1)] or header.dtype.kind not in "biufUS":
        return None
    _check_bytes(name, header, archive.getinfo(f"{key}.npy").file_size)
    check_memory(name, header.nbytes)
    with archive.open(f"{key}.npy") as stream:
        values = np.lib.format.read_array(stream, allow_pickle=False).reshape(length)
    labels = as_labels(values)
    return None if values.dtype.kind == "f" and labels.dtype.kind == "U" else labels


def _read_header(stream: IO[bytes], name: str) -> _Header:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise FileError(f"{name}: expected a NumPy file of version 1 or 2, found {version}")
    shape, fortran, dtype = _HEADERS[version](stream)
    if min(shape, default=0) < 0:
        raise FileError(f"{name}: expected a shape of positive numbers, found {shape}")
    return _Header(shape, fortran, dtype, stream.tell())


def _check_bytes(name: str, header: _Header, size: int) -> None:
    found = size - header.offset
    if header.dtype.kind != "O" and found < header.nbytes:
        raise FileError(
            f"{name}: expected {header.nbytes:,} bytes of rows, found {found:,}; it is cut short"
        )
