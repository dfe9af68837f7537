"""Compare readers of CSV files on the files of tests/data/csv, each with its detection on.

For each file, a reader is right about the rows (number and names of columns, number of rows) and
about the types (numbers, booleans, dates and texts). A file without header has no names.

Requires ``pip install duckdb polars pandas clevercsv``.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

FILES = Path(__file__).parents[1] / "tests" / "data" / "csv"
NUMBER, BOOLEAN, DATE, TEXT = "number", "boolean", "date", "text"


def read_duckdb(path: Path) -> pa.Table:
    """Read with the sniffer of DuckDB."""
    import duckdb

    return duckdb.read_csv(str(path)).to_arrow_table()


def read_polars(path: Path) -> pa.Table:
    """Read with polars and dates."""
    import polars

    return polars.read_csv(path, try_parse_dates=True).to_arrow()


def read_pyarrow(path: Path) -> pa.Table:
    """Read with the default options of pyarrow."""
    return arrow_csv.read_csv(path)


def read_pandas(path: Path) -> pa.Table:
    """Read with pandas, which detects the separator by csv.Sniffer."""
    import pandas

    return pa.Table.from_pandas(
        pandas.read_csv(path, sep=None, engine="python"), preserve_index=False
    )


def read_clevercsv(path: Path) -> pa.Table:
    """Read with pandas and the dialect that CleverCSV detects."""
    import clevercsv

    return pa.Table.from_pandas(clevercsv.read_dataframe(str(path)), preserve_index=False)


def read_latentmap(path: Path) -> pa.Table:
    """Read with latentmap."""
    from latentmap.data.csv_files import read_csv
    from latentmap.data.table_options import TableOptions

    return read_csv(path, TableOptions()).table


READERS: dict[str, Callable[[Path], pa.Table]] = {
    "DuckDB": read_duckdb,
    "polars": read_polars,
    "pyarrow": read_pyarrow,
    "pandas": read_pandas,
    "CleverCSV": read_clevercsv,
    "latentmap": read_latentmap,
}


def kind(type_: pa.DataType | str) -> str:
    """Return the kind of values of an Arrow type."""
    name = str(type_)
    if name in ("bool", "date32[day]") or name.startswith("timestamp"):
        return BOOLEAN if name == "bool" else DATE
    return NUMBER if name.startswith(("int", "uint", "double", "float")) else TEXT


def verdict(table: pa.Table, expected: dict) -> str:
    """Return "right", or what is wrong in a table."""
    columns = expected["columns"]
    if table.num_columns != len(columns):
        return f"{table.num_columns} columns"
    if table.num_rows != expected["rows"]:
        return f"{table.num_rows} rows"
    if expected["header"] and table.column_names != list(columns):
        return "names"
    wrong = [
        n for n, t in zip(columns, table.schema.types, strict=True) if kind(t) != kind(columns[n])
    ]
    return f"types of {len(wrong)} columns" if wrong else "right"


def main() -> None:
    """Print a table of files and readers."""
    warnings.simplefilter("ignore")
    expected = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))
    names = sys.argv[1:] or list(READERS)
    right = dict.fromkeys(names, 0)
    print("| file |", " | ".join(names), "|")
    print("|---" * (len(names) + 1) + "|")
    for file, entry in expected.items():
        verdicts = []
        for name in names:
            try:
                verdicts.append(verdict(READERS[name](FILES / file), entry))
            except Exception as error:  # every error counts as one
                verdicts.append("error")
                print(f"{file}, {name}: {str(error)[:120]!r}", file=sys.stderr)
            right[name] += verdicts[-1] == "right"
        print("|", file, "|", " | ".join(verdicts), "|")
    print("| right, of", len(expected), "|", " | ".join(str(right[name]) for name in names), "|")


if __name__ == "__main__":
    main()
