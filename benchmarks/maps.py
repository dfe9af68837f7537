"""Compare two-dimensional maps of ten methods on one machine.

The data are 60,000 fitted and 10,000 unseen digits of MNIST, 20,000 and 4,000 embeddings of
sentences, and small sets (map_data.py); map_methods.py states the settings of the methods. All
metrics are of unseen rows. On the large sets they are medians over the seeds; on the small sets,
means and standard errors over rows and seeds.

Each run of a method and a seed is a separate process, and the methods run in turns for each seed.
On the large sets the process first maps random rows, so that the times do not include imports and
the compilation by Numba and JAX. The time of fitting includes the codes of the fitted rows. The
time of placing all unseen rows is that of a second call. A method that does not fit a set within
the time limit is not run again on that set.

    python -m pip install --editable '.[benchmarks]'
    python -m pip install --no-deps parampacmap  # Its metadata excludes current NumPy and Numba.
    python benchmarks/maps.py [--data mnist iris] [--only UMAP latentmap] [--seeds 0] [--rows 2000]

UMAP imports torchvision if it is installed; it must then be of the same build (CPU
or CUDA) as PyTorch, or be removed. Where a method cannot be imported, the run says why and goes on.

A run of all methods on all rows of all sets writes the results and the tables in README.md. Other
runs print the tables, and write them with `--write`. With `--record FILE`, runs that are in the
file are not repeated, and other runs are added to it; use a new file after a change of the code.
The same command with the same file again writes the tables of the recorded runs within seconds:

    python benchmarks/maps.py --record runs.jsonl --write [--data mnist] [--only UMAP latentmap]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import resource
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from common import time_call, write_result
from map_data import CACHE, LARGE_SETS, MAP_SETS, MapData, load_map_data
from map_methods import METHODS, FittedMap, Method
from map_metrics import measure_codes, standard_errors
from map_tables import Runs, compare_sets, report_text

LARGE_SEEDS, SMALL_SEEDS = [0, 1, 2], [0, 1, 2, 3, 4]
TIME_LIMIT = 300
PACKAGES = (
    *("umap-learn", "pacmap", "trimap", "openTSNE", "parampacmap", "contrastive-ne"),
    *("tensorflow", "torch", "faiss-cpu", "numba", "scipy"),
)


def fit_within(method: Method, data: MapData, seed: int, limit: int) -> tuple[float, FittedMap]:
    """Fit a method; SIGALRM ends this process if it takes longer than the limit."""
    signal.alarm(limit)
    seconds, result = time_call(lambda: method.fit(data, seed))
    signal.alarm(0)
    return seconds, result


def warm_up(method: Method, n_columns: int) -> None:
    """Map random rows, so that libraries are imported and code is compiled."""
    rows = np.random.default_rng(0).random((method.warm_up_rows + 500, n_columns), np.float32)
    labels = np.zeros(len(rows), int)
    n = method.warm_up_rows
    method.fit(MapData(rows[:n], rows[n:], labels[:n], labels[n:]), 0).transform(rows[n:])


def measure(name: str, set_name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Fit a method to a set in this process, and measure times, memory and codes."""
    method, data = METHODS[name], load_map_data(set_name, options.rows, options.cache)
    if set_name in LARGE_SETS:
        warm_up(method, data.fitted.shape[1])
    fit_seconds, result = fit_within(method, data, seed, options.limit)
    result.transform(data.unseen)
    transform_seconds, codes = time_call(lambda: np.asarray(result.transform(data.unseen)))
    run = {
        "fitted": len(data.fitted),
        "unseen": len(data.unseen),
        "fit_seconds": fit_seconds,
        "transform_seconds": transform_seconds if method.places_new_rows else None,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        **measure_codes(data, result.codes, codes, result.inverse),
    }
    if set_name not in LARGE_SETS:
        run["errors"] = standard_errors(data, result.codes, codes, result.inverse)
    return run


def measure_sets(name: str, seed: int, options: argparse.Namespace) -> None:
    """Measure a method on sets; print one line of JSON for each, also if it fails."""
    for set_name in options.data:
        try:
            run = measure(name, set_name, seed, options)
        except Exception as error:
            run = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps({"set": set_name, "seed": seed, **run}), flush=True)


