"""Time and quality of a map as the rows grow, and what reading from files costs.

Digits made by benchmarks/digits.py out of MNIST's fitted rows are fitted; 10,000 made of its unseen
rows judge. UMAP and PaCMAP, at their defaults, stand beside LatentMap, each run a process of its
own that is stopped after ten minutes. Then the same million rows are fitted from memory, from a
.npy file and from a folder of Parquet files, in turns, once for each seed; medians count. One fit
more or less lucky moves the figures, so maps of any number of rows get several seeds as well.

    python -m pip install --editable '.[benchmarks]'
    python benchmarks/growth.py FOLDER [--rows 10000 100000] [--read 1000000] [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import digits
import numpy as np
from common import ROOT, timed, write_result

from latentmap.data import as_source, open_data
from maps import METHODS, fit_latentmap, judged

SEED = 0  # of the fits beside UMAP and PaCMAP
STOPPED_AFTER = 600
UNSEEN = 10_000
FIGURES = ("fit_seconds", "accuracy_10", "trustworthiness", "mse")
VOTERS = 100_000
COUNTED = ["latentmap", "UMAP", "PaCMAP"]
PLACES = ["memory", "npy", "parquet"]
PACKAGES = ("umap-learn", "pacmap", "numba")


def made(rows: int, part: str = "mnist", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Give so many digits, flat, and their labels."""
    blocks = list(digits.blended(rows, part, seed))
    images, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return images.reshape(len(images), -1), labels


def one(method: str, rows: int, place: str, folder: Path, seed: int) -> dict[str, float]:
    """Fit a method once, and judge it."""
    fitted, labels = made(rows)
    data = where(place, rows, folder, fitted)
    if method != "latentmap":
        data = fitted.astype(np.float32) / 255
    __import__(METHODS[method][1])
    fit = fit_latentmap if method == "latentmap" else METHODS[method][0]
    spent, found = timed(lambda: fit(data, seed))
    some = np.sort(np.random.default_rng(0).permutation(rows)[:VOTERS])
    found = found._replace(codes=found.codes[some])
    unseen, unseen_labels = made(UNSEEN, "mnist:unseen", seed=1)
    unseen = unseen if method == "latentmap" else unseen.astype(np.float32) / 255
    told = judged(found, unseen, found.transform(unseen), [labels[some], unseen_labels])
    if found.error is not None:
        told["mse"] = float(np.mean(found.error(unseen)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"fit_seconds": spent, **told, "peak_gb": peak}


def where(place: str, rows: int, folder: Path, fitted: np.ndarray) -> object:
    """Give the rows where they are to be read from."""
    if place == "memory":
        return fitted
    path = folder / f"{rows}{'.npy' if place == 'npy' else '.folder'}"
    if not path.exists():
        (digits.write_npy if place == "npy" else digits.write_parquet)(path, rows)
    return as_source(open_data(path, label="label" if place == "parquet" else None))


def run(
    method: str, rows: int, place: str, folder: Path, seed: int = SEED
) -> dict[str, float] | None:
    """Run `one` as a process; None if it took too long."""
    asked = [method, str(rows), place, str(seed)]
    command = [sys.executable, __file__, str(folder), "--one", *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=STOPPED_AFTER)
    except subprocess.TimeoutExpired:
        print(f"{method}, {rows:,} rows: stopped after {STOPPED_AFTER} s", flush=True)
        return None
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"{method}, {rows:,} rows from {place}, seed {seed}: {told}", flush=True)
    return told


def medians(told: Iterable[dict[str, float]]) -> dict[str, float]:
    """Give the median of each figure."""
    told = list(told)
    return {figure: statistics.median(one[figure] for one in told) for figure in FIGURES}


def line(name: str, told: dict[str, float] | None) -> str:
    """Write one line of a table."""
    if told is None:
        return f"| {name} | over {STOPPED_AFTER} | – | – | – |"
    mse = f"{told['mse']:.4f}" if "mse" in told else "–"
    figures = f"{told['accuracy_10']:.3f} | {told['trustworthiness']:.3f} | {mse}"
    return f"| {name} | {told['fit_seconds']:.0f} | {figures} |"


