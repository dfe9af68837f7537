"""Write rows to files, batch by batch and atomically, by a table from suffix to writer."""

import itertools
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.batching import rebatch
from latentmap.data.data_frames import is_frame
from latentmap.data.frame_batches import convert_frames
from latentmap.data.types import FrameLike
from latentmap.errors import DataError, SettingError
from latentmap.files import check_output_path, write_atomically

_LABEL_COLUMN = "label"
# This size is small enough for streaming and large enough for good compression.
_ROW_GROUP_BYTES = 16 * 2**20


@dataclass(frozen=True)
class _Rows:
    """Batches to write, and the properties of all rows.

    ``dtype`` is None for batches of Arrow tables, whose schema is ``table_schema``.
    """

    batches: Iterator[Any]
    length: int
    row_shape: tuple[int, ...]
    dtype: np.dtype | None
    table_schema: Any
    feature_names: Sequence[str] | None
    labels: np.ndarray | None
    names: Sequence[str] | None

    @property
    def width(self) -> int:
        return math.prod(self.row_shape)


def write_rows(
    path: str | os.PathLike[str],
    batches: Iterable[np.ndarray] | Iterable[FrameLike],
    *,
    length: int,
    feature_names: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Write rows to a .npy, .csv or .parquet file, or as images into a new folder.

    Parameters
    ----------
    path : path-like
        The suffix chooses the format; a path without a suffix is a folder of images.
    batches : iterable of ndarray of shape (any, ...), or of data frames
        Tables accept rows of any shape and flatten them. Images must have shape (h, w), (h, w, 1),
        (h, w, 3) or (h, w, 4); they are rounded and clipped to 0–255, except grey uint16 images.
        Data frames are written with their own columns and types; a .npy file accepts only columns
        of numbers.
    length : int
        Number of rows.
    feature_names : sequence of str, optional
        Names of the columns of arrays in a table, by default c0, c1, ...
    labels : array-like of shape (length,), optional
        Written as the last column of a table, called ``label``. Other formats have no labels.
    names : sequence of str, optional
        Relative paths of the images, by default 00000.png, ... Their suffix is replaced by .png.

    Raises
    ------
    FileError
        If the suffix is unknown, the path is not writable, or the folder is not empty.
    DataError
        If the number of rows is not ``length``, the rows are not images, or the format cannot hold
        the values of a column.
    SettingError
        If the number of names or labels is wrong, or a name leads outside the folder.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "codes.csv"
    >>> write_rows(path, [np.eye(2)], length=2, feature_names=["x", "y"], labels=["a", "b"])
    >>> print(path.read_text())
    "x","y","label"
    1,0,"a"
    0,1,"b"
    """
    path = check_output_path(path, list(_WRITERS), folder=not Path(path).suffix)
    first, checked_batches = _peek(path, batches, length)
    labels = None if labels is None else np.asarray(labels)
    _check_length("labels", labels, length)
    dtype, schema = getattr(first, "dtype", None), getattr(first, "schema", None)
    rows = _Rows(
        checked_batches, length, first.shape[1:], dtype, schema, feature_names, labels, names
    )
    with write_atomically(path) as output:
        _WRITERS[path.suffix.lower()](output, rows)


def _peek(path: Path, batches: Iterable[Any], length: int) -> tuple[Any, Iterator[Any]]:
    """Return the first batch and all batches, as arrays or as Arrow tables."""
    stream = iter(batches)
    first = next(stream, None)
    if first is None or length < 1:
        raise DataError(f"{path.name}: expected at least one row to write, found none")
    stream = itertools.chain([first], stream)
    array_batches: Iterator[Any] = map(np.asarray, stream)
    if is_frame(first):
        array_batches = convert_frames(path, stream)
    first = next(array_batches)
    return first, _check_batches(
        path, itertools.chain([first], array_batches), length, first.shape[1:]
    )


def _check_batches(
    path: Path, batches: Iterable[Any], length: int, row_shape: tuple[int, ...]
) -> Iterator[Any]:
    n_rows = 0
    for batch in batches:
        if batch.shape[1:] != row_shape:
            shapes = f"expected rows of shape {row_shape}, found {batch.shape[1:]}"
            raise DataError(f"{path.name}: {shapes}")
        n_rows += len(batch)
        if n_rows <= length:
            yield batch
    if n_rows != length:
        raise DataError(f"{path.name}: expected {length} rows to write, found {n_rows}")


def _check_length(name: str, values: Sized | None, expected: int) -> None:
    if values is not None and len(values) != expected:
        raise SettingError(f"{name}: expected {expected}, found {len(values)}")


def _write_npy(output: Path, rows: _Rows) -> None:
    # Rows are not written through a memory map, because a full disk would kill the process.
    assert rows.dtype is not None
    header = {
        "descr": np.lib.format.dtype_to_descr(rows.dtype),
        "fortran_order": False,
        "shape": (rows.length, *rows.row_shape),
    }
    with output.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for batch in rows.batches:
            stream.write(np.ascontiguousarray(batch, dtype=rows.dtype).data)


def _write_csv(output: Path, rows: _Rows) -> None:
    from pyarrow import csv

    has_header = True
    with output.open("wb") as stream:
        for table in _tables(rows):
            # A writer of several batches would require equal types, but those of times may differ.
            csv.write_csv(table, stream, csv.WriteOptions(include_header=has_header))
            has_header = False


def _write_parquet(output: Path, rows: _Rows) -> None:
    from pyarrow import parquet

    schema = _schema(rows)
    with output.open("wb") as stream, parquet.ParquetWriter(stream, schema) as writer:
        for table in _tables(rows):
            writer.write_table(table.cast(schema))


def _schema(rows: _Rows) -> Any:
    import pyarrow as pa

    schema = rows.table_schema
    if rows.dtype is not None:
        names = list(rows.feature_names or [f"c{i}" for i in range(rows.width)])
        _check_length("feature names", names, rows.width)
        schema = pa.schema([(name, pa.from_numpy_dtype(rows.dtype)) for name in names])
    if rows.labels is not None:
        if _LABEL_COLUMN in schema.names:
            raise SettingError(f"labels: expected no feature named {_LABEL_COLUMN!r}, found one")
        schema = schema.append(pa.field(_LABEL_COLUMN, _to_arrow_array(rows.labels).type))
    return schema


def _tables(rows: _Rows) -> Iterator[Any]:
    """Yield the batches as Arrow tables, with the labels."""
    import pyarrow as pa

    names, start = _schema(rows).names, 0
    for columns in map(_columns, _large_batches(rows)):
        stop = start + len(columns[0])
        if rows.labels is not None:
            columns = [*columns, _to_arrow_array(rows.labels[start:stop])]
        yield pa.Table.from_arrays(columns, names)
        start = stop


def _large_batches(rows: _Rows) -> Iterator[Any]:
    """Yield batches of arrays combined to the size of a row group; yield tables unchanged."""
    if rows.dtype is None:
        return rows.batches
    size = max(1, _ROW_GROUP_BYTES // (rows.width * rows.dtype.itemsize))
    batches = (batch.astype(rows.dtype, copy=False) for batch in rows.batches)
    return rebatch(batches, size)


def _columns(batch: Any) -> list[Any]:
    """Return the columns of an array or of an Arrow table."""
    if not isinstance(batch, np.ndarray):
        return batch.columns
    return [
        _to_arrow_array(np.ascontiguousarray(column)) for column in batch.reshape(len(batch), -1).T
    ]


def _to_arrow_array(values: np.ndarray) -> Any:
    import pyarrow as pa

    return pa.array(values.tolist() if values.dtype == object else values)


def _write_images(output: Path, rows: _Rows) -> None:
    names = numbered_file_names(rows.length) if rows.names is None else safe_file_names(rows.names)
    _check_length("names", names, rows.length)
    _check_image(rows.row_shape)
    output.mkdir()
    pixels = (row for batch in rows.batches for row in batch)
    for name, row in zip(names, pixels, strict=True):
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_image(path, row)


def _check_image(shape: tuple[int, ...]) -> None:
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        raise DataError(
            f"images: expected rows of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), "
            f"found {shape}; a table accepts rows of any shape"
        )


def _write_image(path: Path, row: np.ndarray) -> None:
    from PIL import Image

    if row.ndim == 3 and row.shape[2] == 1:
        row = row[..., 0]
    if row.dtype != np.uint16 or row.ndim != 2:
        row = np.clip(np.rint(np.nan_to_num(row)), 0, 255).astype(np.uint8)
    Image.fromarray(row).save(path)


_WRITERS: dict[str, Callable[[Path, _Rows], None]] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    "": _write_images,
}


# On Windows a backslash separates folders and a colon selects a drive. Control characters can
# change the output of a terminal.
_UNSAFE_CHARACTERS = re.compile(r"[\\:\x00-\x1f\x7f]")


def numbered_file_names(length: int) -> list[str]:
    """Return 00000.png, 00001.png, ..., with enough digits that they sort by number."""
    width = max(5, len(str(length - 1)))
    return [f"{i:0{width}}.png" for i in range(length)]


def safe_file_names(names: Sequence[str]) -> list[str]:
    """Return relative paths with the suffix .png, or raise SettingError if one is not safe."""
    originals: dict[str, str] = {}
    for name in names:
        # Some file systems do not distinguish A.png from a.png.
        key = _with_png_suffix(name).casefold()
        if key in originals:
            raise SettingError(
                f"image name {name!r}: expected a unique name, found {originals[key]!r} as well"
            )
        originals[key] = name
    return [_with_png_suffix(name) for name in names]


def _with_png_suffix(name: str) -> str:
    parts = name.split("/")
    if _UNSAFE_CHARACTERS.search(name) or any(
        part.strip() == "" or part.startswith(".") for part in parts
    ):
        raise SettingError(
            f"image name {name!r}: expected a relative path that stays in its folder"
        )
    return PurePosixPath(name).with_suffix(".png").as_posix()
