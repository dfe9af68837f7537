"""Compare outlier scores of latentmap, PyOD and PCA on a digit that was not fitted.

For every digit, models are fitted to the first rows of MNIST's 60,000 that show another digit, and
score all 10,000 unseen rows. The figure is the area under the ROC curve: the probability that a row
of the digit left out has a higher score than a row of another digit.

latentmap is `AutoEncoder(32)` at its defaults and `latentmap.analysis.score_outliers`, with the
fitted rows as reference; the reconstruction error of the same model is another method. PyOD's
AutoEncoder is at its defaults (784-64-32-64-784, ten epochs), which divide every pixel by its
standard deviation, and also without this scaling. PCA has 32 components too, and scores by its
squared error. All methods are given the same rows, as float32 in 0–1. The combination of error and
rarity was not selected on unseen digits: docs/analysis.md.

    python -m pip install --editable '.[benchmarks]'
    python benchmarks/outliers.py [--rows 10000] [--seeds 0] [--digits 0 1] [--quick]

A run of all digits on 10,000 rows or more writes the results and the table in docs/analysis.md;
other runs print the table.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

import numpy as np
from common import describe_machine, describe_seeds, mnist_rows, write_result
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from latentmap import AutoEncoder
from latentmap.analysis import score_outliers

COMPONENTS = 32
FITTED_ROWS = 10_000
SCORE, ERROR = "latentmap, outlier score", "latentmap, error only"
METHODS = (SCORE, ERROR, "PyOD AutoEncoder", "PyOD AutoEncoder, unscaled", "PCA, error")


def flat_rows(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of shape (n, 784), float32 in 0–1, and their digits."""
    images, digits = mnist_rows(part)
    return images.reshape(len(images), -1) / np.float32(255), digits


def scores_of_latentmap(fitted: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Score by `latentmap.analysis.score_outliers`, and by the model's error only."""
    model = AutoEncoder(COMPONENTS, random_state=seed).fit(fitted)
    result = score_outliers(model, unseen, reference=fitted, seed=seed)
    return {SCORE: result.scores, ERROR: result.errors}


def scores_of_pyod(fitted: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Score by PyOD's AutoEncoder, with and without its scaling."""
    from pyod.models.auto_encoder import AutoEncoder as Detector

    scores = {}
    for name, scaled in zip(METHODS[2:4], (True, False), strict=True):
        model = Detector(preprocessing=scaled, random_state=seed, verbose=0).fit(fitted)
        scores[name] = model.decision_function(unseen)
    return scores


def scores_of_pca(fitted: np.ndarray, unseen: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Score by the squared error of PCA."""
    model = PCA(COMPONENTS, random_state=seed).fit(fitted)
    decoded = model.inverse_transform(model.transform(unseen))
    return {METHODS[4]: ((unseen - decoded) ** 2).mean(axis=1)}


def measure(digit: int, rows: int, seed: int) -> dict[str, Any]:
    """Fit without one digit, and measure its scores."""
    (fitted, digits), (unseen, truth) = flat_rows("fit"), flat_rows("unseen")
    fitted = fitted[digits != digit][:rows]
    metrics: dict[str, Any] = {"digit": digit, "seed": seed, "fitted": len(fitted), "auc": {}}
    for method in (scores_of_latentmap, scores_of_pyod, scores_of_pca):
        scores = method(fitted, unseen, seed)
        metrics["auc"] |= {
            name: float(roc_auc_score(truth == digit, score)) for name, score in scores.items()
        }
    print(metrics, file=sys.stderr, flush=True)
    return metrics


def table(runs: list[dict[str, Any]], rows: int, seeds: list[int]) -> str:
    """Return the table as Markdown: the area for each digit."""
    digits = sorted({run["digit"] for run in runs})
    head = "| digit left out | mean | " + " | ".join(map(str, digits)) + " |"
    lines = [head, "|---" * (len(digits) + 2) + "|"]
    for name in METHODS:
        areas = [
            statistics.mean(run["auc"][name] for run in runs if run["digit"] == digit)
            for digit in digits
        ]
        cells = " | ".join(f"{area:.3f}" for area in areas)
        lines.append(f"| {name} | **{statistics.mean(areas):.3f}** | {cells} |")
    return "\n".join(
        [
            *lines,
            "",
            f"Area under the ROC curve on 10,000 unseen digits, {rows:,} other digits fitted, "
            f"codes of {COMPONENTS} numbers, {describe_seeds(seeds)}; "
            "`python benchmarks/outliers.py`.",
        ]
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rows", type=int, default=FITTED_ROWS)
    parser.add_argument("--digits", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--quick", action="store_true", help="two digits, 1,000 rows")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.digits = 1000, [0, 1]
    runs = [
        measure(digit, options.rows, seed) for seed in options.seeds for digit in options.digits
    ]
    lines = table(runs, options.rows, options.seeds)
    if options.rows < FITTED_ROWS or len(set(options.digits)) < 10:
        print(describe_machine(), lines, sep="\n")
        return
    metrics = {
        "seeds": options.seeds,
        "rows": options.rows,
        "n_components": COMPONENTS,
        "runs": runs,
    }
    means = {name: statistics.mean(run["auc"][name] for run in runs) for name in METHODS}
    write_result("outliers", {**metrics, "runs": runs, "mean": means}, lines, ("pyod", "torch"))


if __name__ == "__main__":
    main()
