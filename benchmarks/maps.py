"""Maps of rows in two numbers: PCA, UMAP, PaCMAP, openTSNE and latentmap, on one machine in one go.

MNIST, 60,000 digits fitted and 10,000 unseen, as float32 in 0–1, and small data sets; medians over
the seeds. Every method is at its defaults and uses all cores: UMAP is therefore not given a seed of
its own, which would turn its threads off, but NumPy's global one; and openTSNE is given its
threads. Fitting is timed up to the codes of the fitted
rows. Each run is a process of its own, and the methods take turns, seed by seed. A process first
maps 5,000 random rows, untimed: imports and what Numba and JAX compile are paid there, by all.

    python -m pip install --editable '.[benchmarks]'
    python benchmarks/maps.py [--only UMAP latentmap] [--seeds 0] [--rows 2000]

A run of all methods on all rows writes the results and README's table; the others print it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from common import machine, over, product_rate, seconds, timed, write_result

from latentmap.data import load_dataset
from latentmap.metrics import neighbor_accuracy, trustworthiness

SEEDS = [0, 1, 2]
SMALL = {"digits": False, "wine": True, "breast_cancer": True}
"""Small data sets, and whether each column is divided by its deviation: where units differ."""
WARM_UP = 5000
"""Rows mapped before anything is timed; UMAP takes another way, compiled apart, below 4,096."""


class Map(NamedTuple):
    """What fitting gives."""

    codes: np.ndarray
    """Of the fitted rows, shape (n, 2)."""
    transform: Callable[[np.ndarray], Any]
    error: Callable[[np.ndarray], Any] | None = None
    """Squared error of rows taken to their codes and back, where there is a way back."""
    products: int = 0
    """Multiplications of a row's way to its code, where they are counted."""


def fit_pca(rows: np.ndarray, seed: int) -> Map:
    """Fit scikit-learn's PCA."""
    from sklearn.decomposition import PCA

    model = PCA(2, random_state=seed)
    codes = model.fit_transform(rows)
    return Map(
        codes,
        model.transform,
        lambda new: (new - model.inverse_transform(model.transform(new))) ** 2,
    )


def fit_umap(rows: np.ndarray, seed: int) -> Map:
    """Fit umap-learn."""
    from umap import UMAP

    np.random.seed(seed)  # noqa: NPY002 - what UMAP draws from, unless random_state is set
    model = UMAP()
    return Map(model.fit_transform(rows), model.transform)


def fit_pacmap(rows: np.ndarray, seed: int) -> Map:
    """Fit PaCMAP."""
    from pacmap import PaCMAP

    model = PaCMAP(random_state=seed)
    codes = model.fit_transform(rows)
    return Map(codes, lambda new: model.transform(new, basis=rows))


def fit_opentsne(rows: np.ndarray, seed: int) -> Map:
    """Fit openTSNE."""
    from openTSNE import TSNE

    embedding = TSNE(n_jobs=-1, random_state=seed).fit(rows)
    return Map(np.asarray(embedding), embedding.transform)


def fit_latentmap(rows: np.ndarray, seed: int) -> Map:
    """Fit a LatentMap."""
    from latentmap import LatentMap

    model = LatentMap(random_state=seed).fit(rows)
    network, around = (model.encoder_.get_layer(name) for name in ("places", "around_mode"))
    kernels = [math.prod(w.shape) for w in network.weights if len(w.shape) == 2]
    products = sum(kernels) + around.centers.shape[0] * around.anchors.shape[0]
    return Map(model.transform(rows), model.transform, model.reconstruction_error, products)


METHODS = {
    "PCA": (fit_pca, "sklearn"),
    "UMAP": (fit_umap, "umap"),
    "PaCMAP": (fit_pacmap, "pacmap"),
    "openTSNE": (fit_opentsne, "openTSNE"),
    "latentmap": (fit_latentmap, "latentmap"),
}
"""How each is fitted, and what it imports."""
TRUSTED_ROWS = 5000
PACKAGES = ("umap-learn", "pacmap", "openTSNE", "faiss-cpu", "numba", "scipy")


