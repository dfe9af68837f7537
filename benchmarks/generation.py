"""Measure whether generated digits are realistic, diverse, and different from the fitted digits.

Every estimator is fitted to 60,000 digits. 10,000 rows are sampled from the density of the codes of
fitted rows, as `latentmap generate --reference` does, and 10,000 by the estimator's own `sample`.
PCA with as many components and one Gaussian, decoded and clipped to 0–1, is the baseline. Density
and coverage (k = 5) are measured against the 10,000 unseen digits in the first 50 principal
components of these digits, because in pixel space blurred images are close to all digits and score
best.
Some figures use 3,000 rows and seed 0. The distance to the nearest fitted digit is measured in the
same space and compared with that of unseen digits, of their reconstructions, and of codes to codes.

    python benchmarks/generation.py [--seeds 0 1 2] [--models FOLDER]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import describe_seeds, load_or_fit, median_of, write_result
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.analysis import CodeDensity, density_and_coverage, nearest_distances
from latentmap.data import open_data

GENERATED_ROWS, PIXEL_ROWS, COMPONENTS, MAX_PIXEL = 10_000, 3000, 50, np.float32(255)
ESTIMATORS: dict[str, tuple[int, Callable[[int], Any]]] = {
    "AutoEncoder": (32, lambda seed: AutoEncoder(32, random_state=seed)),
    "VariationalAutoEncoder": (20, lambda seed: VariationalAutoEncoder(20, random_state=seed)),
    "LatentMap": (2, lambda seed: LatentMap(random_state=seed)),
}


class Evaluation:
    """Fitted and unseen digits, and the principal components in which digits are compared."""

    def __init__(self, fitted: np.ndarray, unseen: np.ndarray) -> None:
        self.fitted, self.unseen = flat(fitted), flat(unseen)
        self.space = PCA(COMPONENTS, random_state=0).fit(self.unseen)
        self.unseen_points = self.space.transform(self.unseen)
        self.fitted_points = self.space.transform(self.fitted)

    def metrics(self, rows: np.ndarray, pixels: bool = False) -> dict[str, float]:
        """Return density, coverage and the distance to the nearest fitted row."""
        rows = np.clip(flat(rows), 0, 1)
        points = self.space.transform(rows)
        metrics = density_and_coverage(self.unseen_points, points)._asdict()
        if pixels:
            in_pixels = density_and_coverage(self.unseen[:PIXEL_ROWS], rows[:PIXEL_ROWS])
            metrics |= {"density_pixels": in_pixels.density}
            metrics |= {"coverage_pixels": in_pixels.coverage}
        return metrics | {
            "nearest_fitted": np_median(nearest_distances(points, self.fitted_points))
        }


def flat(rows: np.ndarray) -> np.ndarray:
    """Return digits as float32 of shape (n, 784) in 0–1."""
    return rows.reshape(len(rows), -1) / MAX_PIXEL


def np_median(values: np.ndarray) -> float:
    """Return the median of an array as a float."""
    return float(np.median(values))


def sample_pca(evaluation: Evaluation, size: int, seed: int) -> np.ndarray:
    """Sample digits from PCA with one Gaussian."""
    pca = PCA(size, random_state=seed).fit(evaluation.fitted)
    codes = pca.transform(evaluation.fitted)
    rng = np.random.default_rng(seed)
    mean, covariance = codes.mean(axis=0), np.cov(codes, rowvar=False)
    sampled = rng.multivariate_normal(mean, covariance, GENERATED_ROWS)
    return pca.inverse_transform(sampled) * MAX_PIXEL


def load_or_fit_model(name: str, rows: Any, seed: int, models: Path | None) -> Any:
    """Return a fitted estimator, from a file in the folder if it is there."""
    path = None if models is None else models / f"{name}.{seed}.safetensors"
    return load_or_fit(path, lambda: ESTIMATORS[name][1](seed).fit(rows))


def measure(
    name: str, evaluation: Evaluation, rows: tuple[Any, Any], seed: int, models: Path | None
) -> dict[str, Any]:
    """Fit an estimator, sample from it in both ways, and measure the samples."""
    size, pixels = ESTIMATORS[name][0], seed == 0 and name == "AutoEncoder"
    model = load_or_fit_model(name, rows[0], seed, models)
    codes, unseen = (model.transform(part) for part in rows)
    density = CodeDensity(codes, seed=seed)
    sampled = density.sample(GENERATED_ROWS, seed)
    model.set_params(random_state=seed)
    return {
        "estimator": name,
        "n_components": size,
        "seed": seed,
        "n_gaussians": density.n_gaussians,
        "density of codes": evaluation.metrics(model.inverse_transform(sampled), pixels),
        "own sample": evaluation.metrics(model.sample(GENERATED_ROWS)),
        "pca": evaluation.metrics(sample_pca(evaluation, size, seed), pixels),
        "reconstructions": evaluation.metrics(model.inverse_transform(unseen)),
        "codes": compare_distances(
            nearest_distances(sampled, codes), nearest_distances(unseen, codes)
        ),
    }


def compare_distances(sampled: np.ndarray, unseen: np.ndarray) -> dict[str, float]:
    """Compare the distances of sampled and of unseen codes to the nearest fitted code."""
    threshold = np.percentile(unseen, 1)
    return {
        "nearest, sampled": np_median(sampled),
        "nearest, unseen": np_median(unseen),
        "share nearer than 99 % of unseen": float(np.mean(sampled < threshold)),
    }


def table(runs: list[dict[str, Any]]) -> list[str]:
    """Return the table of medians over the seeds."""
    lines = [
        "| 10,000 digits generated by | components | density | coverage "
        "| PCA and Gaussian: density | coverage |",
        "|---|---|---|---|---|---|",
    ]
    for name, (size, _) in ESTIMATORS.items():
        for method in ("density of codes", "own sample"):
            cells = [f"{name}, {'`--reference mnist`' if method != 'own sample' else '`sample`'}"]
            cells += [str(size)]
            for kind in (method, "pca"):
                cells += [f"{median(runs, name, kind, f):.2f}" for f in ("density", "coverage")]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def median(runs: list[dict[str, Any]], name: str, kind: str, figure: str) -> float:
    """Return the median of a figure of one estimator over the seeds."""
    return median_of([run for run in runs if run["estimator"] == name], kind, figure)


def describe_distances(runs: list[dict[str, Any]], unseen: float) -> str:
    """Return a sentence on the distances to the nearest fitted digit."""
    parts = [f"unseen digits {unseen:.2f}"]
    for name in ESTIMATORS:
        generated, reconstructions = (
            median(runs, name, kind, "nearest_fitted")
            for kind in ("density of codes", "reconstructions")
        )
        share = median(runs, name, "codes", "share nearer than 99 % of unseen")
        parts.append(
            f"{name} {generated:.2f} (reconstructions of unseen digits {reconstructions:.2f}; "
            f"{share:.1%} of the sampled codes are nearer than the nearest 1 % of unseen codes)"
        )
    return f"Median distance to the nearest fitted digit: {'; '.join(parts)}."


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", type=Path, help="folder of fitted models")
    options = parser.parse_args()
    rows = open_data("mnist"), open_data("mnist:unseen")
    evaluation = Evaluation(*(part[:] for part in rows))
    nearest = np_median(nearest_distances(evaluation.unseen_points, evaluation.fitted_points))
    sample = np.random.default_rng(0).choice(len(evaluation.fitted), GENERATED_ROWS, replace=False)
    real = evaluation.metrics(rows[0][sample], pixels=True)
    runs = []
    for seed in options.seeds:
        for name in ESTIMATORS:
            runs.append(measure(name, evaluation, rows, seed, options.models))
            print(runs[-1], file=sys.stderr, flush=True)
    metrics = {
        "seeds": options.seeds,
        "real": {**real, "nearest_fitted": nearest},
        "runs": runs,
    }
    write_result("generation", metrics, text(metrics))


def text(metrics: dict[str, Any]) -> str:
    """Return the table and its caption as Markdown."""
    real, runs = metrics["real"], metrics["runs"]
    lines = [
        *table(runs),
        "",
        f"Fitted digits instead of generated digits: density {real['density']:.2f}, coverage "
        f"{real['coverage']:.2f}. {describe_distances(runs, real['nearest_fitted'])} Figures are "
        "measured in the 50 first principal components of the unseen digits; "
        f"{describe_seeds(metrics['seeds'])}; `python benchmarks/generation.py`.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
