"""Compare two-dimensional maps of PCA, UMAP, PaCMAP, openTSNE and latentmap on one machine.

The data are 60,000 fitted and 10,000 unseen digits of MNIST, as float32 in 0–1, and small data
sets; the figures are medians over the seeds. Every method uses its defaults and all cores. UMAP
uses one thread if it is given a seed, so NumPy's global generator is seeded instead; openTSNE is
given all threads. The time of fitting includes the codes of the fitted rows. Each run is a separate
process, and the methods run in turns for each seed. Each process first maps 5,000
random rows, so that the figures do not include imports and the compilation by Numba and JAX.

    python -m pip install --editable '.[benchmarks]'
    python benchmarks/maps.py [--only UMAP latentmap] [--seeds 0] [--rows 2000]

A run of all methods on all rows writes the results and the table in README.md; other runs print
the table.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from common import (
    best_seconds,
    describe_machine,
    describe_seeds,
    matrix_product_rate,
    median_of,
    time_call,
    write_result,
)

from latentmap.data import load_dataset
from latentmap.metrics import neighbor_accuracy, trustworthiness

SEEDS = [0, 1, 2]
# Small data sets, and whether their columns are standardised because their units differ.
SMALL_SETS = {"digits": False, "wine": True, "breast_cancer": True}
# Rows of the warm-up; below 4,096 rows UMAP would compile other code.
WARM_UP_ROWS = 5000


class FittedMap(NamedTuple):
    """A fitted method.

    Attributes
    ----------
    codes : ndarray of shape (n, 2)
        Codes of the fitted rows.
    transform : callable
        Returns the codes of rows.
    error : callable or None
        Returns the squared errors of the reconstructions of rows.
    n_products : int
        Number of multiplications to encode a row, 0 if they are not counted.
    """

    codes: np.ndarray
    transform: Callable[[np.ndarray], Any]
    error: Callable[[np.ndarray], Any] | None = None
    n_products: int = 0


def fit_pca(rows: np.ndarray, seed: int) -> FittedMap:
    """Fit scikit-learn's PCA."""
    from sklearn.decomposition import PCA

    model = PCA(2, random_state=seed)
    codes = model.fit_transform(rows)
    return FittedMap(
        codes,
        model.transform,
        lambda new: (new - model.inverse_transform(model.transform(new))) ** 2,
    )


def fit_umap(rows: np.ndarray, seed: int) -> FittedMap:
    """Fit umap-learn."""
    from umap import UMAP

    np.random.seed(seed)  # noqa: NPY002 - used by UMAP unless random_state is set
    model = UMAP()
    return FittedMap(model.fit_transform(rows), model.transform)


def fit_pacmap(rows: np.ndarray, seed: int) -> FittedMap:
    """Fit PaCMAP."""
    from pacmap import PaCMAP

    model = PaCMAP(random_state=seed)
    codes = model.fit_transform(rows)
    return FittedMap(codes, lambda new: model.transform(new, basis=rows))


def fit_opentsne(rows: np.ndarray, seed: int) -> FittedMap:
    """Fit openTSNE."""
    from openTSNE import TSNE

    embedding = TSNE(n_jobs=-1, random_state=seed).fit(rows)
    return FittedMap(np.asarray(embedding), embedding.transform)


def fit_latentmap(rows: np.ndarray, seed: int) -> FittedMap:
    """Fit a LatentMap."""
    from latentmap import LatentMap

    model = LatentMap(random_state=seed).fit(rows)
    logits_layer = model.encoder_.get_layer("landmark_logits")
    mode_layer = model.encoder_.get_layer("around_mode")
    kernels = [math.prod(w.shape) for w in logits_layer.weights if len(w.shape) == 2]
    products = sum(kernels) + mode_layer.centers.shape[0] * mode_layer.anchors.shape[0]
    return FittedMap(model.transform(rows), model.transform, model.reconstruction_error, products)


# The function that fits a method, and the module that it imports.
METHODS = {
    "PCA": (fit_pca, "sklearn"),
    "UMAP": (fit_umap, "umap"),
    "PaCMAP": (fit_pacmap, "pacmap"),
    "openTSNE": (fit_opentsne, "openTSNE"),
    "latentmap": (fit_latentmap, "latentmap"),
}
TRUSTWORTHINESS_ROWS = 5000
PACKAGES = ("umap-learn", "pacmap", "openTSNE", "faiss-cpu", "numba", "scipy")


