"""Does `fit` take what it said it would? Seconds and memory, told and happened, case by case.

Every case is a command of its own. What it told is read from the line it prints; what happened is
the time from that line to its end, and the largest resident size that the system saw of it. Workers
are other processes: their largest size is looked up again and again.

    python benchmarks/forecast.py FOLDER [--case NAME ...]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import digits
import numpy as np
from common import ROOT, write_result

from latentmap import LatentMap
from latentmap.data import open_data

CASES = {
    "map of 60,000 digits": "mnist",
    "map of 6,000 digits": "{few}",
    "`-n 32` of 60,000 digits": "mnist -n 32",
    "map of 5,000 rows of 3,000 numbers": "{wide}",
    "map of 200,000 digits, .npy": "{many}",
    "the same, `--memory 1.2GB`": "{many} --memory 1.2GB",
    "map of 1,000,000 digits, `--memory 1.5GB`": "{most} --memory 1.5GB",
    "map of 200,000 digits, a Parquet folder": "{parquet}",
    "map of 20,000 digits, a folder of images": "{images}",
    "`-n 3` of 60,000 digits": "mnist -n 3",
    "`--recipe variational -n 20` of 60,000 digits": "mnist --recipe variational -n 20",
    "`--recipe conv -n 16 --epochs 2` of 6,000 digits": "{few} --recipe conv -n 16 --epochs 2",
    "6,000 digits in negative, into a map of 6,000": "{negative} --continue {map}",
    "200,000 digits into the same map": "{many} --continue {map}",
    "`-n 32 --epochs 4 --workers 2` of 60,000 digits": "mnist -n 32 --epochs 4 --workers 2",
    "map of 200,000 digits, a Parquet folder, `--workers 2`": "{parquet} --workers 2",
}
TOLD = re.compile(
    r"bout ([0-9.]+) (seconds|minutes|hours) and ([0-9.]+) (MB|GB) of memory"
    r"(?: here, ([0-9.]+) (MB|GB) in each worker)?"
)
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "MB": 1e-3, "GB": 1.0}
FAR = 1.3


def data(folder: Path) -> dict[str, Path]:
    """Make the files that the cases read, where they are not there yet."""
    folder.mkdir(exist_ok=True)
    paths = {name: folder / f"{name}.npy" for name in ("few", "negative", "wide", "many", "most")}
    paths |= {name: folder / name for name in ("parquet", "images")}
    paths["map"] = folder / "map.safetensors"
    if not paths["few"].exists():
        np.save(paths["few"], open_data("mnist")[:6000])
    if not paths["wide"].exists():
        rng = np.random.default_rng(0)
        mixed = rng.standard_normal((5000, 40)) @ rng.standard_normal((40, 3000))
        np.save(paths["wide"], (mixed + rng.standard_normal(mixed.shape)).astype(np.float32))
    if not paths["negative"].exists():
        np.save(paths["negative"], 255 - open_data("mnist")[6000:12_000])
    if not paths["map"].exists():
        LatentMap(random_state=0).fit(open_data(paths["few"])).save(paths["map"])
    for name, rows in (("many", 200_000), ("most", 1_000_000)):
        if not paths[name].exists():
            digits.write_npy(paths[name], rows)
    if not paths["parquet"].exists():
        digits.write_parquet(paths["parquet"], 200_000)
    if not paths["images"].exists():
        digits.write_images(paths["images"], 20_000)
    return paths


def measured(words: str, folder: Path) -> dict[str, Any]:
    """Run a fit; give what it told and what happened, in seconds and GB."""
    model = ["-o", str(folder / "model.safetensors")]
    command = [sys.executable, "-m", "latentmap", "fit", *words.split(), *model]
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    started, found, lines = 0.0, None, []
    with watched_workers() as workers:
        for line in process.stderr:
            lines.append(line)
            if found is None and (found := TOLD.search(line)):
                started = time.perf_counter()
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or found is None:
        sys.exit(f"{' '.join(command)}: {''.join(lines)[-2000:]}")
    seconds, unit, size, size_unit, each, each_unit = found.groups()
    told = {
        "told_seconds": round(float(seconds) * UNITS[unit], 1),
        "seconds": round(took, 1),
        "told_gb": round(float(size) * UNITS[size_unit], 2),
        "gb": round(used.ru_maxrss * 1024 / 1e9, 2),
    }
    if each is not None:
        told["told_worker_gb"] = round(float(each) * UNITS[each_unit], 2)
        told["worker_gb"] = round(max(workers) / 1e9, 2)
    return told


@contextlib.contextmanager
def watched_workers() -> Iterator[list[int]]:
    """Keep the largest resident sizes that processes of Ray Train have within the block."""
    over, sizes = threading.Event(), [0]

    def watch() -> None:
        while not over.wait(0.5):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if b"ray::RayTrainWorker" in (process / "cmdline").read_bytes():
                        told = re.search(r"VmHWM:\s+(\d+)", (process / "status").read_text())
                        sizes.append(int(told[1]) * 1024 if told else 0)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield sizes
    finally:
        over.set()
        watching.join()


def table(cases: dict[str, dict[str, Any]]) -> str:
    """Write told and happened side by side."""
    lines = [
        "| | seconds told | happened | told ÷ happened | GB told | happened | told ÷ happened |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in cases.items():
        cells = [name]
        for told, happened in (("told_seconds", "seconds"), ("told_gb", "gb")):
            cells += [f"{case[told]:g}", f"{case[happened]:g}", _ratio(case[told] / case[happened])]
        lines.append("| " + " | ".join(cells) + " |")
        if "worker_gb" in case:
            told, happened = case["told_worker_gb"], case["worker_gb"]
            each = ["each of these workers", *"–––"]
            each += [f"{told:g}", f"{happened:g}", _ratio(told / happened)]
            lines.append("| " + " | ".join(each) + " |")
    return "\n".join([*lines, "", "Bold: off by more than 30 %. `python benchmarks/forecast.py`."])


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if 1 - (FAR - 1) <= ratio <= FAR else f"**{ratio:.2f}**"


def main() -> None:
    """Run the cases, or some of them, and keep what is known of the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--case", choices=list(CASES), nargs="+", default=list(CASES))
    asked = parser.parse_args()
    paths = data(asked.folder)
    results = ROOT / "benchmarks" / "results" / "forecast.json"
    known = json.loads(results.read_text())["cases"] if results.exists() else {}
    for name in asked.case:
        known[name] = measured(CASES[name].format(**paths), asked.folder)
        print(f"{name}: {known[name]}", flush=True)
        cases = {each: known[each] for each in CASES if each in known}
        write_result("forecast", {"seed": 0, "cases": cases}, table(cases))


if __name__ == "__main__":
    main()
