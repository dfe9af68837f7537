"""Damaged and edited files of all kinds raise one sentence of latentmap or give finite results.

``mutations.py`` reads the files in other processes, so that a crash does not end all tests.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "mutations.py"
EDITED = ("rows.safetensors", "table.safetensors", "map.safetensors", "index.safetensors")
FILES = (
    *("rows.safetensors", "index.safetensors", "rows.codes", "rows.npy", "rows.npz", "sparse.npz"),
    *("table.csv", "table.csv.gz", "table.parquet", "kinds.parquet", "table.xlsx"),
    "images/image.png",
)
DAMAGED = tuple(f"bytes of {name}" for name in FILES)


def run_script(folder, *arguments):
    """Run ``mutations.py``; fail the test if it crashes, hangs or finds a failure."""
    command = [sys.executable, str(SCRIPT), str(folder), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-2000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    run_script(folder)
    return folder


def test_a_few_mutations_of_each_kind(folder):
    run_script(folder, 20, *DAMAGED, *EDITED)


@pytest.mark.slow
@pytest.mark.timeout(1500)  # It takes two minutes on two cores without other work.
def test_20_000_mutations(folder):
    """Two processes read 19,200 files with mutated bytes and 800 edited files."""
    jobs = [(1600, DAMAGED[i::4]) for i in range(4)] + [(200, EDITED[i::2]) for i in range(2)]
    assert sum(count * len(names) for count, names in jobs) == 20_000
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: run_script(folder, job[0], *job[1]), jobs))