def flat_rows(name: str, limit: int | None = None) -> tuple[np.ndarray, ...]:
    """Return fitted and unseen rows as float32 of shape (n, d), and their labels."""
    parts = [load_dataset(name, part) for part in ("fit", "unseen")]
    rows = [part[:limit].reshape(-1, math.prod(part.row_shape)) for part in parts]
    return *(r.astype(np.float32) for r in rows), *(part.labels[:limit] for part in parts)


def small_set(name: str) -> tuple[np.ndarray, ...]:
    """Return a small data set, standardised if the units of its columns differ."""
    fitted, unseen, *labels = flat_rows(name)
    mean = fitted.mean(axis=0)
    deviation = fitted.std(axis=0) if SMALL_SETS[name] else np.float32(1)
    return (fitted - mean) / deviation, (unseen - mean) / deviation, *labels


def measure_codes(
    result: FittedMap, unseen: np.ndarray, codes: np.ndarray, labels: list
) -> dict[str, float]:
    """Measure the codes of unseen rows."""
    accuracies = {
        f"accuracy_{k}": neighbor_accuracy(codes, labels[1], result.codes, labels[0], k=k)
        for k in (5, 10)
    }
    size = min(TRUSTWORTHINESS_ROWS, len(unseen))
    sample = np.sort(np.random.default_rng(0).choice(len(unseen), size, replace=False))
    return {**accuracies, "trustworthiness": trustworthiness(unseen[sample], codes[sample])}


def measure_mnist(fit: Callable, seed: int, limit: int | None) -> dict[str, Any]:
    """Fit MNIST, and measure time, memory and codes."""
    fitted, unseen, *labels = flat_rows("mnist", limit)
    fitted, unseen = fitted / 255, unseen / 255
    fit_seconds, result = time_call(lambda: fit(fitted, seed))
    transform_seconds, codes = time_call(lambda: np.asarray(result.transform(unseen)))
    metrics = {
        "fitted": len(fitted),
        "unseen": len(unseen),
        "fit_seconds": fit_seconds,
        "transform_seconds": transform_seconds,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "mse": float(np.mean(result.error(unseen))) if result.error else None,
        **measure_codes(result, unseen, codes, labels),
    }
    if result.n_products:
        rate = matrix_product_rate()
        seconds = best_seconds(lambda: result.transform(unseen))
        metrics |= {
            "product_rate": rate,
            "transform_share": 2 * result.n_products * len(unseen) / seconds / rate,
        }
    return metrics


def measure_small_sets(fit: Callable, seed: int) -> dict[str, dict[str, float]]:
    """Fit the small data sets, and measure their codes."""
    metrics = {}
    for name in SMALL_SETS:
        fitted, unseen, *labels = small_set(name)
        result = fit(fitted, seed)
        metrics[name] = measure_codes(result, unseen, np.asarray(result.transform(unseen)), labels)
    return metrics


def measure(name: str, seed: int, limit: int | None) -> dict[str, Any]:
    """Measure a method in this process."""
    fit, _ = METHODS[name]
    random_rows = np.random.default_rng(0).random((WARM_UP_ROWS + 1000, 784), np.float32)
    fit(random_rows[:WARM_UP_ROWS], seed).transform(random_rows[WARM_UP_ROWS:])
    mnist = measure_mnist(fit, seed, limit)
    return {"seed": seed, "mnist": mnist, "small": measure_small_sets(fit, seed)}


def run(name: str, seed: int, limit: int | None) -> dict[str, Any]:
    """Measure a method in a new process; return its metrics."""
    command = [sys.executable, __file__, "--measure", "--only", name, "--seeds", str(seed)]
    command += ["--rows", str(limit)] if limit else []
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if process.returncode:
        sys.exit(f"{name}, seed {seed}: exit status {process.returncode}; see above")
    metrics = json.loads(process.stdout.splitlines()[-1])
    print(name, metrics, file=sys.stderr)
    return metrics


