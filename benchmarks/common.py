"""Code that the benchmarks share: timing, description of the machine, results and tables.

Each benchmark measures all methods in one run, writes benchmarks/results/NAME.json with the
machine, the versions and the seeds, and replaces its table in README.md or in a page of docs/.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
FACES = ROOT.parent / "shared" / "data" / "faces"
PAGES = [
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{n}.md"
        for n in ("analysis", "benchmarks", "dependencies", "map", "photos", "scale", "tables")
    ),
]
PACKAGES = ("latentmap", "keras", "jax", "numpy", "scikit-learn")


def describe_seeds(seeds: Sequence[int]) -> str:
    """Return "medians over the seeds ..." or "seed ..."."""
    numbers = ", ".join(map(str, seeds))
    return f"medians over the seeds {numbers}" if len(seeds) > 1 else f"seed {numbers}"


def describe_machine() -> dict[str, object]:
    """Return the processor, the number of cores in use, the memory and the system."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model.group(1) if model else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def time_call(function: Callable[[], Any]) -> tuple[float, Any]:
    """Call a function; return the seconds that it took and its result."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def best_seconds(function: Callable[[], object]) -> float:
    """Return the shortest of three timings, after one call that warms up."""
    function()
    return min(time_call(function)[0] for _ in range(3))


def matrix_product_rate(size: int = 2048) -> float:
    """Return the float32 operations per second of NumPy's or JAX's product, whichever is faster."""
    import jax

    a, b = np.random.default_rng(0).random((2, size, size), np.float32)
    on_device = [jax.numpy.asarray(m) for m in (a, b)]
    product = jax.jit(jax.numpy.dot)
    functions = (lambda: a @ b, lambda: product(*on_device).block_until_ready())
    return max(2 * size**3 / best_seconds(function) for function in functions)


def median_of(runs: Iterable[dict[str, Any]], *keys: str) -> float:
    """Return the median over runs of the value at nested keys; NaN where a run has none."""
    values = []
    for run in runs:
        value: Any = run
        for key in keys:
            value = value.get(key)
        values.append(float("nan") if value is None else value)
    return statistics.median(values)


def mnist_rows(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and the digits of "fit" or "unseen"."""
    from latentmap.data import load_dataset

    source = load_dataset("mnist", part)
    return source[:], np.asarray(source.labels)


def load_or_fit(path: Path | None, fit: Callable[[], Any]) -> Any:
    """Load a model from a file, or fit it and save it there; always fit it if there is no path."""
    from latentmap import load_model

    if path is not None and path.exists():
        return load_model(path)
    model = fit()
    if path is not None:
        model.save(path)
    return model


def write_result(
    name: str, metrics: dict[str, object], table: str, packages: Sequence[str] = ()
) -> None:
    """Write the metrics as JSON, print the table, and write it into the page with its markers.

    ``packages`` are packages whose versions are stored in addition to the usual ones.
    """
    result = {
        "benchmark": name,
        "date": datetime.date.today().isoformat(),
        "machine": describe_machine(),
        "versions": {p: importlib.metadata.version(p) for p in (*PACKAGES, *packages)},
        **metrics,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(table)
    write_table(name, table)


def write_table(name: str, table: str) -> None:
    """Replace the text between the markers of a benchmark in the pages that have them."""
    begin, end = f"<!-- figures: benchmarks/{name}.py -->", "<!-- end of figures -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    for page in PAGES:
        text, count = pattern.subn(lambda _: f"{begin}\n{table}\n{end}", page.read_text())
        if count:
            page.write_text(text)
