"""Memory that is taken while a file is read, in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = """
import json, sys
from latentmap.data import open_data
from latentmap.errors import LatentmapError

def peak_bytes():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))

def read(path):
    return open_data(path)[:].nbytes

read(sys.argv[1])  # Modules are imported.
before, n_bytes, error = peak_bytes(), 0, ""
try:
    n_bytes = read(sys.argv[2])
except LatentmapError as exception:
    error = str(exception)
print(json.dumps([peak_bytes() - before, n_bytes, error]))
"""
ROWS = np.random.default_rng(0).normal(size=(250_000, 8))
WRITERS = {
    "rows.npy": lambda path, rows: np.save(path, rows),
    "rows.npz": lambda path, rows: np.savez_compressed(path, x=rows),
    "rows.csv": lambda path, rows: pd.DataFrame(rows.round(4)).to_csv(path, index=False),
    "rows.csv.gz": lambda path, rows: pd.DataFrame(rows.round(4)).to_csv(path, index=False),
    "rows.parquet": lambda path, rows: pd.DataFrame(rows).add_prefix("x").to_parquet(path),
}
# Cells of text and offsets in Arrow, for each number of a text table.
TEXT_BYTES = 16
MARGIN = 16 * 2**20

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not state the peak of memory"
)


def read(folder, name, **variables):
    """Return the growth of memory while a file is read, the size of its rows, and its error."""
    WRITERS[name](folder / f"small.{name}", ROWS[:20])
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder / f"small.{name}", folder / name],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", WRITERS)
def test_an_honest_file_takes_at_most_twice_its_size_and_that_of_its_rows(name, tmp_path):
    WRITERS[name](tmp_path / name, ROWS)
    file_bytes = TEXT_BYTES * ROWS.size if ".csv" in name else (tmp_path / name).stat().st_size
    for _ in range(3):  # If other tests delay its threads, Arrow holds more blocks than usual.
        growth, n_bytes, error = read(tmp_path, name)
        assert not error and n_bytes >= ROWS.nbytes
        if growth < 2 * (n_bytes + file_bytes) + MARGIN:
            return
    pytest.fail(f"reading takes {growth:,} bytes")


@pytest.mark.parametrize("name", ["rows.npz", "rows.parquet"])
def test_a_file_that_unpacks_to_too_much_is_refused_within_the_limit(name, tmp_path):
    WRITERS[name](tmp_path / name, np.zeros((8_000_000, 8)))
    assert (tmp_path / name).stat().st_size < 2**20
    growth, _, error = read(tmp_path, name, LATENTMAP_MEMORY="300MB")
    assert name in error
    assert growth < 300e6


@pytest.mark.parametrize("shape", [(10**9, 8), (10**15, 8), (8, 2**40)])
def test_a_header_that_promises_too_much_takes_no_memory(shape, tmp_path):
    with (tmp_path / "rows.npy").open("wb") as file:
        description = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, description)
        file.write(bytes(1000))
    growth, _, error = read(tmp_path, "rows.npy")
    assert error.startswith("rows.npy: ")
    assert growth < MARGIN
