"""Compare readers of CSV files on the files of tests/data/csv, each with its detection on.

For each file, a reader is right about the rows (number and names of columns, number of rows) and
about the types (numbers, booleans, dates and texts). A file without header has no names.

Also measures the processor time for a large file. Requires ``pip install latentmap[benchmarks]``.
"""

import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from common import write_result
from pyarrow import csv as arrow_csv

FILES = Path(__file__).parents[1] / "tests" / "data" / "csv"
N_ROWS, SEED = 900_000, 0
TIMED = ("DuckDB", "polars", "pyarrow", "latentmap")
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


def describe_error(table: pa.Table, expected: dict) -> str:
    """Return "right", or what is wrong in a table."""
    columns = expected["columns"]
    if table.num_columns != len(columns):
        return f"{table.num_columns} columns"
    if table.num_rows != expected["rows"]:
        return f"{table.num_rows} rows"
    if expected["header"] and table.column_names != list(columns):
        return "names"
    pairs = zip(columns.values(), table.schema.types, strict=True)
    n_wrong = sum(kind(expected_type) != kind(arrow_type) for expected_type, arrow_type in pairs)
    return f"{n_wrong} type{'s' * (n_wrong > 1)}" if n_wrong else "right"


def compare(expected: dict[str, dict]) -> dict[str, dict[str, str]]:
    """Return the result of each reader for each file."""
    results: dict[str, dict[str, str]] = {}
    for file, entry in expected.items():
        results[file] = {}
        for name, read in READERS.items():
            try:
                results[file][name] = describe_error(read(FILES / file), entry)
            except Exception:  # each library has its own errors
                results[file][name] = "error"
    return results


def write_large_file(path: Path) -> None:
    """Write a table of about 94 MB: ten numbers, an integer, a category, a date and a boolean."""
    rng = np.random.default_rng(SEED)
    columns = {f"x{i}": np.round(rng.normal(size=N_ROWS), 4) for i in range(10)}
    days = pa.array(rng.integers(0, 20_000, N_ROWS).astype(np.int32)).cast(pa.date32())
    table = {
        **columns,
        "n": rng.integers(0, 10**6, N_ROWS),
        "kind": rng.choice(["red", "green", "blue"], N_ROWS),
        "day": days,
        "ok": rng.choice(["yes", "no"], N_ROWS),
    }
    arrow_csv.write_csv(pa.table(table), path)


def processor_seconds(read: Callable[[Path], pa.Table], path: Path) -> float:
    """Return the least processor time, over all threads, of three readings."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        read(path)
        seconds.append(time.process_time() - start)
    return min(seconds)


def as_markdown(results: dict[str, dict[str, str]], seconds: dict[str, float]) -> str:
    """Return the table of files and readers."""
    lines = [f"| file | {' | '.join(READERS)} |", "|---" * (len(READERS) + 1) + "|"]
    lines += [f"| {file} | {' | '.join(row.values())} |" for file, row in results.items()]
    counts = [sum(row[name] == "right" for row in results.values()) for name in READERS]
    lines.append(f"| right, of {len(results)} | {' | '.join(map(str, counts))} |")
    cells = [f"{seconds[name]:.1f}" if name in seconds else "" for name in READERS]
    lines.append(f"| processor seconds for 94 MB | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Compare the readers, and write the results."""
    warnings.simplefilter("ignore")
    results = compare(json.loads((FILES / "expected.json").read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        write_large_file(path)
        seconds = {name: processor_seconds(READERS[name], path) for name in TIMED}
    metrics: dict[str, object] = {"seed": SEED, "verdicts": results, "seconds": seconds}
    packages = ("duckdb", "polars", "pyarrow", "pandas", "clevercsv")
    write_result("csv_readers", metrics, as_markdown(results, seconds), packages)


if __name__ == "__main__":
    main()
