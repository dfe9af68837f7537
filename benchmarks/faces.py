"""Faces: the same person or another? By codes, beside principal components and pixels.

400 faces of 40 persons (AT&T). First the nearest other face, with a model fitted to all of them,
and with one fitted to persons 1-30 that searches among 31-40. Then every pair of faces of persons
31-40: the area under the ROC curve for "same person?", from the distance alone. The same with each
other ten left out, for codes of 32 numbers. Pixels and PCA are compared by Euclid's distance, as
usual; codes by `CodeDistance`, which sees all faces that are searched, but no label. Last, the
speed of a search among 60,000 codes of digits.

    python benchmarks/faces.py [FOLDER OF FACES] [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, over, seconds, write_result
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from latentmap import AutoEncoder
from latentmap.analysis import CodeDistance, SearchIndex
from latentmap.data import open_data

FACES = ROOT.parent / "shared" / "data" / "faces"
TENS = {f"{first}-{first + 9}": np.arange(first, first + 10) for first in (31, 1, 11, 21)}
SIZES = {16: ["31-40"], 32: list(TENS), 64: ["31-40"]}


def right(codes: np.ndarray, persons: np.ndarray, distance: str) -> float:
    """Give the share of faces whose nearest other face is of the same person."""
    own = np.arange(len(codes))
    near = SearchIndex(codes, distance=distance).search(codes, 1, exclude=own).indices[:, 0]
    return float(np.mean(persons[near] == persons))


def area(codes: np.ndarray, persons: np.ndarray, distance: str, among: Any = None) -> float:
    """Give the area under the ROC curve for "same person?", over all pairs."""
    first, second = np.triu_indices(len(codes), 1)
    apart = CodeDistance(codes if among is None else among, distance)
    far = apart.paired(codes[first], codes[second])
    return float(roc_auc_score(persons[first] == persons[second], -far))


def models(k: int, seeds: list[int]) -> list[tuple[str, Any, str]]:
    """Give the name, the model and the distance of all that is compared."""
    ours = [("latentmap", AutoEncoder(k, random_state=seed), "auto") for seed in seeds]
    return [("PCA", PCA(k, svd_solver="full"), "euclidean"), *ours]


def judged(faces: np.ndarray, persons: np.ndarray, k: int, seeds: list[int]) -> dict[str, Any]:
    """Fit to all faces, and to all persons but ten, and judge by those ten."""
    flat = faces.reshape(len(faces), -1) / np.float32(255)
    found: dict[str, Any] = {"n_components": k, "PCA": [], "latentmap": []}
    for name, model, distance in models(k, seeds):
        rows = faces if name == "latentmap" else flat
        figures = {"all": right(model.fit(rows).transform(rows), persons, distance)}
        for ten in SIZES[k]:
            unseen = np.isin(persons, TENS[ten])
            codes = model.fit(rows[~unseen]).transform(rows)
            told = (codes[unseen], persons[unseen], distance)
            figures[ten] = {"right": right(*told), "area": area(*told)}
            figures[ten]["area, among fitted"] = area(*told, among=codes[~unseen])
        found[name].append(figures)
        print(k, name, figures, file=sys.stderr)
    return found


def pixels(faces: np.ndarray, persons: np.ndarray) -> dict[str, Any]:
    """Judge the pixels themselves."""
    flat = faces.reshape(len(faces), -1) / np.float32(255)
    figures: dict[str, Any] = {"all": right(flat, persons, "euclidean")}
    for ten, numbers in TENS.items():
        told = (flat[np.isin(persons, numbers)], persons[np.isin(persons, numbers)], "euclidean")
        figures[ten] = {"right": right(*told), "area": area(*told)}
    return figures


def speed() -> dict[str, float]:
    """Time 10,000 queries among 60,000 codes of 32 numbers, and count what is found."""
    fitted, unseen = (open_data(name) for name in ("mnist", "mnist:unseen"))
    model = AutoEncoder(32, random_state=0, epochs=1).fit(fitted)
    codes, queries = model.transform(fitted), model.transform(unseen)
    index = SearchIndex(codes)
    spent = seconds(lambda: index.search(queries, 10))
    build = seconds(lambda: SearchIndex(codes).search(queries[:1], 10))
    places, spots = index.distance.points(codes), index.distance.points(queries[:1000])
    truly = np.argsort(-(spots.astype(np.float64) @ places.T.astype(np.float64)), axis=1)[:, :10]
    found = index.search(queries, 10).indices[:1000]
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found, truly, strict=True)]
    return {"seconds": spent, "build and one query": build, "recall": float(np.mean(shared) / 10)}


def middle(runs: list[dict[str, Any]], *keys: str) -> float:
    """Give the median of a figure over the seeds."""
    values = []
    for run in runs:
        value: Any = run
        for key in keys:
            value = value[key]
        values.append(value)
    return statistics.median(values)


def table(found: list[dict[str, Any]], raw: dict[str, Any]) -> list[str]:
    """Lay out the figures."""
    heads = [f"{ten}, {what}" for ten in TENS for what in ("nearest", "area")]
    lines = [f"| | all, nearest | {' | '.join(heads)} |", "|---" * (2 + len(heads)) + "|"]
    kinds = [("pixels", [raw])]
    for row in found:
        k = row["n_components"]
        kinds += [(f"PCA, {k}", row["PCA"]), (f"latentmap, {k}", row["latentmap"])]
    for name, runs in kinds:
        pairs = [(ten, what) for ten in TENS for what in ("right", "area")]
        told = [f"{middle(runs, *pair):.3f}" if pair[0] in runs[0] else "" for pair in pairs]
        lines.append(f"| {name} | {middle(runs, 'all'):.4f} | {' | '.join(told)} |")
    return lines


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", nargs="?", type=Path, default=FACES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    chosen = parser.parse_args()
    source = open_data(chosen.faces)
    faces, persons = source[:], np.unique(source.labels, return_inverse=True)[1] + 1
    raw, quick = pixels(faces, persons), speed()
    found = [judged(faces, persons, k, chosen.seeds) for k in SIZES]
    lines = [
        *table(found, raw),
        "",
        "Nearest: the share of faces whose nearest other face is the same person's, among all 400 "
        "that the model was fitted to, or among ten persons that it was not fitted to. Area: under "
        "the ROC curve for “same person?” over all pairs of those ten persons' faces. Numbers are "
        "those of the code, faces 64×64. 10,000 queries among 60,000 codes of 32 numbers take "
        f"{quick['seconds']:.1f} s and find {quick['recall']:.1%} of the exact neighbours. Figures "
        f"are {over(chosen.seeds)}; `python benchmarks/faces.py`.",
    ]
    figures = {"seeds": chosen.seeds, "pixels": raw, "codes": found, "speed": quick}
    write_result("faces", figures, "\n".join(lines), ("faiss-cpu",))


if __name__ == "__main__":
    main()
