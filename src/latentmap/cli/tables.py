"""Figures of rows, written as a table: whole numbers stay whole, and words stay words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["SUFFIXES", "write_columns"]

SUFFIXES = (".csv", ".parquet", ".npy")


def write_columns(
    path: Path, numbers: dict[str, Any], others: dict[str, Any] | None = None
) -> None:
    """Write columns of one length.

    .npy takes the numbers alone, shape (n, columns); tables the others too (labels, names), which
    stand in place of numbers of the same name.
    """
    import numpy as np

    from latentmap.files import write_whole

    with write_whole(path) as beside:
        if path.suffix.lower() == ".npy":
            np.save(beside, np.column_stack(list(numbers.values())), allow_pickle=False)
        else:
            _write_table(beside, {**numbers, **(others or {})})


def _write_table(path: Path, columns: dict[str, Any]) -> None:
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv, parquet

    arrays = {name: np.asarray(column) for name, column in columns.items()}
    plain = {name: a.tolist() if a.dtype.kind == "O" else a for name, a in arrays.items()}
    write = csv.write_csv if path.suffix.lower() == ".csv" else parquet.write_table
    write(pa.table(plain), path)