def run_process(
    name: str, seed: int, sets: list[str], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Measure a method on sets in new processes; a set that exceeds the limit ends a process."""
    command = [sys.executable, __file__, "--measure", "--only", name, "--seeds", str(seed)]
    command += ["--limit", str(options.limit), "--cache", str(options.cache)]
    command += ["--rows", str(options.rows)] if options.rows else []
    runs: list[dict[str, Any]] = []
    while len(runs) < len(sets):
        rest = sets[len(runs) :]
        process = subprocess.run([*command, "--data", *rest], stdout=subprocess.PIPE, text=True)
        lines = [line for line in process.stdout.splitlines() if line.startswith('{"set"')]
        runs += [json.loads(line) for line in lines]
        if process.returncode == -signal.SIGALRM:
            runs.append({"set": rest[len(lines)], "seed": seed, "over_limit": options.limit})
        elif process.returncode:
            sys.exit(f"{name}, seed {seed}: exit status {process.returncode}; see above")
    return runs


def recorded_runs(path: Path | None) -> list[dict[str, Any]]:
    """Return the runs of an interrupted benchmark."""
    lines = path.read_text().splitlines() if path and path.exists() else []
    return [json.loads(line) for line in lines]


def run_and_record(
    name: str, seed: int, sets: list[str], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return recorded runs of a method; run it on the other sets and record these runs."""
    key = {"method": name, "seed": seed}
    runs = [
        r for r in recorded_runs(options.record) if r["set"] in sets and key.items() <= r.items()
    ]
    recorded_sets = {run["set"] for run in runs}
    new = run_process(name, seed, [s for s in sets if s not in recorded_sets], options)
    new = [key | run for run in new]
    for run in new:
        print(run, file=sys.stderr, flush=True)
    if options.record:
        with options.record.open("a") as file:
            file.writelines(json.dumps(run) + "\n" for run in new)
    return runs + new


def run_in_turns(sets: list[str], seeds: list[int], options: argparse.Namespace) -> Runs:
    """Measure the methods in turns for each seed, unless they exceeded the limit before."""
    runs: Runs = {name: {s: [] for s in sets} for name in options.only}
    for seed in seeds:
        for name in options.only:
            pending = [s for s in sets if not any("over_limit" in r for r in runs[name][s])]
            for run in run_and_record(name, seed, pending, options):
                runs[name][run["set"]].append(run)
    return runs


def why_missing(name: str) -> str | None:
    """Return the error of importing a method's module in a new process, or None."""
    command = [sys.executable, "-W", "ignore", "-c", f"import {METHODS[name].module}"]
    process = subprocess.run(command, capture_output=True, text=True)
    return process.stderr.strip().splitlines()[-1] if process.returncode else None


def select_available(options: argparse.Namespace) -> Runs:
    """Remove the methods that cannot be imported, say so, and return a run with the reason."""
    reasons = {name: why_missing(name) for name in options.only}
    missing = {name: reason for name, reason in reasons.items() if reason}
    for name, reason in missing.items():
        print(f"{name} is not available: {reason}", file=sys.stderr, flush=True)
    options.only = [name for name in options.only if name not in missing]
    return {
        name: {s: [{"set": s, "missing": reason}] for s in options.data}
        for name, reason in missing.items()
    }


def run_all(options: argparse.Namespace) -> Runs:
    """Measure the methods on the large sets, one set in each process, and on the small sets."""
    names, runs = options.only, select_available(options)
    groups = [([s], options.seeds or LARGE_SEEDS) for s in options.data if s in LARGE_SETS]
    groups.append(([s for s in options.data if s not in LARGE_SETS], options.seeds or SMALL_SEEDS))
    for sets, seeds in groups:
        for name, results in run_in_turns(sets, seeds, options).items():
            runs.setdefault(name, {}).update(results)
    return {name: runs[name] for name in names}


def installed_packages() -> list[str]:
    """Return the packages that are installed."""
    names = {distribution.name for distribution in importlib.metadata.distributions()}
    return [package for package in PACKAGES if package in names]


def report(runs: Runs, options: argparse.Namespace, is_written: bool) -> None:
    """Print the tables, and write them and the results if ``is_written``."""
    seeds = [options.seeds] * 2 if options.seeds else [LARGE_SEEDS, SMALL_SEEDS]
    large, small = (", ".join(map(str, numbers)) for numbers in seeds)
    parts = []
    if any(name in LARGE_SETS for name in options.data):
        parts.append(f"large sets: median of the seeds {large}")
    if any(name not in LARGE_SETS for name in options.data):
        parts.append(f"small sets: mean and standard error over rows and the seeds {small}")
    text = "; ".join(parts)
    settings = f"{text[0].upper()}{text[1:]}; at most {options.limit} s to fit,"
    text = report_text(runs, options.data, settings)
    if not is_written:
        print(text)
        return
    results = {
        "seeds": {"large": seeds[0], "small": seeds[1]},
        "limit_seconds": options.limit,
        "comparisons": [asdict(c) for c in compare_sets(runs, options.data)],
        "runs": runs,
    }
    write_result("maps", results, text, installed_packages())


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--data", nargs="+", choices=MAP_SETS, default=list(MAP_SETS))
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of those of the full run")
    parser.add_argument("--rows", type=int, help="maximum number of rows of each part of a set")
    parser.add_argument("--limit", type=int, default=TIME_LIMIT, help="seconds to fit a method")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of embeddings")
    parser.add_argument(
        "--record", type=Path, help="file of finished runs, to continue an interrupted benchmark"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the tables of README.md also after a part"
    )
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Run all methods in turns and report the metrics."""
    options = parse_options()
    if options.measure:
        measure_sets(options.only[0], options.seeds[0], options)
        return
    is_full = (options.only, options.data) == (list(METHODS), list(MAP_SETS))
    is_full = is_full and options.seeds is None and options.rows is None
    report(run_all(options), options, is_full or options.write)


if __name__ == "__main__":
    main()
