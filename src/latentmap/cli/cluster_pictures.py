"""Clusters drawn: where they lie among the codes, and what is typical of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latentmap.cli.console import say, working

if TYPE_CHECKING:
    import numpy as np

    from latentmap.analysis.clustering import Clusters
    from latentmap.data import Source

__all__ = ["beside", "count_of", "draw_clusters", "names_of", "rows_of"]

_LANES = 40  # clusters in a contact sheet
_PLAIN = 20  # of more different numbers a picture makes a measured value


def draw_clusters(path: Path, rows: Source, codes: np.ndarray, groups: Clusters) -> None:
    """Draw the clusters on the codes and, of images, their most typical rows."""
    _draw_map(path, rows, codes, groups)
    if len(rows.row_shape) > 1:
        _draw_typical(beside(path), rows, groups)


def _draw_map(path: Path, rows: Source, codes: np.ndarray, groups: Clusters) -> None:
    with working(f"Drawing {path}…"):
        from latentmap import plots

        size = (7.0, 7.3) if codes.shape[1] > 1 else (7.0, 3.6)
        title = f"{rows.name}: {count_of(groups.n_clusters)} of {rows_of(len(codes))}"
        with plots.figure(path, *size) as ax:
            # Seen from one side only, a row beside others of its own would look unsure for nothing.
            sure = groups.sure if codes.shape[1] <= 2 else None
            plots.codes(codes, names_of(groups), ax, title, confidence=sure)
    say(f"Wrote {path}")


def names_of(groups: Clusters) -> np.ndarray:
    """Name clusters by texts that sort as their numbers do; of many, by none that look measured."""
    import numpy as np

    count = groups.n_clusters
    width = len(str(count - 1))
    names = [f"#{group}" if count > _PLAIN else f"{group:>{width}}" for group in range(count)]
    return np.array(names)[groups.labels]


def _draw_typical(path: Path, rows: Source, groups: Clusters) -> None:
    with working(f"Drawing {path}…"):
        from latentmap import plots

        shown = groups.typical[:_LANES]
        lanes = [rows.take(numbers) for numbers in shown]
        names = [
            f"{group}:  {rows_of(size)}"
            for group, size in enumerate(groups.sizes[:_LANES].tolist())
        ]
        more = groups.n_clusters - len(shown)
        title = f"{rows.name}: the most typical rows of each cluster"
        title += f", {more} smaller ones left out" if more else ""
        with plots.figure(
            path, *plots.typical_rows_size([len(lane) for lane in lanes], rows.row_shape)
        ) as ax:
            plots.typical_rows(lanes, names, ax, title)
    say(f"Wrote {path}")


def beside(picture: Path) -> Path:
    """Tell where the contact sheet goes."""
    return picture.with_suffix(f".typical{picture.suffix}")


def count_of(clusters: int) -> str:
    """Write so many clusters."""
    return "1 cluster" if clusters == 1 else f"{clusters:,} clusters"


def rows_of(number: int) -> str:
    """Write so many rows."""
    return "1 row" if number == 1 else f"{number:,} rows"