def mnist_table(runs: dict[str, list]) -> list[str]:
    """Return the table on MNIST."""
    forms = {
        "fit_seconds": ".1f",
        "transform_seconds": ".2f",
        "accuracy_5": ".3f",
        "accuracy_10": ".3f",
        "trustworthiness": ".3f",
        "mse": ".4f",
    }
    lines = [
        "| MNIST in two dimensions | fit, s | transform unseen rows, s | 5-NN | 10-NN "
        "| trustworthiness | MSE |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, results in runs.items():
        values = [format(median_of(results, "mnist", key), form) for key, form in forms.items()]
        lines.append(f"| {name} | {' | '.join(values)} |".replace("nan", "–"))
    return lines


def small_table(runs: dict[str, list]) -> list[str]:
    """Return the table on small data sets: accuracy and trustworthiness in one cell."""
    lines = [
        f"| 10-NN, trustworthiness of unseen rows | {' | '.join(runs)} |",
        "|---" * (len(runs) + 1) + "|",
    ]
    for name in SMALL_SETS:
        cells = [
            f"{median_of(results, 'small', name, 'accuracy_10'):.3f}, "
            f"{median_of(results, 'small', name, 'trustworthiness'):.3f}"
            for results in runs.values()
        ]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    return lines


def ratios(runs: dict[str, list]) -> dict[str, dict[str, float]]:
    """Return the times of each method relative to those of latentmap."""
    reference = runs.get("latentmap", [])
    return {
        name: {
            key: median_of(results, "mnist", key) / median_of(reference, "mnist", key)
            for key in ("fit_seconds", "transform_seconds")
        }
        for name, results in runs.items()
        if reference and name != "latentmap"
    }


def caption(runs: dict[str, list], times: dict[str, dict[str, float]], seeds: list[int]) -> str:
    """Return the text below the tables."""
    sentences = []
    if "UMAP" in times:
        sentences.append(
            f"UMAP takes {times['UMAP']['fit_seconds']:.1f} times as long to fit as latentmap, and "
            f"{times['UMAP']['transform_seconds']:.0f} times as long to transform unseen rows; its "
            "`inverse_transform`, which optimises each row, is not measured."
        )
    if "latentmap" in runs:
        share = median_of(runs["latentmap"], "mnist", "transform_share")
        sentences.append(
            f"latentmap's `transform` runs at {share:.0%} of the machine's matrix-product rate."
        )
    machine = describe_machine()
    first_run = next(iter(runs.values()))[0]["mnist"]
    sentences.append(
        f"{first_run['fitted']:,} digits fitted, {first_run['unseen']:,} unseen, pixels in 0–1; "
        f"{describe_seeds(seeds)} on {machine['cores']} cores ({machine['processor']}); "
        "`python benchmarks/maps.py`."
    )
    return " ".join(sentences)


def report(runs: dict[str, list], seeds: list[int], full: bool) -> None:
    """Print the tables; write them and the results after a full run."""
    times = ratios(runs)
    table = "\n".join([*mnist_table(runs), "", *small_table(runs), "", caption(runs, times, seeds)])
    if full:
        metrics = {"seeds": seeds, "times_longer_than_latentmap": times, "runs": runs}
        write_result("maps", metrics, table, PACKAGES)
    else:
        print(table)


def check_installed(names: list[str]) -> None:
    """Exit with a message if a method is not installed."""
    modules = {METHODS[name][1] for name in names}
    missing = sorted(module for module in modules if importlib.util.find_spec(module) is None)
    if missing:
        sys.exit(
            f"This benchmark needs {', '.join(missing)}: "
            f"{sys.executable} -m pip install --editable '.[benchmarks]'"
        )


def main() -> None:
    """Run all methods in turns and report the metrics."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--rows", type=int, help="maximum number of rows of each part of MNIST")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.only[0], options.seeds[0], options.rows)))
        return
    check_installed(options.only)
    runs: dict[str, list] = {name: [] for name in options.only}
    for seed in options.seeds:
        for name in options.only:
            runs[name].append(run(name, seed, options.rows))
    full = options.only == list(METHODS) and not options.rows
    report(runs, options.seeds, full)


if __name__ == "__main__":
    main()
