"""Outliers, one digit left out of fitting, ten times: latentmap beside PyOD and PCA.

For every digit, models are fitted to the first rows of MNIST's 60,000 that show another one, and
score all 10,000 unseen rows: those that show the digit are to score higher. The figure is the area
under the ROC curve, the chance that a row of the digit left out scores higher than another row.

latentmap is `AutoEncoder(32)` at its defaults and `latentmap.analysis.score_outliers`, with the
fitted rows as reference; the reconstruction error of the same model is told beside it. PyOD's
AutoEncoder is at its defaults (784-64-32-64-784, ten epochs), which divide every pixel by its
deviation, and also without that. PCA has 32 components too, and scores by its squared error. All
see the same rows, as float32 in 0–1. How error and rarity are combined was not chosen on unseen
digits: docs/codes.md.

    python -m pip install --editable '.[benchmarks]'
    python benchmarks/outliers.py [--rows 10000] [--seeds 0] [--digits 0 1] [--quick]

A run of all digits on 10,000 rows or more writes the results and README's table; others print it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

import numpy as np
from common import machine, write_result
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from latentmap import AutoEncoder
from latentmap.analysis import score_outliers
from latentmap.data import load_dataset

COMPONENTS = 32
ROWS = 10_000
"""Fitted rows of each run."""
OURS, ERROR = "latentmap, outliers", "latentmap, error alone"
METHODS = (OURS, ERROR, "PyOD AutoEncoder", "PyOD AutoEncoder, not scaled", "PCA, error")


def rows_of(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Give rows as (n, 784) float32 in 0–1, and their digits."""
    source = load_dataset("mnist", part)
    return source[:].reshape(len(source), -1) / np.float32(255), np.asarray(source.labels)


def by_latentmap(fitted: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Score by `latentmap.analysis.score_outliers`, and by the model's error alone."""
    model = AutoEncoder(COMPONENTS, random_state=seed).fit(fitted)
    found = score_outliers(model, unseen, reference=fitted, seed=seed)
    return {OURS: found.scores, ERROR: found.errors}


def by_pyod(fitted: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Score by PyOD's AutoEncoder, with its scaling and without."""
    from pyod.models.auto_encoder import AutoEncoder as Detector

    scores = {}
    for name, scaled in zip(METHODS[2:4], (True, False), strict=True):
        model = Detector(preprocessing=scaled, random_state=seed, verbose=0).fit(fitted)
        scores[name] = model.decision_function(unseen)
    return scores


def by_pca(fitted: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Score by what PCA loses."""
    model = PCA(COMPONENTS, random_state=seed).fit(fitted)
    back = model.inverse_transform(model.transform(unseen))
    return {METHODS[4]: ((unseen - back) ** 2).mean(axis=1)}


def left_out(digit: int, rows: int, seed: int) -> dict[str, Any]:
    """Leave one digit out, fit, and measure."""
    (fitted, digits), (unseen, truth) = rows_of("fit"), rows_of("unseen")
    fitted = fitted[digits != digit][:rows]
    figures: dict[str, Any] = {"digit": digit, "seed": seed, "fitted": len(fitted), "auc": {}}
    for way in (by_latentmap, by_pyod, by_pca):
        scores = way(fitted, unseen, seed)
        figures["auc"] |= {
            name: float(roc_auc_score(truth == digit, score)) for name, score in scores.items()
        }
    print(figures, file=sys.stderr, flush=True)
    return figures


def table(runs: list[dict[str, Any]], rows: int, seeds: list[int]) -> str:
    """Lay out the areas, digit by digit."""
    digits = sorted({run["digit"] for run in runs})
    head = "| left out | mean | " + " | ".join(map(str, digits)) + " |"
    lines = [head, "|---" * (len(digits) + 2) + "|"]
    for name in METHODS:
        areas = [
            statistics.mean(run["auc"][name] for run in runs if run["digit"] == digit)
            for digit in digits
        ]
        told = " | ".join(f"{area:.3f}" for area in areas)
        lines.append(f"| {name} | **{statistics.mean(areas):.3f}** | {told} |")
    seeds_told = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    return "\n".join(
        [
            *lines,
            "",
            f"Area under the ROC curve on 10,000 unseen digits, {rows:,} others fitted, codes of "
            f"{COMPONENTS} numbers, {seeds_told}; `python benchmarks/outliers.py`.",
        ]
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--digits", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--quick", action="store_true", help="two digits, 1,000 rows")
    told = parser.parse_args()
    if told.quick:
        told.rows, told.digits = 1000, [0, 1]
    runs = [left_out(digit, told.rows, seed) for seed in told.seeds for digit in told.digits]
    lines = table(runs, told.rows, told.seeds)
    if told.rows < ROWS or len(set(told.digits)) < 10:
        print(machine(), lines, sep="\n")
        return
    figures = {"seeds": told.seeds, "rows": told.rows, "n_components": COMPONENTS, "runs": runs}
    means = {name: statistics.mean(run["auc"][name] for run in runs) for name in METHODS}
    write_result("outliers", {**figures, "mean": means}, lines, ("pyod", "torch"))


if __name__ == "__main__":
    main()
