"""Draw charts of all benchmarks for docs/benchmarks.md.

Most charts show columns of the tables that the benchmarks write into the documentation. The caption
of a chart states the machine, the versions and the date of the results in benchmarks/results.

    python benchmarks/charts.py
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from common import PAGES, RESULTS, ROOT
from matplotlib.axes import Axes

IMAGES = ROOT / "docs" / "images"
OWN_COLOR, PEER_COLOR = "#3f51b5", "#b0b6c8"
OWN_METHODS = {"latentmap", "AutoEncoder", "LatentMap", "VariationalAutoEncoder"}
MAP_METRICS = {
    "recall_10": "neighbour recall at 10",
    "accuracy_10": "10-NN accuracy",
    "trustworthiness": "trustworthiness",
    "fit_seconds": "fit, s (log scale)",
    "transform_seconds": "place, s (log scale)",
}


class TableChart(NamedTuple):
    """Columns of the table of a benchmark. A chart has one panel for each column.

    ``n_names`` is the number of columns that name a row. Columns of the same unit share a scale.
    """

    title: str
    columns: tuple[str, ...]
    n_names: int = 1
    same_unit: bool = False
    log: bool = False


TABLE_CHARTS = {
    "quality": TableChart(
        "Error of unseen digits, by components", ("MSE, PCA", "MSE, latentmap"), same_unit=True
    ),
    "imputation": TableChart(
        "Error of filled gaps",
        ("AutoEncoder, 5", "mean or mode", "KNNImputer", "IterativeImputer"),
        same_unit=True,
    ),
    "faces": TableChart(
        "Faces recognised by codes", ("all, nearest", "31-40, nearest", "31-40, area")
    ),
    "clusters": TableChart("Clusters of digits", ("V-measure, fitted", "V-measure, unseen", "s")),
    "generation": TableChart("Generated digits", ("density", "coverage")),
    "outliers": TableChart("Outliers: area under the ROC curve", ("mean",)),
    "compression": TableChart(
        "Error of compressed digits, by bytes per digit",
        ("MSE, PCA", "MSE, latentmap"),
        same_unit=True,
    ),
    "partial_fit": TableChart(
        "A new digit on a fitted map", ("10-NN, old digits", "10-NN, new digit", "MSE, new"), 2
    ),
    "photos": TableChart("Fits of faces", ("fit, s", "MSE of held-out faces"), 2),
    "scaling": TableChart("Maps of up to a million rows", ("fit, s", "10-NN", "trustworthiness")),
    "memory": TableChart(
        "Memory of each verb with a .npy file, GB",
        ("100,000 rows", "1,000,000 rows", "10,000,000 rows"),
        same_unit=True,
    ),
    "workers": TableChart(
        "Training and encoding on workers (log scale)",
        ("one process, two cores", "two workers, one core each"),
        same_unit=True,
        log=True,
    ),
    "speed": TableChart("Arithmetic, %", ("share of the machine's matrix-product rate",)),
    "dependencies": TableChart("Dependencies", ("size saved without it, MB", "import, s")),
    "explorer": TableChart(
        "The explorer, with frames per second of hovering",
        ("ready after, s", "mouse to row, ms", "hover"),
    ),
}


def main() -> None:
    """Draw a chart for each benchmark."""
    draw_by_name = {"maps": draw_maps, "tables": draw_tables, "article": draw_article}
    for name in (*draw_by_name, *TABLE_CHARTS):
        result = json.loads((RESULTS / f"{name}.json").read_text())
        path = IMAGES / f"chart.{name}.png"
        draw_by_name.get(name, draw_table)(result, path)
        print(f"Wrote {path.relative_to(ROOT)}")


def draw_table(result: dict[str, Any], path: Path) -> None:
    """Draw columns of the first table of a benchmark."""
    chart = TABLE_CHARTS[result["benchmark"]]
    header, *rows = read_table(result["benchmark"])
    count, names = len(chart.columns), [", ".join(row[: chart.n_names]) for row in rows]
    size = (3.2 * count + 1.5, 0.24 * len(rows) + 1.2)
    figure, axes = plt.subplots(
        1, count, figsize=size, layout="constrained", sharey=True, sharex=chart.same_unit
    )
    for ax, column in zip(np.atleast_1d(axes), chart.columns, strict=True):
        cells = [parse_number(row[header.index(column)]) for row in rows]
        values = {name: v for name, v in zip(names, cells, strict=True) if v is not None}
        draw_bars(ax, values, column, chart.log)
    figure.suptitle(f"{chart.title} (benchmarks/{result['benchmark']}.py)", fontsize=10)
    save(figure, path, result)


def read_table(name: str) -> list[list[str]]:
    """Return the cells of the first table that a benchmark has written into the documentation."""
    marker = f"<!-- figures: benchmarks/{name}.py -->"
    text = next(p.read_text() for p in PAGES if marker in p.read_text()).split(marker)[1].strip()
    lines = itertools.takewhile(lambda line: line.startswith("|"), text.splitlines())
    cells = [
        [cell.strip(" *").replace("`", "") for cell in line.strip("|").split("|")] for line in lines
    ]
    return [cells[0], *cells[2:]]  # The second line separates the header from the rows.


def parse_number(text: str) -> float | None:
    """Return the number of a cell without its unit, or None if there is none."""
    match = re.match(r"[-−]?[0-9][0-9,]*(\.[0-9]+)?", text)
    return float(match[0].replace(",", "").replace("−", "-")) if match else None


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
    """Draw the median relative error of each method on each table, with two components."""
    tables = result["components"]["2"]
    figure, axes = plt.subplots(3, 5, figsize=(14, 6.6), layout="constrained")
    for ax in axes.flat[len(tables) :]:
        ax.set_axis_off()
    for ax, (table, entry) in zip(axes.flat, tables.items(), strict=False):
        values = {
            name: statistics.median(run["error"] for run in runs)
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
    colors = [
        OWN_COLOR if OWN_METHODS.intersection(f"{name}, {heading}".split(", ")) else PEER_COLOR
        for name in names
    ]
    bars = ax.barh(names, list(values.values()), color=colors, log=log)
    numbers = [f"{v:,.0f}" if v >= 1000 else f"{v:.3g}" for v in values.values()]
    ax.bar_label(bars, numbers, padding=3, fontsize=8)
    ax.set_title(heading, fontsize=10)
    if not ax.yaxis_inverted():  # Panels may share the axis.
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
