"""Compare clusters of a map's codes with k-means and Gaussian mixtures.

The data are 60,000 fitted and 10,000 unseen digits of MNIST. A `LatentMap` with default settings
gives codes of two numbers, PCA gives codes of fifty. `analysis.cluster` (only on the map),
scikit-learn's KMeans (best of ten starts) and GaussianMixture (best of three) divide both into ten
clusters. The figures are the V-measure of clusters and digits (A. Rosenberg, J. Hirschberg,
EMNLP-CoNLL 2007), and the number of clusters that `cluster` finds by itself. Labels are used only
for the figures.

    python benchmarks/clusters.py [--seeds 0 1 2] [--maps FOLDER]

With ``--maps``, fitted maps are stored in a folder as mapSEED.safetensors and loaded from there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import describe_seeds, load_or_fit, median_of, time_call, write_result
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import v_measure_score
from sklearn.mixture import GaussianMixture

from latentmap import LatentMap
from latentmap.analysis import cluster
from latentmap.data import open_data

DIGITS = 10
Codes = tuple[np.ndarray, np.ndarray]
# V-measures on MNIST from codes of two numbers, quoted from publications and not measured here.
PUBLISHED = {"UMAP": 0.838, "parametric UMAP with autoencoder": 0.846}


def load_or_fit_map(seed: int, folder: Path | None) -> Any:
    """Return a map of the digits, from a file in the folder if it is there."""
    path = None if folder is None else folder / f"map{seed}.safetensors"
    return load_or_fit(path, lambda: LatentMap(random_state=seed).fit(open_data("mnist")))


def density_clusters(seed: int, n_clusters: int | None) -> Callable[[Codes], Codes]:
    """Return a function that clusters fitted and unseen codes with latentmap."""

    def clusters_of(codes: Codes) -> Codes:
        clusters = cluster(codes[0], n_clusters, seed=seed)
        return clusters.labels, clusters.predict(codes[1])[0]

    return clusters_of


def sklearn_clusters(model: Any) -> Callable[[Codes], Codes]:
    """Return a function that clusters fitted and unseen codes with a scikit-learn estimator."""

    def clusters_of(codes: Codes) -> Codes:
        model.fit(codes[0])
        return model.predict(codes[0]), model.predict(codes[1])

    return clusters_of


def measure(method: Callable[[Codes], Codes], codes: Codes, digits: Codes) -> dict[str, float]:
    """Cluster codes, and compare the clusters with the digits."""
    seconds, clusters = time_call(lambda: method(codes))
    scores = [float(v_measure_score(*pair)) for pair in zip(digits, clusters, strict=True)]
    count = len(np.unique(clusters[0]))
    return {"fitted": scores[0], "unseen": scores[1], "clusters": count, "seconds": seconds}


def run(seed: int, folder: Path | None) -> dict[str, dict[str, float]]:
    """Measure all methods with one seed."""
    parts = open_data("mnist"), open_data("mnist:unseen")
    digits = tuple(part.labels for part in parts)
    model = load_or_fit_map(seed, folder)
    map_codes = tuple(model.transform(part).astype(np.float64) for part in parts)
    rows = [part[:].reshape(len(part), -1) / np.float32(255) for part in parts]
    pca = PCA(50, random_state=seed).fit(rows[0])
    pca_codes = tuple(pca.transform(part).astype(np.float64) for part in rows)

    def k_means() -> Any:
        return KMeans(DIGITS, n_init=10, random_state=seed)

    def mixture() -> Any:
        return GaussianMixture(DIGITS, n_init=3, max_iter=300, random_state=seed)

    methods = {
        "map, latentmap, ten clusters": (density_clusters(seed, DIGITS), map_codes),
        "map, latentmap, number estimated": (density_clusters(seed, None), map_codes),
        "map, k-means": (sklearn_clusters(k_means()), map_codes),
        "map, Gaussian mixture": (sklearn_clusters(mixture()), map_codes),
        "PCA-50, k-means": (sklearn_clusters(k_means()), pca_codes),
        "PCA-50, Gaussian mixture": (sklearn_clusters(mixture()), pca_codes),
    }
    metrics = {}
    for name, (method, codes) in methods.items():
        metrics[name] = measure(method, codes, digits)
        print(seed, name, metrics[name], file=sys.stderr, flush=True)
    return metrics


def table(runs: list[dict[str, dict[str, float]]], seeds: list[int]) -> str:
    """Return the table as Markdown: medians, and the number of clusters for each seed."""
    lines = [
        "| codes, clustering | V-measure, fitted | V-measure, unseen | clusters by seed | s |",
        "|---|---|---|---|---|",
    ]
    for name in runs[0]:
        fitted, unseen, seconds = (
            median_of(runs, name, key) for key in ("fitted", "unseen", "seconds")
        )
        counts = ", ".join(str(run[name]["clusters"]) for run in runs)
        lines.append(f"| {name} | {fitted:.3f} | {unseen:.3f} | {counts} | {seconds:.1f} |")
    published = ", ".join(f"{name} {value}" for name, value in PUBLISHED.items())
    lines += [
        "",
        f"Figures are {describe_seeds(seeds)}. Labels are used only for the V-measure. Published "
        f"V-measures from two numbers: {published}. `python benchmarks/clusters.py`.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--maps", type=Path, help="folder of fitted maps")
    options = parser.parse_args()
    runs = [run(seed, options.maps) for seed in options.seeds]
    metrics = {"seeds": options.seeds, "published": PUBLISHED, "runs": runs}
    write_result("clusters", metrics, table(runs, options.seeds))


if __name__ == "__main__":
    main()
