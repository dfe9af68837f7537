"""What codes keep: latentmap beside PCA, on rows that neither was fitted to.

MNIST, 60,000 digits fitted and 10,000 unseen, with default settings: squared error of the
reconstruction and 10-nearest-neighbour accuracy of the codes, medians over the seeds; and the
negative evidence lower bound of the variational autoencoder. Then small data sets, where PCA is
hard to beat. scikit-learn's PCA is exact there.

    python benchmarks/quality.py [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import numpy as np
from common import ROOT, over, write_result
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from latentmap import AutoEncoder, VariationalAutoEncoder
from latentmap.data import open_data
from latentmap.metrics import neighbor_accuracy

FACES = ROOT.parent / "shared" / "data" / "faces"


def squared_error(model: Any, rows: np.ndarray) -> float:
    """Give the mean squared error of rows taken to their codes and back."""
    back = model.inverse_transform(model.transform(rows))
    return float(np.mean((rows - back.reshape(rows.shape)) ** 2, dtype=np.float64))


def judged(model: Any, fitted: np.ndarray, unseen: np.ndarray, labels: tuple) -> dict[str, float]:
    """Fit a model and measure it on unseen rows."""
    started = time.perf_counter()
    model.fit(fitted)
    seconds = time.perf_counter() - started
    codes = model.transform(fitted), model.transform(unseen)
    return {
        "mse": squared_error(model, unseen),
        "accuracy": neighbor_accuracy(codes[1], labels[1], codes[0], labels[0], k=10),
        "seconds": seconds,
    }


def mnist(seeds: list[int]) -> list[dict[str, Any]]:
    """Compare on MNIST, for several sizes of the code."""
    fit, new = open_data("mnist"), open_data("mnist:unseen")
    fitted, unseen = (part[:].reshape(-1, 784) for part in (fit, new))
    labels = (fit.labels, new.labels)
    rows = []
    for k in (2, 16, 32, 64):
        pca = judged(
            PCA(k, random_state=0), fitted / np.float32(255), unseen / np.float32(255), labels
        )
        runs = [judged(AutoEncoder(k, random_state=s), fitted, unseen, labels) for s in seeds]
        for run in runs:
            run["mse"] /= 255**2
        rows.append({"n_components": k, "pca": pca, "runs": runs})
        print(rows[-1], file=sys.stderr)
    return rows


def variational(seeds: list[int]) -> list[dict[str, Any]]:
    """Give the variational bound on binarised digits, drawn by their grey and cut at one half."""
    fitted, unseen = (open_data(name)[:] / 255.0 for name in ("mnist", "mnist:unseen"))
    rng = np.random.default_rng(0)
    ways = {
        "drawn": lambda rows: (rng.random(rows.shape) < rows).astype(np.uint8),
        "cut at one half": lambda rows: (rows > 0.5).astype(np.uint8),
    }
    rows = []
    for name, binarise in ways.items():
        binary, binary_unseen = binarise(fitted), binarise(unseen)
        for seed in seeds:
            started = time.perf_counter()
            model = VariationalAutoEncoder(20, random_state=seed).fit(binary)
            seconds = time.perf_counter() - started
            nats = -model.score(binary_unseen)
            rows.append({"binarised": name, "seed": seed, "nats": nats, "seconds": seconds})
            print(rows[-1], file=sys.stderr)
    return rows


def small_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give (fitted, unseen) rows of the small data sets."""
    loaders = {"digits": load_digits, "wine": load_wine, "breast cancer": load_breast_cancer}
    sets = {}
    for name, load in loaders.items():
        fitted, unseen = train_test_split(load().data, test_size=0.25, random_state=0)
        scaler = StandardScaler().fit(fitted)
        sets[name] = scaler.transform(fitted), scaler.transform(unseen)
    if FACES.is_dir():
        faces = open_data(FACES)[:].reshape(400, -1) / 255.0
        sets["faces"] = faces[:300], faces[300:]
    return sets


def small() -> list[dict[str, Any]]:
    """Compare with exact PCA on the small data sets."""
    rows = []
    for name, (fitted, unseen) in small_sets().items():
        for k in (2, 16, 64):
            if k < min(fitted.shape):
                pca = squared_error(PCA(k, svd_solver="full").fit(fitted), unseen)
                model = AutoEncoder(k, random_state=0).fit(fitted)
                mse, kept = squared_error(model, unseen), model.network_kept_
                rows.append({"data": name, "n_components": k, "pca": pca, "mse": mse, "kept": kept})
                print(rows[-1], file=sys.stderr)
    return rows


def mnist_table(rows: list[dict[str, Any]]) -> list[str]:
    """Lay out the comparison on MNIST."""
    lines = [
        "| MNIST, numbers in a code | MSE, PCA | MSE, latentmap | 10-NN, PCA | 10-NN, latentmap "
        "| fit, s |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ours = {key: statistics.median(r[key] for r in row["runs"]) for key in row["pca"]}
        lines.append(
            f"| {row['n_components']} | {row['pca']['mse']:.4f} | {ours['mse']:.4f} "
            f"| {row['pca']['accuracy']:.3f} | {ours['accuracy']:.3f} | {ours['seconds']:.0f} |"
        )
    return lines


def small_table(rows: list[dict[str, Any]]) -> list[str]:
    """Lay out the comparison on small data."""
    lines = [
        "| unseen rows of | numbers in a code | MSE, PCA | MSE, latentmap | |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        what = "network kept" if row["kept"] else "PCA kept"
        lines.append(
            f"| {row['data']} | {row['n_components']} | {row['pca']:.4g} | {row['mse']:.4g} "
            f"| {what} |"
        )
    return lines


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    seeds = parser.parse_args().seeds
    figures = {"seeds": seeds, "small": small(), "mnist": mnist(seeds)}
    figures["variational"] = variational(seeds)
    nats = {
        way: statistics.median(r["nats"] for r in figures["variational"] if r["binarised"] == way)
        for way in ("drawn", "cut at one half")
    }
    seconds = statistics.median(r["seconds"] for r in figures["variational"])
    told = ", ".join(f"{value:.1f} nats where they are {way}" for way, value in nats.items())
    lines = [
        *mnist_table(figures["mnist"]),
        "",
        *small_table(figures["small"]),
        "",
        f"`VariationalAutoEncoder(20)`: negative evidence lower bound of unseen binarised digits "
        f"{told}, fitted in {seconds:.0f} s. Figures are {over(seeds)} "
        f"on two cores; `python benchmarks/quality.py`.",
    ]
    write_result("quality", figures, "\n".join(lines))


if __name__ == "__main__":
    main()
