"""Reading of a foreign table or array in a process of its own.

A file can make its reader take minutes or gigabytes, or crash it. The process has a low priority
and limits of its memory and time, so that such a file neither stops nor delays a server.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from latentmap import errors
from latentmap.data.readers import open_data
from latentmap.data.sources import ArraySource, Source
from latentmap.data.table_options import TableOptions
from latentmap.data.tables import Table, TableSchema
from latentmap.errors import FileError, LatentmapError, SettingError, UnknownNameError

MAX_SECONDS = 20  # Maximum processor time.
MAX_MEMORY_BYTES = 450 * 2**20
_MAX_ELAPSED_SECONDS = 120.0
# From -20 to 19; a process with a higher number gets less time while other processes run.
_PRIORITY = 5
# Threads and allocators reserve memory that they do not use, but that counts towards the limit.
_VARIABLES = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**17),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_TIME_SIGNAL = getattr(signal, "SIGXCPU", 0)
_METADATA = "metadata.arrow"
_SCHEMA_NAMES = ("boolean_strings", "has_string_names", "vector_column")


def read_isolated(
    path: Path, n_rows: int, label: str | None = None, options: TableOptions | None = None
) -> tuple[Source, int]:
    """Return the first rows of a file, and the number of its rows.

    Parameters
    ----------
    path : Path
        A file in a folder without other files, to which the process writes the rows.
    n_rows : int
        Maximum number of rows to return.
    label : str, optional
        Column of labels, if the file has it.
    options : TableOptions, optional

    Raises
    ------
    FileError
        If the file needs too much memory or time, or the process crashes.
    LatentmapError
        An error of `open_data`.
    """
    settings = {
        "path": str(path),
        "n_rows": n_rows,
        "label": label,
        "options": {} if options is None else options.to_json(),
    }
    report = _run(path.name, settings)
    if "error" in report:
        raise getattr(errors, report["kind"])(report["error"])
    return _load_rows(path.parent, report), report["total"]


def _run(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Run this module in a new process, and return its report."""
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **_VARIABLES}
    command = [sys.executable, "-P", "-m", "latentmap.data.isolated_reading"]
    try:
        result = subprocess.run(
            command,
            input=json.dumps(settings),
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=_MAX_ELAPSED_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _limit_error(name, f"within {_MAX_ELAPSED_SECONDS:.0f} seconds") from None
    if result.returncode == -_TIME_SIGNAL:
        raise _limit_error(name, f"within {MAX_SECONDS} seconds")
    if result.returncode < 0:  # A signal has ended the process.
        raise FileError(f"{name}: cannot be read, because its reader crashed")
    if result.returncode > 0:
        raise RuntimeError(result.stderr)
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def _limit_error(name: str, limit: str) -> FileError:
    return FileError(f"{name}: expected a file that is read {limit}: use fewer rows or columns")


def _load_rows(folder: Path, report: dict[str, Any]) -> Source:
    from pyarrow import feather

    if report["schema"] is None:
        numbers = np.load(folder / "rows.npy", allow_pickle=False)
        rows: Source = ArraySource(numbers, feature_names=report["feature_names"])
    else:
        table = feather.read_table(folder / "rows.arrow", memory_map=False)
        rows = Table.from_arrow(table, TableSchema(table.schema, **report["schema"]), "")
    rows.labels = None if report["labels"] is None else np.array(report["labels"])
    if report["has_metadata"]:
        rows.metadata = Table(feather.read_table(folder / _METADATA, memory_map=False))
    return rows


def main() -> None:
    """Read the file that the standard input names, and print a report."""
    settings = json.load(sys.stdin)
    if "text_model" not in settings["options"]:  # A language model exceeds the limits.
        _limit_resources()
    path = Path(settings["path"])
    try:
        report = _read(path, settings)
    except UnknownNameError as error:
        report = {"error": str(error), "kind": "SettingError"}
    except MemoryError:
        limit = f"with at most {MAX_MEMORY_BYTES >> 20} MB of memory"
        report = {"error": str(_limit_error(path.name, limit)), "kind": "FileError"}
    except LatentmapError as error:
        report = {"error": str(error), "kind": type(error).__name__}
    print(json.dumps(report))


def _limit_resources() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limits.
        import resource

        os.nice(_PRIORITY)
        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS + 1))


def _read(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    rows = _open(path, settings["label"], TableOptions(**settings["options"]))
    sample = rows.subset(np.arange(min(len(rows), settings["n_rows"])))
    schema = sample.table_schema
    _save(sample, path.parent)
    return {
        "total": len(rows),
        "feature_names": sample.feature_names,
        "has_metadata": sample.metadata is not None,
        "labels": None if sample.labels is None else np.asarray(sample.labels).tolist(),
        "schema": schema and {name: getattr(schema, name) for name in _SCHEMA_NAMES},
    }


def _open(path: Path, label: str | None, options: TableOptions) -> Source:
    if label is not None:
        with contextlib.suppress(SettingError):
            return open_data(path, label=label, options=options)
    return open_data(path, options=options)


def _save(sample: Source, folder: Path) -> None:
    from pyarrow import feather

    values: Any = sample[:]
    if sample.table_schema is None:
        np.save(folder / "rows.npy", values, allow_pickle=False)
    else:
        feather.write_feather(values, folder / "rows.arrow", compression="uncompressed")
    if sample.metadata is not None:
        metadata: Any = sample.metadata[:]
        feather.write_feather(metadata, folder / _METADATA, compression="uncompressed")


if __name__ == "__main__":
    main()
