"""What every benchmark tells beside its figures, and where they go.

A benchmark runs both sides in one go, writes benchmarks/results/NAME.json with machine, versions
and seeds, and puts its table into README.md, docs/codes.md or docs/scale.md, between its two
markers.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("codes", "map", "scale")))
PACKAGES = ("latentmap", "keras", "jax", "numpy", "scikit-learn")


def over(seeds: Sequence[int]) -> str:
    """Tell over which seeds figures are medians."""
    told = ", ".join(map(str, seeds))
    return f"medians over the seeds {told}" if len(seeds) > 1 else f"seed {told}"


def machine() -> dict[str, object]:
    """Name the machine: processor, cores in use, memory, system."""
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


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Time an action; give the seconds and what it gave."""
    started = time.perf_counter()
    outcome = action()
    return time.perf_counter() - started, outcome


def seconds(action: Callable[[], object]) -> float:
    """Time an action, the fastest of three after one to warm up."""
    action()
    return min(timed(action)[0] for _ in range(3))


def product_rate(size: int = 2048) -> float:
    """Give the float32 operations a second of the faster matrix product, now."""
    import jax

    a, b = np.random.default_rng(0).random((2, size, size), np.float32)
    on_device = [jax.numpy.asarray(m) for m in (a, b)]
    product = jax.jit(jax.numpy.dot)
    ways = (lambda: a @ b, lambda: product(*on_device).block_until_ready())
    return max(2 * size**3 / seconds(way) for way in ways)


def write_result(
    name: str, figures: dict[str, object], table: str, packages: Sequence[str] = ()
) -> None:
    """Write the figures as JSON, print the table, and put it into the page that has its markers.

    ``packages`` are those whose versions are told beside the usual ones.
    """
    told = (*PACKAGES, *packages)
    result = {
        "benchmark": name,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": {package: importlib.metadata.version(package) for package in told},
        **figures,
    }
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(table)
    for page in PAGES:
        _into_page(page, name, table)


def _into_page(page: Path, name: str, table: str) -> None:
    begin, end = f"<!-- figures: benchmarks/{name}.py -->", "<!-- end of figures -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    text, found = pattern.subn(lambda _: f"{begin}\n{table}\n{end}", page.read_text())
    if found:
        page.write_text(text)
