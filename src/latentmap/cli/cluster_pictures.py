"""Plots of clusters: a scatter plot of the codes, and the exemplars of each cluster."""

from pathlib import Path

import numpy as np

from latentmap import plots
from latentmap.analysis.clustering import Clusters
from latentmap.cli.console import format_count
from latentmap.cli.pictures import open_plot
from latentmap.data import Source

_MAX_DRAWN_CLUSTERS = 40
# Plots treat more distinct numbers as measurements. More clusters are therefore named #0, #1 and so
# on.
_MAX_NUMERIC_NAMES = 20


def draw_clusters(path: Path, rows: Source, codes: np.ndarray, clusters: Clusters) -> None:
    """Draw the clusters on the codes and, for images, their exemplars."""
    n_clusters = format_count(clusters.n_clusters, "cluster")
    title = f"{rows.name}: {n_clusters} of {format_count(len(codes), 'row')}"
    # In a projection of codes with three or more components, confidence would look arbitrary.
    confidence = clusters.confidence if codes.shape[1] <= 2 else None
    with open_plot(path) as ax:
        plots.codes(codes, cluster_names(clusters), ax, title, confidence=confidence)
    if len(rows.row_shape) > 1:
        _draw_exemplars(exemplars_path(path), rows, clusters)


def cluster_names(clusters: Clusters) -> np.ndarray:
    """Return the name of the cluster of each row; sorted names have the order of the clusters."""
    count = clusters.n_clusters
    width = len(str(count - 1))
    names = [
        f"#{number}" if count > _MAX_NUMERIC_NAMES else f"{number:>{width}}"
        for number in range(count)
    ]
    return np.array(names)[clusters.labels]


def _draw_exemplars(path: Path, rows: Source, clusters: Clusters) -> None:
    exemplars = [rows.take(numbers) for numbers in clusters.exemplars[:_MAX_DRAWN_CLUSTERS]]
    names = [
        f"{number}:  {format_count(size, 'row')}"
        for number, size in enumerate(clusters.sizes[:_MAX_DRAWN_CLUSTERS].tolist())
    ]
    n_omitted = clusters.n_clusters - len(exemplars)
    title = f"{rows.name}: exemplars of each cluster"
    title += f" ({format_count(n_omitted, 'smaller cluster')} not shown)" if n_omitted else ""
    with open_plot(path) as ax:
        plots.exemplars(exemplars, names, ax, title)


def exemplars_path(picture: Path) -> Path:
    """Return the path of the plot of exemplars, next to the scatter plot."""
    return picture.with_suffix(f".exemplars{picture.suffix}")
