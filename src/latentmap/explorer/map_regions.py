"""Named regions of the map in two levels: areas, and the parts of each area."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sklearn.cluster import KMeans

from latentmap.analysis.group_columns import name_row_groups, named_rows, read_group_columns
from latentmap.analysis.group_names import describe_groups
from latentmap.data import Source
from latentmap.explorer.row_scores import CLUSTER, RowScores
from latentmap.explorer.table_columns import MISSING

MAX_AREAS, MAX_PARTS = 12, 120
_LARGE_SHARE = 0.6  # A cluster with a larger share of the rows is divided into several areas.
_MAX_PARTS_PER_AREA = 16
_MIN_REGION_ROWS = 15
_FITTED_ROWS = 10_000  # Number of rows from which the centres of regions are computed.


@dataclass
class Regions:
    """Named regions of one level: the region of each row, uint16, or 65,535 for none."""

    values: np.ndarray
    names: list[str] = field(default_factory=list)

    def add(self, rows: np.ndarray, name: str) -> None:
        """Add a region with these rows, unless the name is empty."""
        if name:
            self.values[rows] = len(self.names)
            self.names.append(name)


class MapRegions:
    """Clusters, areas and parts of the n rows of a map, computed when they are first requested.

    Parameters
    ----------
    rows : Source
    points : ndarray of shape (n, 2)
        Positions of the rows on the map.
    scores : RowScores
        Contains the cluster of each row.
    """

    def __init__(self, rows: Source, points: np.ndarray, scores: RowScores) -> None:
        self._rows, self._points, self._scores = rows, points, scores
        self._lock = threading.RLock()  # Concurrent requests wait for one computation.

    @property
    def cluster_names(self) -> list[str]:
        """A distinct name for each cluster."""
        with self._lock:
            return self._cluster_names

    @property
    def areas(self) -> Regions:
        """The clusters; a cluster of most rows is divided into several areas."""
        with self._lock:
            return self._levels[0]

    @property
    def parts(self) -> Regions:
        """Parts of the areas, each named by its difference from the rest of its area."""
        with self._lock:
            return self._levels[1]

    @cached_property
    def _cluster_names(self) -> list[str]:
        clusters = self._scores[CLUSTER]
        return name_row_groups(self._rows, clusters, clusters.max() + 1)

    @cached_property
    def _levels(self) -> tuple[Regions, Regions]:
        clusters, names = self._scores[CLUSTER], self._cluster_names
        n = len(clusters)
        areas, parts = (Regions(np.full(n, MISSING, "<u2")) for _ in range(2))
        describe = _GroupDescriber(self._rows)
        for cluster, name in enumerate(names):
            members = np.flatnonzero(clusters == cluster)
            is_large = len(members) > _LARGE_SHARE * n and describe.has_columns
            n_areas = MAX_AREAS * len(members) // n if is_large else 1
            groups = _split(self._points[members], n_areas)
            area_rows = [members[groups == group] for group in range(groups.max() + 1)]
            area_names = [name] if len(area_rows) == 1 else describe(area_rows, np.arange(n))
            for rows, area_name in zip(area_rows, area_names, strict=True):
                areas.add(rows, area_name)
                self._add_parts(parts, rows, describe)
        return areas, parts

    def _add_parts(self, parts: Regions, rows: np.ndarray, describe: _GroupDescriber) -> None:
        """Divide the rows of an area, and add the parts that have a name."""
        n_parts = min(MAX_PARTS * len(rows) // len(self._points), _MAX_PARTS_PER_AREA)
        groups = _split(self._points[rows], n_parts if describe.has_columns else 1)
        if groups.max() > 0:
            part_rows = [rows[groups == group] for group in range(groups.max() + 1)]
            for members, name in zip(part_rows, describe(part_rows, rows), strict=True):
                parts.add(members, name)


class _GroupDescriber:
    """Columns and texts of rows, from which groups of rows are described."""

    def __init__(self, rows: Source) -> None:
        self._n, self._indices = len(rows), named_rows(rows)
        self._columns, self._texts = read_group_columns(rows, self._indices)

    @property
    def has_columns(self) -> bool:
        return bool(self._columns or self._texts)

    def __call__(self, groups: Sequence[np.ndarray], compared_rows: np.ndarray) -> list[str]:
        """Return the difference of each group of rows from the other ``compared_rows``."""
        group_of_row = np.full(self._n, len(groups))
        for group, rows in enumerate(groups):
            group_of_row[rows] = group
        is_compared = np.zeros(self._n, bool)
        is_compared[compared_rows] = True
        row_numbers = np.flatnonzero(is_compared[self._indices])
        columns = {name: values[row_numbers] for name, values in self._columns.items()}
        texts = [[text[i] for i in row_numbers] for text in self._texts]
        names = describe_groups(group_of_row[self._indices[row_numbers]], columns, texts)
        return [names[group] if group < len(names) else "" for group in range(len(groups))]


def _split(points: np.ndarray, n_groups: int) -> np.ndarray:
    """Return the group of each point, from k-means on the map; the groups are not tiny."""
    n_groups = min(n_groups, len(points) // _MIN_REGION_ROWS)
    sample = points[:: max(1, len(points) // _FITTED_ROWS)]
    if n_groups < 2 or len(np.unique(sample, axis=0)) < n_groups:
        return np.zeros(len(points), np.intp)
    return KMeans(n_groups, n_init=1, random_state=0).fit(sample).predict(points)
