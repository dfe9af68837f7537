"""Recognise persons by codes, principal components and pixels.

The data are 400 faces of 40 persons (AT&T). The first figure is the share of faces whose nearest
other face shows the same person: among all faces, with a model fitted to all of them, and among the
faces of ten persons, with a model fitted to the other thirty. The second figure is the area under
the ROC curve for "same person?" over all pairs of faces of these ten persons. Codes of 32 numbers
are tested on four groups of ten persons, other sizes on persons 31-40. Pixels and PCA use the
Euclidean distance; codes use `CodeDistance`, which takes all searched faces into account but no
labels. The last figure is the speed of a search among 60,000 codes of digits.

    python benchmarks/faces.py [FOLDER OF FACES] [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import FACES, best_seconds, describe_seeds, median_of, write_result
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from latentmap import AutoEncoder
from latentmap.analysis import CodeDistance, SearchIndex
from latentmap.data import open_data

GROUPS = {f"{first}-{first + 9}": np.arange(first, first + 10) for first in (31, 1, 11, 21)}
SIZES = {16: ["31-40"], 32: list(GROUPS), 64: ["31-40"]}


def nearest_accuracy(codes: np.ndarray, persons: np.ndarray, distance: str) -> float:
    """Return the share of faces whose nearest other face shows the same person."""
    indices = np.arange(len(codes))
    nearest = SearchIndex(codes, distance=distance).search(codes, 1, exclude=indices).indices[:, 0]
    return float(np.mean(persons[nearest] == persons))


def pair_area(
    codes: np.ndarray, persons: np.ndarray, distance: str, reference: np.ndarray | None = None
) -> float:
    """Return the area under the ROC curve for "same person?" over all pairs."""
    first, second = np.triu_indices(len(codes), 1)
    measure = CodeDistance(codes if reference is None else reference, distance)
    distances = measure.paired(codes[first], codes[second])
    return float(roc_auc_score(persons[first] == persons[second], -distances))


def models(k: int, seeds: list[int]) -> list[tuple[str, Any, str]]:
    """Return the name, the model and the distance of all methods."""
    autoencoders = [("latentmap", AutoEncoder(k, random_state=seed), "auto") for seed in seeds]
    return [("PCA", PCA(k, svd_solver="full"), "euclidean"), *autoencoders]


def measure_codes(
    faces: np.ndarray, persons: np.ndarray, k: int, seeds: list[int]
) -> dict[str, Any]:
    """Fit to all faces, and without each group of persons, and measure on that group."""
    flat = faces.reshape(len(faces), -1) / np.float32(255)
    results: dict[str, Any] = {"n_components": k, "PCA": [], "latentmap": []}
    for name, model, distance in models(k, seeds):
        rows = faces if name == "latentmap" else flat
        metrics = {"all": nearest_accuracy(model.fit(rows).transform(rows), persons, distance)}
        for group in SIZES[k]:
            unseen = np.isin(persons, GROUPS[group])
            codes = model.fit(rows[~unseen]).transform(rows)
            data = (codes[unseen], persons[unseen], distance)
            metrics[group] = {"accuracy": nearest_accuracy(*data), "area": pair_area(*data)}
            metrics[group]["area, among fitted"] = pair_area(*data, reference=codes[~unseen])
        results[name].append(metrics)
        print(k, name, metrics, file=sys.stderr)
    return results


def measure_pixels(faces: np.ndarray, persons: np.ndarray) -> dict[str, Any]:
    """Compute the same metrics for the pixels."""
    flat = faces.reshape(len(faces), -1) / np.float32(255)
    metrics: dict[str, Any] = {"all": nearest_accuracy(flat, persons, "euclidean")}
    for group, numbers in GROUPS.items():
        selected = np.isin(persons, numbers)
        data = (flat[selected], persons[selected], "euclidean")
        metrics[group] = {"accuracy": nearest_accuracy(*data), "area": pair_area(*data)}
    return metrics


def measure_search() -> dict[str, float]:
    """Return the seconds and the recall of 10,000 queries among 60,000 codes of 32 numbers."""
    fitted, unseen = (open_data(name) for name in ("mnist", "mnist:unseen"))
    model = AutoEncoder(32, random_state=0, epochs=1).fit(fitted)
    codes, queries = model.transform(fitted), model.transform(unseen)
    index = SearchIndex(codes)
    seconds = best_seconds(lambda: index.search(queries, 10))
    build = best_seconds(lambda: SearchIndex(codes).search(queries[:1], 10))
    points = index.distance.coordinates(codes).astype(np.float64)
    query_points = index.distance.points(queries[:1000]).astype(np.float64)
    exact = np.argsort(-(query_points @ points.T), axis=1)[:, :10]
    approximate = index.search(queries, 10).indices[:1000]
    shared = [len(np.intersect1d(a, b)) for a, b in zip(approximate, exact, strict=True)]
    return {"seconds": seconds, "build and one query": build, "recall": float(np.mean(shared) / 10)}


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    headings = [f"{group}, {figure}" for group in GROUPS for figure in ("nearest", "area")]
    lines = [
        f"| codes | all, nearest | {' | '.join(headings)} |",
        "|---" * (2 + len(headings)) + "|",
    ]
    methods = [("pixels", [metrics["pixels"]])]
    for row in metrics["codes"]:
        k = row["n_components"]
        methods += [
            (f"PCA, {k} numbers", row["PCA"]),
            (f"latentmap, {k} numbers", row["latentmap"]),
        ]
    for name, runs in methods:
        keys = [(group, figure) for group in GROUPS for figure in ("accuracy", "area")]
        cells = [f"{median_of(runs, *key):.3f}" if key[0] in runs[0] else "" for key in keys]
        lines.append(f"| {name} | {median_of(runs, 'all'):.4f} | {' | '.join(cells)} |")
    search = metrics["speed"]
    return "\n".join(
        [
            *lines,
            "",
            "Nearest: the share of faces whose nearest other face shows the same person, among all "
            "400 faces for a model fitted to all of them, or among ten persons for a model fitted "
            "to the other thirty. Area: the area under the ROC curve for “same person?” over all "
            "pairs of faces of these ten persons. Faces have 64×64 pixels. 10,000 queries among "
            f"60,000 codes of 32 numbers take {search['seconds']:.1f} s and return "
            f"{search['recall']:.1%} of the exact neighbours. Figures are "
            f"{describe_seeds(metrics['seeds'])}; `python benchmarks/faces.py`.",
        ]
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", nargs="?", type=Path, default=FACES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    source = open_data(options.faces)
    faces, persons = source[:], np.unique(source.labels, return_inverse=True)[1] + 1
    metrics = {
        "seeds": options.seeds,
        "pixels": measure_pixels(faces, persons),
        "codes": [measure_codes(faces, persons, k, options.seeds) for k in SIZES],
        "speed": measure_search(),
    }
    write_result("faces", metrics, table(metrics), ("faiss-cpu",))


if __name__ == "__main__":
    main()
