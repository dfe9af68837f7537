"""Write columns of numbers and strings to a table, part by part."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latentmap.files import write_atomically

Columns = Mapping[str, "np.ndarray | Sequence[str]"]
Write = Callable[[Columns, Columns], None]

TABLE_SUFFIXES = (".npy", ".csv", ".parquet")
# Without a suffix, the output is a folder of images.
ROW_SUFFIXES = (*TABLE_SUFFIXES, "")
ROWS_HELP = (
    "Output: a .npy, .csv or .parquet file, or a name without a suffix for a new folder of images."
)


def write_columns(path: Path, numbers: Columns, strings: Columns) -> None:
    """Write all columns of a table at once; see `open_column_writer`."""
    with open_column_writer(path, len(next(iter(numbers.values())))) as write:
        write(numbers, strings)


@contextlib.contextmanager
def open_column_writer(path: Path, length: int) -> Iterator[Write]:
    """Yield ``write(numbers, strings)``; a .npy file contains only the numbers, as float64."""
    make_writer = _write_array if path.suffix.lower() == ".npy" else _write_table
    with write_atomically(path) as temporary_path, contextlib.ExitStack() as stack:
        yield make_writer(temporary_path, length, stack)


def _write_array(path: Path, length: int, stack: contextlib.ExitStack) -> Write:
    file = stack.enter_context(path.open("wb"))

    def write(numbers: Columns, strings: Columns) -> None:
        rows = np.column_stack(list(numbers.values())).astype(np.float64, copy=False)
        if not file.tell():
            header = {"descr": "<f8", "fortran_order": False, "shape": (length, rows.shape[1])}
            np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(rows, "<f8").data)

    return write


def _write_table(path: Path, length: int, stack: contextlib.ExitStack) -> Write:
    import pyarrow as pa
    from pyarrow import csv, parquet

    writer_class = csv.CSVWriter if path.suffix.lower() == ".csv" else parquet.ParquetWriter
    stream = stack.enter_context(path.open("wb"))  # pyarrow needs names in UTF-8.
    writers: list[Any] = []

    def write(numbers: Columns, strings: Columns) -> None:
        arrays = {name: np.asarray(column) for name, column in {**numbers, **strings}.items()}
        table = pa.table({k: a.tolist() if a.dtype.kind == "O" else a for k, a in arrays.items()})
        if not writers:
            writers.append(stack.enter_context(writer_class(stream, table.schema)))
        writers[0].write_table(table)

    return write


def append_labels(batches: Iterator[Any], name: str, labels: np.ndarray) -> Iterator[Any]:
    """Yield the batches with the labels of their rows, null if missing, as a column ``name``."""
    import pyarrow as pa

    is_missing = labels == "" if labels.dtype.kind == "U" else None
    column, start = pa.array(labels, from_pandas=True, mask=is_missing), 0
    for batch in batches:
        yield batch.append_column(name, column[start : start + batch.num_rows])
        start += batch.num_rows
