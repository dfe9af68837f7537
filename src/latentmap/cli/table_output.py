"""Figures of rows, written as a table: whole numbers stay whole, and words stay words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["ROW_SUFFIXES", "SUFFIXES", "write_columns", "writing_columns"]

Write = Callable[..., None]

SUFFIXES = (".npy", ".csv", ".parquet")
ROW_SUFFIXES = (*SUFFIXES, "")


def write_columns(
    path: Path, numbers: dict[str, Any], others: dict[str, Any] | None = None
) -> None:
    """Write columns of one length; see `writing_columns`."""
    with writing_columns(path, len(next(iter(numbers.values())))) as write:
        write(numbers, others)


@contextlib.contextmanager
def writing_columns(path: Path, length: int) -> Iterator[Write]:
    """Write columns of a length in all, some rows at a time.

    .npy takes the numbers alone, shape (n, columns), as float64; tables the others too (labels,
    names), which stand in place of numbers of the same name.

    Yields
    ------
    callable
        ``write(numbers, others=None)``, each a dict of columns.
    """
    from latentmap.files import write_atomically

    with write_atomically(path) as beside, contextlib.ExitStack() as closing:
        yield _WRITERS[path.suffix.lower()](beside, length, closing)


def _array_writer(path: Path, length: int, closing: contextlib.ExitStack) -> Write:
    import numpy as np

    file = closing.enter_context(path.open("wb"))

    def write(numbers: dict[str, Any], others: dict[str, Any] | None = None) -> None:
        rows = np.column_stack(list(numbers.values())).astype(np.float64, copy=False)
        if not file.tell():
            header = {"descr": "<f8", "fortran_order": False, "shape": (length, rows.shape[1])}
            np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(rows, "<f8").data)

    return write


def _table_writer(path: Path, length: int, closing: contextlib.ExitStack) -> Write:
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv, parquet

    kind = csv.CSVWriter if path.suffix.lower() == ".csv" else parquet.ParquetWriter
    writers: list[Any] = []

    def write(numbers: dict[str, Any], others: dict[str, Any] | None = None) -> None:
        arrays = {k: np.asarray(column) for k, column in {**numbers, **(others or {})}.items()}
        table = pa.table({k: a.tolist() if a.dtype.kind == "O" else a for k, a in arrays.items()})
        if not writers:
            writers.append(closing.enter_context(kind(path, table.schema)))
        writers[0].write_table(table)

    return write


_WRITERS: dict[str, Callable[[Path, int, contextlib.ExitStack], Write]] = {
    ".csv": _table_writer,
    ".parquet": _table_writer,
    ".npy": _array_writer,
}