def seeded(by_seed: dict[str, dict[str, dict]]) -> list[str]:
    """Write how maps of several seeds fare: the median, and each one's accuracy."""
    names = sorted({seed for told in by_seed.values() for seed in told}, key=int)
    lines = [
        f"| rows | 10-NN, seeds {', '.join(names)} | median | trustworthiness | MSE |",
        "|---|---|---|---|---|",
    ]
    for count, told in sorted(by_seed.items(), key=lambda item: int(item[0])):
        each = ", ".join(f"{told[s]['accuracy_10']:.3f}" if s in told else "–" for s in names)
        middle = medians(told.values())
        figures = f"{middle['accuracy_10']:.3f} | {middle['trustworthiness']:.3f}"
        lines.append(f"| {int(count):,} | {each} | {figures} | {middle['mse']:.4f} |")
    return lines


def table(
    grown: dict[str, dict], read: dict[str, dict], rows: int, by_seed: dict[str, dict]
) -> str:
    """Write all tables."""
    head = "fit s | 10-NN | trustworthiness | MSE |\n|---|---|---|---|---|"
    lines = [f"| rows, method | {head}"]
    for count, methods in sorted(grown.items(), key=lambda item: int(item[0])):
        lines += [line(f"{int(count):,}, {name}", told) for name, told in methods.items()]
    if read:
        lines += ["", f"| {rows:,} rows, read from | {head}"]
        middle = {place: medians(turns.values()) for place, turns in read.items()}
        for place, told in middle.items():
            rate = middle["memory"]["fit_seconds"] / told["fit_seconds"]
            lines.append(line(f"{place}, {rate:.0%} of the rate", told))
    if by_seed:
        lines += ["", *seeded(by_seed)]
    return "\n".join(lines)


def keep(known: dict[str, Any]) -> None:
    """Write what is known so far: all of it takes more than an hour."""
    parts = {name: known[name] for name in ("grown", "read_rows", "read", "by_seed")}
    by_seed = parts["by_seed"]
    if parts["read"]:
        count, memory = str(parts["read_rows"]), parts["read"]["memory"]
        by_seed = by_seed | {count: memory | by_seed.get(count, {})}
    told = table(parts["grown"], parts["read"], parts["read_rows"], by_seed)
    write_result("growth", {"seed": SEED, "unseen": UNSEEN, **parts}, told, PACKAGES)


def main() -> None:
    """Run what is asked, in turns, and write it beside what is known of other numbers of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--rows", type=int, nargs="*", default=[10_000, 30_000, 100_000, 300_000, 1_000_000]
    )
    parser.add_argument("--methods", nargs="+", choices=COUNTED, default=COUNTED)
    parser.add_argument("--read", type=int, default=1_000_000, help="0 leaves that part out")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--seeded", type=int, nargs="*", default=[100_000, 300_000])
    parser.add_argument("--one", nargs=4, metavar=("METHOD", "ROWS", "PLACE", "SEED"))
    asked = parser.parse_args()
    if asked.one:
        method, rows, place, seed = asked.one
        print(json.dumps(one(method, int(rows), place, asked.folder, int(seed))))
        return
    asked.folder.mkdir(exist_ok=True)
    path = ROOT / "benchmarks" / "results" / "growth.json"
    known = {"grown": {}, "read": {}, "read_rows": 0, "by_seed": {}}
    if path.exists():
        known |= json.loads(path.read_text())
    late: set[str] = set()
    for rows in asked.rows:
        for method in asked.methods:
            told = None if method in late else run(method, rows, "memory", asked.folder)
            known["grown"].setdefault(str(rows), {})[method] = told
            late |= {method} if told is None else set()
        keep(known)
    if asked.read:
        known["read_rows"], known["read"] = asked.read, {place: {} for place in PLACES}
    for seed in asked.seeds:
        for place in PLACES if asked.read else []:
            told = run("latentmap", asked.read, place, asked.folder, seed)
            known["read"][place][str(seed)] = told
        for rows in asked.seeded:
            told = run("latentmap", rows, "memory", asked.folder, seed)
            known["by_seed"].setdefault(str(rows), {})[str(seed)] = told
        keep(known)


if __name__ == "__main__":
    main()