def flat(name: str, limit: int | None = None) -> tuple[np.ndarray, ...]:
    """Give fitted rows, unseen rows and their labels, at most so many, as (n, d) float32."""
    parts = [load_dataset(name, part) for part in ("fit", "unseen")]
    rows = [part[:limit].reshape(-1, math.prod(part.row_shape)) for part in parts]
    return *(r.astype(np.float32) for r in rows), *(part.labels[:limit] for part in parts)


def small_set(name: str) -> tuple[np.ndarray, ...]:
    """Give a small data set, its columns divided by their deviations if their units differ."""
    fitted, unseen, *labels = flat(name)
    mean = fitted.mean(axis=0)
    deviation = fitted.std(axis=0) if SMALL[name] else np.float32(1)
    return (fitted - mean) / deviation, (unseen - mean) / deviation, *labels


def judged(found: Map, unseen: np.ndarray, codes: np.ndarray, labels: list) -> dict[str, float]:
    """Measure the codes of unseen rows."""
    near = {
        f"accuracy_{k}": neighbor_accuracy(codes, labels[1], found.codes, labels[0], k=k)
        for k in (5, 10)
    }
    most = min(TRUSTED_ROWS, len(unseen))
    some = np.sort(np.random.default_rng(0).choice(len(unseen), most, replace=False))
    return {**near, "trustworthiness": trustworthiness(unseen[some], codes[some])}


def on_mnist(fit: Callable, seed: int, limit: int | None) -> dict[str, Any]:
    """Fit MNIST, timed, and measure."""
    fitted, unseen, *labels = flat("mnist", limit)
    fitted, unseen = fitted / 255, unseen / 255
    fit_seconds, found = timed(lambda: fit(fitted, seed))
    transform_seconds, codes = timed(lambda: np.asarray(found.transform(unseen)))
    figures = {
        "fitted": len(fitted),
        "unseen": len(unseen),
        "fit_seconds": fit_seconds,
        "transform_seconds": transform_seconds,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "mse": float(np.mean(found.error(unseen))) if found.error else None,
        **judged(found, unseen, codes, labels),
    }
    if found.products:
        rate = product_rate()
        took = seconds(lambda: found.transform(unseen))
        figures |= {
            "product_rate": rate,
            "transform_share": 2 * found.products * len(unseen) / took / rate,
        }
    return figures


def on_small_sets(fit: Callable, seed: int) -> dict[str, dict[str, float]]:
    """Fit the small data sets and measure."""
    figures = {}
    for name in SMALL:
        fitted, unseen, *labels = small_set(name)
        found = fit(fitted, seed)
        figures[name] = judged(found, unseen, np.asarray(found.transform(unseen)), labels)
    return figures


def measure(name: str, seed: int, limit: int | None) -> dict[str, Any]:
    """Do one run, in this process."""
    fit, _ = METHODS[name]
    warm = np.random.default_rng(0).random((WARM_UP + 1000, 784), np.float32)
    fit(warm[:WARM_UP], seed).transform(warm[WARM_UP:])
    mnist = on_mnist(fit, seed, limit)
    return {"seed": seed, "mnist": mnist, "small": on_small_sets(fit, seed)}


def run(name: str, seed: int, limit: int | None) -> dict[str, Any]:
    """Do one run in a process of its own; give its figures."""
    command = [sys.executable, __file__, "--measure", "--only", name, "--seeds", str(seed)]
    command += ["--rows", str(limit)] if limit else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{name}, seed {seed}: the run ended with {done.returncode}, for what is above")
    figures = json.loads(done.stdout.splitlines()[-1])
    print(name, figures, file=sys.stderr)
    return figures


def middle(runs: list[dict[str, Any]], *keys: str) -> float:
    """Give the median of one figure over the runs; NaN where they have none."""
    values = []
    for figures in runs:
        for key in keys:
            figures = figures.get(key)
        values.append(math.nan if figures is None else figures)
    return statistics.median(values)


