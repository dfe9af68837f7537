"""Rows out: one table from suffix to writer.

Rows come in batches and go out in batches, beside their place, which they take when whole (see
`latentmap.files`). So memory stays flat, and a full disk or an error half way leaves the old file.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentmap.data.batching import rebatch
from latentmap.data.image_names import numbered_file_names, safe_file_names
from latentmap.errors import DataError, SettingError
from latentmap.files import check_output_path, write_atomically

__all__ = ["write_rows"]

_LABEL = "label"
_GROUP_BYTES = 16 * 2**20  # of a Parquet row group: small enough to stream, large enough to pack


@dataclass(frozen=True)
class _Rows:
    """What is to be written: batches, and what is known of all rows before the first comes."""

    batches: Iterator[np.ndarray]
    length: int
    row_shape: tuple[int, ...]
    dtype: np.dtype
    feature_names: Sequence[str] | None
    labels: np.ndarray | None
    names: Sequence[str] | None

    @property
    def width(self) -> int:
        return math.prod(self.row_shape)


def write_rows(
    path: str | os.PathLike[str],
    batches: Iterable[np.ndarray],
    *,
    length: int,
    feature_names: Sequence[str] | None = None,
    labels: Any = None,
    names: Sequence[str] | None = None,
) -> None:
    """Write rows to a .npy, .csv or .parquet file, or as images into a new folder.

    Parameters
    ----------
    path : path-like
        Its suffix chooses the kind; without a suffix it is a folder of images.
    batches : iterable of ndarray of shape (any, ...)
        The rows. Tables take rows of any shape and write them flat; a folder takes (h, w),
        (h, w, 1), (h, w, 3) or (h, w, 4), rounds them and clips them to 0–255 (uint16 grey rows
        stay as they are).
    length : int
        How many rows there are in all.
    feature_names : sequence of str, optional
        The columns of a table; c0, c1, ... without.
    labels : array-like of shape (length,), optional
        Become a last column ``label`` in a table; not written elsewhere.
    names : sequence of str, optional
        The images' relative paths, such as ``ImageFolderSource.paths``; 00000.png, ... without.
        The suffix becomes .png.

    Raises
    ------
    FileError
        If the suffix is unknown, the place cannot be written, or a folder there is not empty.
    DataError
        If the rows are not as many as ``length``, or have no shape that an image can have.
    SettingError
        If names or labels do not fit the rows, or a name would lead outside the folder.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "codes.csv"
    >>> write_rows(place, [np.eye(2)], length=2, feature_names=["x", "y"], labels=["a", "b"])
    >>> print(place.read_text())
    "x","y","label"
    1,0,"a"
    0,1,"b"
    """
    path = check_output_path(path, list(_WRITERS), folder=not Path(path).suffix)
    first, checked = _peek(path, batches, length)
    known_labels = None if labels is None else np.asarray(labels)
    _check_length("labels", known_labels, length)
    rows = _Rows(checked, length, first.shape[1:], first.dtype, feature_names, known_labels, names)
    with write_atomically(path) as beside:
        _WRITERS[path.suffix.lower()](beside, rows)


def _peek(
    path: Path, batches: Iterable[np.ndarray], length: int
) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    stream = (np.asarray(batch) for batch in batches)
    first = next(stream, None)
    if first is None or length < 1:
        raise DataError(f"{path.name}: expected at least one row to write, found none")
    return first, _checked(path, itertools.chain([first], stream), length, first.shape[1:])


def _checked(
    path: Path, batches: Iterable[np.ndarray], length: int, row_shape: tuple[int, ...]
) -> Iterator[np.ndarray]:
    found = 0
    for batch in batches:
        if batch.shape[1:] != row_shape:
            shapes = f"expected rows of shape {row_shape}, found {batch.shape[1:]}"
            raise DataError(f"{path.name}: {shapes}")
        found += len(batch)
        if found <= length:
            yield batch
    if found != length:
        raise DataError(f"{path.name}: expected {length} rows to write, found {found}")


def _check_length(what: str, values: Any, expected: int) -> None:
    if values is not None and len(values) != expected:
        raise SettingError(f"{what}: expected {expected}, found {len(values)}")


def _write_npy(beside: Path, rows: _Rows) -> None:
    # Not a memory map: on a full disk its pages cannot be written, and the process is killed.
    header = {
        "descr": np.lib.format.dtype_to_descr(rows.dtype),
        "fortran_order": False,
        "shape": (rows.length, *rows.row_shape),
    }
    with beside.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for batch in rows.batches:
            stream.write(np.ascontiguousarray(batch, dtype=rows.dtype).data)


def _write_csv(beside: Path, rows: _Rows) -> None:
    from pyarrow import csv

    with csv.CSVWriter(beside, _schema(rows)) as writer:
        for table in _tables(rows):
            writer.write_table(table)


def _write_parquet(beside: Path, rows: _Rows) -> None:
    from pyarrow import parquet

    with parquet.ParquetWriter(beside, _schema(rows)) as writer:
        for table in _tables(rows):
            writer.write_table(table)


def _schema(rows: _Rows) -> Any:
    import pyarrow as pa

    names = list(rows.feature_names or [f"c{i}" for i in range(rows.width)])
    _check_length("feature names", names, rows.width)
    fields = [(name, pa.from_numpy_dtype(rows.dtype)) for name in names]
    if rows.labels is not None:
        if _LABEL in names:
            raise SettingError(f"labels: expected no other column {_LABEL!r}, found one")
        fields.append((_LABEL, pa.array(rows.labels[:1]).type))
    return pa.schema(fields)


def _tables(rows: _Rows) -> Iterator[Any]:
    import pyarrow as pa

    schema, start = _schema(rows), 0
    size = max(1, _GROUP_BYTES // (rows.width * rows.dtype.itemsize))
    for batch in rebatch(rows.batches, size):
        columns = list(batch.astype(rows.dtype, copy=False).reshape(len(batch), -1).T)
        if rows.labels is not None:
            columns.append(rows.labels[start : start + len(batch)])
        arrays = [pa.array(np.ascontiguousarray(column)) for column in columns]
        yield pa.Table.from_arrays(arrays, schema=schema)
        start += len(batch)


def _write_images(beside: Path, rows: _Rows) -> None:
    names = numbered_file_names(rows.length) if rows.names is None else safe_file_names(rows.names)
    _check_length("names", names, rows.length)
    _check_image(rows.row_shape)
    beside.mkdir()
    pixels = (row for batch in rows.batches for row in batch)
    for name, row in zip(names, pixels, strict=True):
        place = beside / name
        place.parent.mkdir(parents=True, exist_ok=True)
        _write_image(place, row)


def _check_image(shape: tuple[int, ...]) -> None:
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        raise DataError(
            f"images: expected rows of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), "
            f"found {shape}; a table takes rows of any shape"
        )


def _write_image(place: Path, row: np.ndarray) -> None:
    from PIL import Image

    if row.ndim == 3 and row.shape[2] == 1:
        row = row[..., 0]
    if row.dtype != np.uint16 or row.ndim != 2:
        row = np.clip(np.rint(np.nan_to_num(row)), 0, 255).astype(np.uint8)
    Image.fromarray(row).save(place)


_WRITERS: dict[str, Callable[[Path, _Rows], None]] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    "": _write_images,
}
