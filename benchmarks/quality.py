"""Compare the reconstruction error and the codes of latentmap and PCA on unseen rows.

On MNIST, 60,000 digits are fitted with default settings, and 10,000 unseen digits give the squared
error of the reconstruction and the 10-nearest-neighbour accuracy of the codes, as medians over the
seeds, and the negative evidence lower bound of the variational autoencoder. On small data sets,
where PCA is hard to beat, the squared error is compared with that of exact PCA.

    python benchmarks/quality.py [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

import numpy as np
from common import FACES, describe_seeds, median_of, time_call, write_result
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from latentmap import AutoEncoder, VariationalAutoEncoder
from latentmap.data import open_data
from latentmap.metrics import neighbor_accuracy


def squared_error(model: Any, rows: np.ndarray) -> float:
    """Return the mean squared error of the reconstructions of rows."""
    decoded = model.inverse_transform(model.transform(rows))
    return float(np.mean((rows - decoded.reshape(rows.shape)) ** 2, dtype=np.float64))


def measure(model: Any, fitted: np.ndarray, unseen: np.ndarray, labels: tuple) -> dict[str, float]:
    """Fit a model and measure it on unseen rows."""
    seconds, _ = time_call(lambda: model.fit(fitted))
    codes = model.transform(fitted), model.transform(unseen)
    return {
        "mse": squared_error(model, unseen),
        "accuracy": neighbor_accuracy(codes[1], labels[1], codes[0], labels[0], k=10),
        "seconds": seconds,
    }


def measure_mnist(seeds: list[int]) -> list[dict[str, Any]]:
    """Compare on MNIST for several numbers of components."""
    fitted_source, unseen_source = open_data("mnist"), open_data("mnist:unseen")
    fitted, unseen = (part[:].reshape(-1, 784) for part in (fitted_source, unseen_source))
    labels = (fitted_source.labels, unseen_source.labels)
    rows = []
    for k in (2, 16, 32, 64):
        pca = measure(
            PCA(k, random_state=0), fitted / np.float32(255), unseen / np.float32(255), labels
        )
        runs = [measure(AutoEncoder(k, random_state=s), fitted, unseen, labels) for s in seeds]
        for run in runs:
            run["mse"] /= 255**2
        rows.append({"n_components": k, "pca": pca, "runs": runs})
        print(rows[-1], file=sys.stderr)
    return rows


def measure_variational(seeds: list[int]) -> list[dict[str, Any]]:
    """Return the variational bound on digits binarised at random, and at one half."""
    fitted, unseen = (open_data(name)[:] / 255.0 for name in ("mnist", "mnist:unseen"))
    rng = np.random.default_rng(0)
    binarizations = {
        "at random": lambda rows: (rng.random(rows.shape) < rows).astype(np.uint8),
        "at one half": lambda rows: (rows > 0.5).astype(np.uint8),
    }
    rows = []
    for name, binarize in binarizations.items():
        binary, binary_unseen = binarize(fitted), binarize(unseen)
        for seed in seeds:
            model = VariationalAutoEncoder(20, random_state=seed)
            seconds, _ = time_call(lambda model=model, rows=binary: model.fit(rows))
            nats = -model.score(binary_unseen)
            rows.append({"binarised": name, "seed": seed, "nats": nats, "seconds": seconds})
            print(rows[-1], file=sys.stderr)
    return rows


def small_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the fitted and the unseen rows of the small data sets."""
    loaders = {"digits": load_digits, "wine": load_wine, "breast cancer": load_breast_cancer}
    datasets = {}
    for name, load in loaders.items():
        fitted, unseen = train_test_split(load().data, test_size=0.25, random_state=0)
        scaler = StandardScaler().fit(fitted)
        datasets[name] = scaler.transform(fitted), scaler.transform(unseen)
    if FACES.is_dir():
        faces = open_data(FACES)[:].reshape(400, -1) / 255.0
        datasets["faces"] = faces[:300], faces[300:]
    return datasets


def measure_small_sets() -> list[dict[str, Any]]:
    """Compare with exact PCA on the small data sets."""
    rows = []
    for name, (fitted, unseen) in small_sets().items():
        for k in (2, 16, 64):
            if k < min(fitted.shape):
                pca = squared_error(PCA(k, svd_solver="full").fit(fitted), unseen)
                model = AutoEncoder(k, random_state=0).fit(fitted)
                mse = squared_error(model, unseen)
                row = {"data": name, "n_components": k, "pca": pca, "mse": mse}
                rows.append({**row, "uses_network": model.uses_network_})
                print(rows[-1], file=sys.stderr)
    return rows


def mnist_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table on MNIST."""
    lines = [
        "| MNIST, components | MSE, PCA | MSE, latentmap | 10-NN, PCA | 10-NN, latentmap "
        "| fit, s |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        medians = {key: median_of(row["runs"], key) for key in row["pca"]}
        lines.append(
            f"| {row['n_components']} | {row['pca']['mse']:.4f} | {medians['mse']:.4f} "
            f"| {row['pca']['accuracy']:.3f} | {medians['accuracy']:.3f} "
            f"| {medians['seconds']:.0f} |"
        )
    return lines


def small_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table on small data sets."""
    lines = [
        "| unseen rows of | components | MSE, PCA | MSE, latentmap | selected model |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        selected = "network" if row["uses_network"] else "PCA"
        lines.append(
            f"| {row['data']} | {row['n_components']} | {row['pca']:.4g} | {row['mse']:.4g} "
            f"| {selected} |"
        )
    return lines


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    seeds = parser.parse_args().seeds
    metrics = {"seeds": seeds, "small": measure_small_sets(), "mnist": measure_mnist(seeds)}
    metrics["variational"] = measure_variational(seeds)
    write_result("quality", metrics, table(metrics))


def table(metrics: dict[str, Any]) -> str:
    """Return all tables as Markdown."""
    nats = {
        method: statistics.median(
            r["nats"] for r in metrics["variational"] if r["binarised"] == method
        )
        for method in ("at random", "at one half")
    }
    seconds = statistics.median(r["seconds"] for r in metrics["variational"])
    return "\n".join(
        [
            *mnist_table(metrics["mnist"]),
            "",
            *small_table(metrics["small"]),
            "",
            "`VariationalAutoEncoder(20)`: the negative evidence lower bound of unseen digits is "
            f"{nats['at random']:.1f} nats if they are binarised at random and "
            f"{nats['at one half']:.1f} nats if they are binarised at one half; fitting takes "
            f"{seconds:.0f} s. Figures are "
            f"{describe_seeds(metrics['seeds'])} on two cores; `python benchmarks/quality.py`.",
        ]
    )


if __name__ == "__main__":
    main()
