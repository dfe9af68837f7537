"""Tests of the named regions of the map."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from latentmap.data import ArraySource, Table
from latentmap.explorer.map_regions import MapRegions
from latentmap.explorer.page_data import read_buffer
from latentmap.explorer.row_scores import CLUSTER
from latentmap.explorer.table_columns import MISSING


def regions_of(frame, points, clusters, labels=None):
    rows = Table(frame)
    rows.labels = labels
    return MapRegions(rows, points, {CLUSTER: clusters})


def people(rng):
    """Return old and young people; the income of the young rises from left to right."""
    n = 600
    group = np.repeat([0, 1], n // 2)
    points = np.column_stack([rng.uniform(0, 4, n), 20.0 * group + rng.uniform(0, 1, n)])
    frame = pd.DataFrame(
        {
            "age": rng.normal(60 - 30 * group, 3),
            "income": np.where(group == 1, 10 * points[:, 0], 20) + rng.normal(0, 0.5, n),
        }
    )
    return frame, points, group


def test_clusters_are_areas_and_parts_differ_from_the_rest_of_their_area():
    frame, points, group = people(np.random.default_rng(3))
    regions = regions_of(frame, points, group)
    assert regions.cluster_names == ["age high", "age low"]
    assert regions.areas.names == regions.cluster_names
    assert (regions.areas.values == group).all()
    # Age does not differ within a group, and income only among the young.
    names = np.array(regions.parts.names)
    in_young = regions.parts.values[(group == 1) & (regions.parts.values != MISSING)]
    left = regions.parts.values[(group == 1) & (points[:, 0] < 0.4)]
    assert set(names[in_young]) >= {"income low", "income high"}
    assert set(names[left[left != MISSING]]) == {"income low"}
    assert not any("age" in name for name in names)


def test_labels_name_clusters():
    frame, points, group = people(np.random.default_rng(1))
    regions = regions_of(frame, points, group, np.array(["old", "young"])[group])
    assert regions.areas.names == ["old", "young"]


def test_a_cluster_of_all_rows_has_several_areas():
    rng = np.random.default_rng(2)
    points = rng.uniform(0, 1, (900, 2))
    words = np.where(points[:, 0] < 0.5, "graph nodes edges of a tree", "colours axes of a figure")
    frame = pd.DataFrame({"text": [f"{text} {i:04}" for i, text in enumerate(words)]})
    areas = regions_of(frame, points, np.zeros(900, np.intp)).areas
    assert 6 <= len(areas.names) <= 12  # Areas on both sides of the border have no name.
    left = {areas.names[i] for i in areas.values[points[:, 0] < 0.3]}
    assert left == {"edges, graph"}


def test_rows_without_columns_have_clusters_but_no_parts():
    points = np.random.default_rng(0).uniform(size=(200, 2))
    clusters = (points[:, 0] > 0.3).astype(np.intp)
    regions = MapRegions(ArraySource(np.zeros((200, 3))), points, {CLUSTER: clusters})
    assert regions.areas.names == ["0", "1"]
    assert regions.parts.names == []
    assert (regions.parts.values == MISSING).all()


def test_the_scene_has_buffers_of_the_regions(mixed_scene):
    values = np.frombuffer(read_buffer(mixed_scene, "areas"), "<u2")
    names = json.loads(read_buffer(mixed_scene, "areas-names"))
    assert len(values) == len(mixed_scene)
    assert values[values != MISSING].max() < len(names)
    cluster = next(scale for scale in mixed_scene.color_scales if scale.name == "cluster")
    assert cluster.compute().categories == mixed_scene.regions.cluster_names
