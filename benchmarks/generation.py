"""Generated digits: how like real ones they are, how varied, and whether copies of fitted ones.

Every estimator is fitted to 60,000 digits. 10,000 rows are sampled from the density of the codes of
fitted rows, as `latentmap generate --reference` does, and 10,000 by the estimator's own `sample`.
PCA with as many components and one Gaussian, decoded and clipped to 0–1, is the baseline. Density
and coverage (k = 5) are measured against the 10,000 unseen digits in the first 50 principal
components of these digits, because in pixels a smooth image is near to all and a blur scores best.
Some figures use 3,000 rows and seed 0. The distance to the nearest fitted digit is measured in the
same space and compared with that of unseen digits, of their reconstructions, and of codes to codes.

    python benchmarks/generation.py [--seeds 0 1 2] [--models FOLDER]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import over, write_result
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder, load_model
from latentmap.analysis import CodeDensity, density_and_coverage, nearest_distances
from latentmap.data import open_data

ROWS, FEWER, COMPONENTS, WHITE = 10_000, 3000, 50, np.float32(255)
ESTIMATORS: dict[str, tuple[int, Callable[[int], Any]]] = {
    "AutoEncoder": (32, lambda seed: AutoEncoder(32, random_state=seed)),
    "VariationalAutoEncoder": (20, lambda seed: VariationalAutoEncoder(20, random_state=seed)),
    "LatentMap": (2, lambda seed: LatentMap(random_state=seed)),
}


class Judge:
    """The real rows, and the space that rows are compared in."""

    def __init__(self, fitted: np.ndarray, unseen: np.ndarray) -> None:
        self.fitted, self.unseen = flat(fitted), flat(unseen)
        self.space = PCA(COMPONENTS, random_state=0).fit(self.unseen)
        self.real, self.known = self.space.transform(self.unseen), self.space.transform(self.fitted)

    def figures(self, rows: np.ndarray, pixels: bool = False) -> dict[str, float]:
        """Give density, coverage and what tells copies from new rows."""
        rows = np.clip(flat(rows), 0, 1)
        points = self.space.transform(rows)
        found = density_and_coverage(self.real, points)._asdict()
        if pixels:
            inside = density_and_coverage(self.unseen[:FEWER], rows[:FEWER])
            found |= {"density_pixels": inside.density, "coverage_pixels": inside.coverage}
        return found | {"nearest_fitted": middle(nearest_distances(points, self.known))}


def flat(rows: np.ndarray) -> np.ndarray:
    """Give digits as (n, 784) float32 in 0–1."""
    return rows.reshape(len(rows), -1) / WHITE


def middle(values: np.ndarray) -> float:
    """Give the median."""
    return float(np.median(values))


def pca_rows(judge: Judge, size: int, seed: int) -> np.ndarray:
    """Draw digits from PCA with one Gaussian."""
    pca = PCA(size, random_state=seed).fit(judge.fitted)
    codes = pca.transform(judge.fitted)
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(codes.mean(axis=0), np.cov(codes, rowvar=False), ROWS)
    return pca.inverse_transform(drawn) * WHITE


def fitted_model(name: str, rows: Any, seed: int, models: Path | None) -> Any:
    """Fit an estimator, or take the one that was kept."""
    path = None if models is None else models / f"{name}.{seed}.safetensors"
    if path is not None and path.exists():
        return load_model(path)
    model = ESTIMATORS[name][1](seed).fit(rows)
    if path is not None:
        model.save(path)
    return model


def judged(name: str, judge: Judge, rows: tuple[Any, Any], seed: int, models: Path | None) -> dict:
    """Fit an estimator, draw from it in both ways, and measure all."""
    size, pixels = ESTIMATORS[name][0], seed == 0 and name == "AutoEncoder"
    model = fitted_model(name, rows[0], seed, models)
    codes, unseen = (model.transform(part) for part in rows)
    density = CodeDensity(codes, seed=seed)
    drawn = density.sample(ROWS, seed)
    model.set_params(random_state=seed)
    return {
        "estimator": name,
        "n_components": size,
        "seed": seed,
        "n_gaussians": density.n_gaussians,
        "density of codes": judge.figures(model.inverse_transform(drawn), pixels),
        "own sample": judge.figures(model.sample(ROWS)),
        "pca": judge.figures(pca_rows(judge, size, seed), pixels),
        "reconstructions": judge.figures(model.inverse_transform(unseen)),
        "codes": copies(nearest_distances(drawn, codes), nearest_distances(unseen, codes)),
    }


def copies(drawn: np.ndarray, unseen: np.ndarray) -> dict[str, float]:
    """Compare drawn codes with those of unseen rows, by the distance to the nearest fitted one."""
    least = np.percentile(unseen, 1)
    return {
        "nearest, drawn": middle(drawn),
        "nearest, unseen": middle(unseen),
        "share nearer than 99 % of unseen": float(np.mean(drawn < least)),
    }


def table(runs: list[dict[str, Any]]) -> list[str]:
    """Lay the medians over the seeds out."""
    lines = [
        "| 10,000 digits generated by | numbers in a code | density | coverage "
        "| PCA + Gaussian: density | coverage |",
        "|---|---|---|---|---|---|",
    ]
    for name, (size, _) in ESTIMATORS.items():
        for way in ("density of codes", "own sample"):
            words = [
                f"{name}, {'`--reference mnist`' if way != 'own sample' else 'its own sample'}"
            ]
            words += [str(size)]
            for kind in (way, "pca"):
                words += [f"{median(runs, name, kind, f):.2f}" for f in ("density", "coverage")]
            lines.append("| " + " | ".join(words) + " |")
    return lines


def median(runs: list[dict[str, Any]], name: str, kind: str, figure: str) -> float:
    """Give the median of a figure over the seeds."""
    return statistics.median(run[kind][figure] for run in runs if run["estimator"] == name)


def words_on_copies(runs: list[dict[str, Any]], unseen: float) -> str:
    """Tell how near the nearest fitted digit is."""
    told = [f"unseen digits {unseen:.2f}"]
    for name in ESTIMATORS:
        new, back = (
            median(runs, name, kind, "nearest_fitted")
            for kind in ("density of codes", "reconstructions")
        )
        share = median(runs, name, "codes", "share nearer than 99 % of unseen")
        told.append(
            f"{name} {new:.2f} (its reconstructions of unseen ones {back:.2f}; {share:.1%} of its "
            "codes lie nearer than 99 % of unseen ones do)"
        )
    return f"Median distance to the nearest fitted digit: {'; '.join(told)}"


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", type=Path, help="keep fitted models here, and use them again")
    asked = parser.parse_args()
    rows = open_data("mnist"), open_data("mnist:unseen")
    judge = Judge(*(part[:] for part in rows))
    nearest = middle(nearest_distances(judge.real, judge.known))
    some = np.random.default_rng(0).choice(len(judge.fitted), ROWS, replace=False)
    real = judge.figures(rows[0][some], pixels=True)
    runs = []
    for seed in asked.seeds:
        for name in ESTIMATORS:
            runs.append(judged(name, judge, rows, seed, asked.models))
            print(runs[-1], file=sys.stderr, flush=True)
    figures = {
        "seeds": asked.seeds,
        "real": {**real, "nearest_fitted": nearest},
        "runs": runs,
    }
    lines = [
        *table(runs),
        "",
        f"Fitted digits in place of generated ones: density {real['density']:.2f}, coverage "
        f"{real['coverage']:.2f}. {words_on_copies(runs, nearest)}. In the 50 principal components "
        f"of the unseen digits; {over(asked.seeds)}; "
        "`python benchmarks/generation.py`.",
    ]
    write_result("generation", figures, "\n".join(lines))


if __name__ == "__main__":
    main()
