"""Time and quality of a map as the rows grow, and what reading from files costs.

Digits made by benchmarks/digits.py out of MNIST's fitted rows are fitted; 10,000 made of its unseen
rows judge. UMAP and PaCMAP, at their defaults, stand beside LatentMap, each run a process of its
own that is stopped after ten minutes. Then the same million rows are fitted from memory, from a
.npy file and from a folder of Parquet files.

    python -m pip install --editable '.[benchmarks]'
    python benchmarks/growth.py FOLDER [--rows 10000 100000] [--read 1000000]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import digits
import numpy as np
from common import ROOT, timed, write_result
from maps import METHODS, fit_latentmap, judged

from latentmap.data import as_source, open_data

SEED = 0
STOPPED_AFTER = 600
UNSEEN = 10_000
VOTERS = 100_000
COUNTED = ["latentmap", "UMAP", "PaCMAP"]
PLACES = ["memory", "npy", "parquet"]
PACKAGES = ("umap-learn", "pacmap", "numba")


def made(rows: int, part: str = "mnist", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Give so many digits, flat, and their labels."""
    blocks = list(digits.blended(rows, part, seed))
    images, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return images.reshape(len(images), -1), labels


def one(method: str, rows: int, place: str, folder: Path) -> dict[str, float]:
    """Fit a method once, and judge it."""
    fitted, labels = made(rows)
    data = where(place, rows, folder, fitted)
    if method != "latentmap":
        data = fitted.astype(np.float32) / 255
    __import__(METHODS[method][1])
    fit = fit_latentmap if method == "latentmap" else METHODS[method][0]
    spent, found = timed(lambda: fit(data, SEED))
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


def run(method: str, rows: int, place: str, folder: Path) -> dict[str, float] | None:
    """Run `one` as a process; None if it took too long."""
    command = [sys.executable, __file__, str(folder), "--one", method, str(rows), place]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=STOPPED_AFTER)
    except subprocess.TimeoutExpired:
        print(f"{method}, {rows:,} rows: stopped after {STOPPED_AFTER} s", flush=True)
        return None
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"{method}, {rows:,} rows from {place}: {told}", flush=True)
    return told


def line(name: str, told: dict[str, float] | None) -> str:
    """Write one line of a table."""
    if told is None:
        return f"| {name} | over {STOPPED_AFTER} | – | – | – |"
    mse = f"{told['mse']:.4f}" if "mse" in told else "–"
    figures = f"{told['accuracy_10']:.3f} | {told['trustworthiness']:.3f} | {mse}"
    return f"| {name} | {told['fit_seconds']:.0f} | {figures} |"


def table(grown: dict[str, dict], read: dict[str, dict], rows: int) -> str:
    """Write both tables."""
    head = "fit s | 10-NN | trustworthiness | MSE |\n|---|---|---|---|---|"
    lines = [f"| rows, method | {head}"]
    for count, methods in sorted(grown.items(), key=lambda item: int(item[0])):
        lines += [line(f"{int(count):,}, {name}", told) for name, told in methods.items()]
    if read:
        lines += ["", f"| {rows:,} rows, read from | {head}"]
        for place, told in read.items():
            rate = read["memory"]["fit_seconds"] / told["fit_seconds"]
            lines.append(line(f"{place}, {rate:.0%} of the rate", told))
    return "\n".join(lines)


def keep(grown: dict[str, dict], read: dict[str, dict], rows: int) -> None:
    """Write what is known so far: all of it takes more than an hour."""
    figures = {"seed": SEED, "unseen": UNSEEN, "grown": grown, "read_rows": rows, "read": read}
    write_result("growth", figures, table(grown, read, rows), PACKAGES)


def main() -> None:
    """Run what is asked, in turns, and write it beside what is known of other numbers of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--rows", type=int, nargs="*", default=[10_000, 30_000, 100_000, 300_000, 1_000_000]
    )
    parser.add_argument("--read", type=int, default=1_000_000, help="0 leaves that part out")
    parser.add_argument("--one", nargs=3, metavar=("METHOD", "ROWS", "PLACE"))
    asked = parser.parse_args()
    if asked.one:
        method, rows, place = asked.one
        print(json.dumps(one(method, int(rows), place, asked.folder)))
        return
    asked.folder.mkdir(exist_ok=True)
    path = ROOT / "benchmarks" / "results" / "growth.json"
    known = (
        json.loads(path.read_text()) if path.exists() else {"grown": {}, "read": {}, "read_rows": 0}
    )
    grown, read, of_rows = known["grown"], known["read"], asked.read or known["read_rows"]
    late: set[str] = set()
    for rows in asked.rows:
        grown[str(rows)] = {}
        for method in COUNTED:
            told = None if method in late else run(method, rows, "memory", asked.folder)
            grown[str(rows)][method] = told
            late |= {method} if told is None else set()
        keep(grown, read, of_rows)
    if not asked.read:
        return
    for place in PLACES:
        read[place] = run("latentmap", asked.read, place, asked.folder)
    keep(grown, read, of_rows)


if __name__ == "__main__":
    main()
