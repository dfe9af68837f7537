"""Vectors in a column of Parquet files as rows of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from latentmap.data.parquet_footers import ParquetFiles
from latentmap.data.parquet_source import ParquetSource
from latentmap.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetVectors(ParquetSource):
    """The vectors of a column, each of which is a row; all must have the length of the first.

    ``left_out`` are the columns beside it. A missing value raises an error when it is read.
    """

    def __init__(
        self, files: ParquetFiles, column: str, label: str | None, verbose: bool = False
    ) -> None:
        kind = files.schema.field(column).type
        dtype = np.dtype(kind.value_type.to_pandas_dtype())
        self.dtype = np.dtype(np.float32) if dtype == np.float16 else dtype
        self.left_out = [name for name in files.schema.names if name not in (column, label)]
        self.row_shape = (_find_width(files, column),)
        row_bytes = self.row_shape[0] * self.dtype.itemsize
        super().__init__(files, [column], row_bytes, label, verbose)

    def _convert(self, path: Path, first_row: int, table: pa.Table) -> np.ndarray:
        name, column = self._columns[0], table.column(0).combine_chunks()
        # The statistics in the footer have this count, but pyarrow 26 crashes the process when it
        # reads them from a damaged file.
        if column.null_count:
            _raise_missing(path, first_row, name, column.is_null())
        self._check_lengths(path, first_row, column)
        values = column.flatten()
        if values.null_count:
            is_missing = values.is_null().to_numpy(zero_copy_only=False)
            _raise_missing(path, first_row, name, is_missing.reshape(len(table), -1).any(axis=1))
        rows = values.to_numpy(zero_copy_only=False).reshape(len(table), -1)
        return rows.astype(self.dtype, copy=False)

    def _check_lengths(self, path: Path, first_row: int, column: pa.Array) -> None:
        import pyarrow.compute as pc

        lengths, width = pc.list_value_length(column).to_numpy(), self.row_shape[0]
        other = np.flatnonzero(lengths != width)
        if len(other):
            raise DataError(
                f"{path.name}, row {first_row + other[0]}, column {self._columns[0]}: expected a "
                f"vector of {width} numbers, found one of {lengths[other[0]]}"
            )


def _raise_missing(path: Path, first_row: int, column: str, is_missing: np.ndarray) -> NoReturn:
    row = first_row + int(np.flatnonzero(is_missing)[0])
    raise DataError(f"{path.name}, row {row}, column {column}: expected a number, found null")


def _find_width(files: ParquetFiles, column: str) -> int:
    """Return the length of the lists of a column, taken from its type or its first known list."""
    import pyarrow.compute as pc
    from pyarrow import parquet, types

    from latentmap.data.parquet_footers import reading_parquet

    kind = files.schema.field(column).type
    if types.is_fixed_size_list(kind):
        return kind.list_size
    for path, rows in zip(files.paths, files.group_rows, strict=True):
        if not sum(rows):
            continue
        with reading_parquet(path), parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(1000, columns=[column]):
                lengths = pc.list_value_length(batch.column(0)).drop_null()
                if len(lengths) and lengths[0].as_py():
                    return lengths[0].as_py()
    raise DataError(f"{files.name}, column {column}: expected vectors, found none")