def mnist_table(runs: dict[str, list]) -> list[str]:
    """Lay out the comparison on MNIST."""
    forms = {
        "fit_seconds": ".1f",
        "transform_seconds": ".2f",
        "accuracy_5": ".3f",
        "accuracy_10": ".3f",
        "trustworthiness": ".3f",
        "mse": ".4f",
    }
    lines = [
        "| MNIST in two numbers | fit, s | place unseen rows, s | 5-NN | 10-NN "
        "| trustworthiness | MSE |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, done in runs.items():
        values = [format(middle(done, "mnist", key), form) for key, form in forms.items()]
        lines.append(f"| {name} | {' | '.join(values)} |".replace("nan", "–"))
    return lines


def small_table(runs: dict[str, list]) -> list[str]:
    """Lay out the comparison on small data: accuracy and trustworthiness in one cell."""
    lines = [
        f"| unseen rows: 10-NN, trustworthiness | {' | '.join(runs)} |",
        "|---" * (len(runs) + 1) + "|",
    ]
    for name in SMALL:
        cells = [
            f"{middle(done, 'small', name, 'accuracy_10'):.3f}, "
            f"{middle(done, 'small', name, 'trustworthiness'):.3f}"
            for done in runs.values()
        ]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    return lines


def ratios(runs: dict[str, list]) -> dict[str, dict[str, float]]:
    """Tell how many times longer than latentmap each method takes."""
    ours = runs.get("latentmap", [])
    return {
        name: {
            key: middle(done, "mnist", key) / middle(ours, "mnist", key)
            for key in ("fit_seconds", "transform_seconds")
        }
        for name, done in runs.items()
        if ours and name != "latentmap"
    }


def told(runs: dict[str, list], times: dict[str, dict[str, float]], seeds: list[int]) -> str:
    """Say below the tables what they leave out."""
    sentences = []
    if "UMAP" in times:
        sentences.append(
            f"UMAP takes {times['UMAP']['fit_seconds']:.1f} times as long to fit as latentmap, and "
            f"{times['UMAP']['transform_seconds']:.0f} times as long to place unseen rows; its way "
            "back, which solves for each row anew, is left out."
        )
    if "latentmap" in runs:
        share = middle(runs["latentmap"], "mnist", "transform_share")
        sentences.append(
            f"latentmap's `transform` runs at {share:.0%} of the machine's matrix-product rate."
        )
    here = machine()
    any_run = next(iter(runs.values()))[0]["mnist"]
    sentences.append(
        f"{any_run['fitted']:,} digits fitted, {any_run['unseen']:,} unseen, pixels in 0–1; "
        f"{over(seeds)} on {here['cores']} cores ({here['processor']}); "
        "`python benchmarks/maps.py`."
    )
    return " ".join(sentences)


def report(runs: dict[str, list], seeds: list[int], full: bool) -> None:
    """Print the tables; write them and the figures after a full run."""
    times = ratios(runs)
    table = "\n".join([*mnist_table(runs), "", *small_table(runs), "", told(runs, times, seeds)])
    if full:
        figures = {"seeds": seeds, "times_longer_than_latentmap": times, "runs": runs}
        write_result("maps", figures, table, PACKAGES)
    else:
        print(table)


def check_installed(names: list[str]) -> None:
    """End with one sentence if a method is not installed."""
    modules = {METHODS[name][1] for name in names}
    missing = sorted(module for module in modules if importlib.util.find_spec(module) is None)
    if missing:
        sys.exit(
            f"This benchmark needs {', '.join(missing)}: "
            f"{sys.executable} -m pip install --editable '.[benchmarks]'"
        )


def main() -> None:
    """Run all methods in turns and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--rows", type=int, help="of each part of MNIST, at most")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.only[0], asked.seeds[0], asked.rows)))
        return
    check_installed(asked.only)
    runs: dict[str, list] = {name: [] for name in asked.only}
    for seed in asked.seeds:
        for name in asked.only:
            runs[name].append(run(name, seed, asked.rows))
    full = asked.only == list(METHODS) and not asked.rows
    report(runs, asked.seeds, full)


if __name__ == "__main__":
    main()
