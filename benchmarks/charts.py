"""Draw charts of the results in benchmarks/results for docs/benchmarks.md.

Usage: python benchmarks/charts.py
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from common import RESULTS, ROOT
from matplotlib.axes import Axes

IMAGES = ROOT / "docs" / "images"
OWN_COLOR, PEER_COLOR = "#3f51b5", "#b0b6c8"
OWN_METHODS = {
    "latentmap",
    "latentmap, first use",
    "latentmap, later uses",
    "AutoEncoder",
    "LatentMap",
}
MAP_METRICS = {
    "recall_10": "neighbour recall at 10",
    "accuracy_10": "10-NN accuracy",
    "trustworthiness": "trustworthiness",
    "fit_seconds": "fit, s (log scale)",
    "transform_seconds": "place, s (log scale)",
}


def main() -> None:
    """Draw a chart for each benchmark that has one."""
    for name, draw in {"maps": draw_maps, "tables": draw_tables, "article": draw_article}.items():
        result = json.loads((RESULTS / f"{name}.json").read_text())
        path = IMAGES / f"chart.{name}.png"
        draw(result, path)
        print(f"Wrote {path.relative_to(ROOT)}")


def draw_maps(result: dict[str, Any], path: Path) -> None:
    """Draw the metrics and times of each method on MNIST."""
    runs = {name: sets["mnist"] for name, sets in result["runs"].items() if sets.get("mnist")}
    figure, axes = plt.subplots(1, len(MAP_METRICS), figsize=(14, 3.4), layout="constrained")
    for ax, (metric, heading) in zip(axes, MAP_METRICS.items(), strict=True):
        values = {
            name: statistics.median(run[metric] for run in method_runs)
            for name, method_runs in runs.items()
            if all(run.get(metric) is not None for run in method_runs)
        }
        draw_bars(ax, values, heading, log="seconds" in metric)
    figure.suptitle("10,000 unseen digits on maps of 60,000")
    save(figure, path, result)


def draw_tables(result: dict[str, Any], path: Path) -> None:
    """Draw the mean relative error of each method on each table, with two components."""
    tables = result["components"]["2"]
    figure, axes = plt.subplots(3, 5, figsize=(14, 6.6), layout="constrained")
    for ax in axes.flat[len(tables) :]:
        ax.set_axis_off()
    for ax, (table, entry) in zip(axes.flat, tables.items(), strict=False):
        values = {
            name: statistics.fmean(run["error"] for run in runs)
            for name, runs in entry["methods"].items()
            if runs
        }
        draw_bars(ax, values, table, log=False)
    figure.suptitle("Mean error of the columns of held-out rows, relative to a constant prediction")
    save(figure, path, result)


def draw_article(result: dict[str, Any], path: Path) -> None:
    """Draw the seconds of each program that repeats the article."""
    figure, ax = plt.subplots(figsize=(7, 1.8), layout="constrained")
    draw_bars(ax, result["median_seconds"], "whole process of the article, s", log=False)
    save(figure, path, result)


def draw_bars(ax: Axes, values: dict[str, float], heading: str, log: bool) -> None:
    """Draw a horizontal bar with its value for each method, the first at the top."""
    names = list(values)
    colors = [OWN_COLOR if name in OWN_METHODS else PEER_COLOR for name in names]
    bars = ax.barh(names, list(values.values()), color=colors, log=log)
    ax.bar_label(bars, [f"{value:.3g}" for value in values.values()], padding=3, fontsize=8)
    ax.set_title(heading, fontsize=10)
    ax.invert_yaxis()
    ax.margins(x=0.25)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)


def save(figure: Any, path: Path, result: dict[str, Any]) -> None:
    """Save a chart with the machine, the versions and the date of its results."""
    machine, versions = result["machine"], result["versions"]
    text = (
        f"{machine['processor']}, {machine['cores']} cores; latentmap {versions['latentmap']}, "
        f"keras {versions['keras']}, jax {versions['jax']}; {result['date']}"
    )
    figure.supxlabel(text, fontsize=8, color="#666666")
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
