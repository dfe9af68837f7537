"""Vectors in a column of Parquet files as rows of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentmap.data.parquet_footers import ParquetFiles
from latentmap.data.parquet_source import ParquetSource
from latentmap.data.vector_rows import most_frequent_length, vector_rows
from latentmap.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetVectors(ParquetSource):
    """The vectors of a column, each of which is a row; all must have the same length.

    A missing value raises an error when it is read.
    """

    def __init__(
        self, files: ParquetFiles, column: str, label: str | None, verbose: bool = False
    ) -> None:
        kind = files.schema.field(column).type
        dtype = np.dtype(kind.value_type.to_pandas_dtype())
        # Half-precision numbers are read as float32, and decimals as float64.
        self.dtype = np.dtype({"e": "float32", "O": "float64"}.get(dtype.char, dtype))
        self.row_shape = (_find_width(files, column),)
        row_bytes = self.row_shape[0] * self.dtype.itemsize
        super().__init__(files, [column], row_bytes, label, verbose)

    def _convert(self, path: Path, first_row: int, table: pa.Table) -> np.ndarray:
        values = table.column(0).combine_chunks()
        rows = vector_rows(values, self._columns[0], path.name, self.row_shape[0], first_row)
        return rows.astype(self.dtype, copy=False)


def _find_width(files: ParquetFiles, column: str) -> int:
    """Return the length of the lists of a column, from its type or its first lists."""
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
                lengths = pc.list_value_length(batch.column(0)).drop_null().to_numpy()
                if lengths.any():
                    return most_frequent_length(lengths[lengths > 0])
    raise DataError(f"{files.name}, column {column}: expected vectors, found none")
