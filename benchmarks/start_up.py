"""Measure small jobs in new processes, from the start of Python to its end.

Each job runs with an empty cache of compiled programs, and again with the cache that this run has
filled. The processor time is that of all threads; it exceeds the elapsed time if threads run at the
same time, and is below it if other processes use the cores.

    python benchmarks/start_up.py
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common import time_call, write_result

REPEATS = 3
FIT = """
import sys
import numpy as np
from latentmap import LatentMap

rows = np.load(sys.argv[1])
LatentMap(random_state=0).fit(rows).transform(rows)
"""
LOAD = """
import sys
from latentmap import load_model
from latentmap.data import open_data

model = load_model(sys.argv[1])
model.inverse_transform(model.transform(open_data(sys.argv[2])))
"""
COMMAND = (sys.executable, "-m", "latentmap")
LOADING = (sys.executable, "-c", LOAD)
# Name of each job, and its arguments in a folder with the files of `write_inputs`.
JOBS = {
    "fit and transform 150 rows of 4 (iris)": (sys.executable, "-c", FIT, "iris.npy"),
    "fit and transform 1,797 rows of 64 (digits)": (sys.executable, "-c", FIT, "digits.npy"),
    "fit and transform 6,000 rows of 384": (sys.executable, "-c", FIT, "vectors.npy"),
    "load an autoencoder; transform and inverse_transform 20 rows": (
        *LOADING,
        "network.safetensors",
        "rows.npy",
    ),
    "the same with a map": (*LOADING, "map.safetensors", "rows.npy"),
    "the same with a map of a table, and a CSV file": (
        *LOADING,
        "table.safetensors",
        "flowers.csv",
    ),
    "`latentmap fit mnist` with its report and plots": (*COMMAND, "fit", "mnist", "--force"),
    "`latentmap fit flowers.csv` with its plots": (*COMMAND, "fit", "flowers.csv"),
    "`latentmap info flowers.safetensors`": (*COMMAND, "info", "flowers.safetensors"),
    "`latentmap datasets`": (*COMMAND, "datasets"),
    "`latentmap fit missing.csv`": (*COMMAND, "fit", "missing.csv"),
    "`latentmap --help`": (*COMMAND, "--help"),
    "`import latentmap`": (sys.executable, "-c", "import latentmap"),
}


def write_inputs(folder: Path) -> None:
    """Write the rows and the models of the jobs."""
    import numpy as np
    from sklearn.datasets import load_digits, load_iris

    from latentmap import AutoEncoder, LatentMap
    from latentmap.data import open_data

    iris = load_iris()
    np.save(folder / "iris.npy", iris.data)
    np.save(folder / "digits.npy", load_digits().data)
    np.save(folder / "vectors.npy", clustered_vectors())
    names = iris.target_names[iris.target]
    lines = [
        f"{','.join(map(str, row))},{name}" for row, name in zip(iris.data, names, strict=True)
    ]
    header = ",".join([*iris.feature_names, "species"])
    (folder / "flowers.csv").write_text("\n".join([header, *lines, ""]))
    digits = load_digits().images
    np.save(folder / "rows.npy", digits[:20])
    AutoEncoder(8, epochs=2, random_state=0).fit(digits).save(folder / "network.safetensors")
    LatentMap(epochs=2, random_state=0).fit(digits).save(folder / "map.safetensors")
    table = LatentMap(epochs=2, random_state=0).fit(open_data(folder / "flowers.csv"))
    table.save(folder / "table.safetensors")


def clustered_vectors() -> Any:
    """Return 6,000 random unit vectors in 40 clusters, shape (6000, 384)."""
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(size=(40, 384))
    vectors = centers[rng.integers(40, size=6000)] + 1.2 * rng.normal(size=(6000, 384))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def run_job(arguments: Sequence[str], folder: Path, cache: Path) -> dict[str, float]:
    """Run a job in a new process; return its elapsed and its processor time in seconds.

    Raise RuntimeError if the job fails; the one with a missing file must fail.
    """
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # Installed packages have bytecode.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, result = time_call(
        lambda: subprocess.run(arguments, cwd=folder, env=environment, capture_output=True)
    )
    if result.returncode != (2 if "missing.csv" in arguments else 0):
        raise RuntimeError(f"{' '.join(arguments)}: {result.stderr.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "processor_seconds": processor}


def measure(folder: Path) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Run all jobs in turns, first without and then with compiled programs."""
    runs: dict[str, dict[str, list]] = {name: {"cold": [], "warm": []} for name in JOBS}
    for _ in range(REPEATS):
        for name, arguments in JOBS.items():
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "warm"):
                    runs[name][state].append(run_job(arguments, folder, Path(cache)))
    return runs


def table(runs: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> str:
    """Return the table as Markdown."""
    lines = [
        "| job in a new process | first time | again | processor time, first | again |",
        "|---|---|---|---|---|",
    ]
    for name, states in runs.items():
        medians = [
            statistics.median(run[key] for run in states[state])
            for key in ("seconds", "processor_seconds")
            for state in ("cold", "warm")
        ]
        lines.append(f"| {name} | {' | '.join(f'{median:.2f} s' for median in medians)} |")
    return "\n".join(
        [
            *lines,
            "",
            f"Medians of {REPEATS} runs, from the start of Python to its end; "
            "`python benchmarks/start_up.py`.",
        ]
    )


def main() -> None:
    """Measure all jobs and write the medians."""
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder))
        runs = measure(Path(folder))
    write_result("start_up", {"runs": runs}, table(runs), ("openTSNE", "matplotlib"))


if __name__ == "__main__":
    main()
