from __future__ import annotations

from pathlib import Path

import numpy as np

from latentmap.analysis import cluster
from latentmap.cli.cluster_pictures import beside, count_of, names_of, rows_of
from latentmap.plots.label_encoding import Tags


def test_many_clusters_are_no_measured_value():
    spread = np.random.default_rng(0).random((300, 2))
    groups = cluster(spread, 25)
    tags = Tags(names_of(groups), 300)
    assert tags.values is None
    assert "#24" in tags.names
    few = Tags(names_of(cluster(spread, 12)), 300)
    assert few.names == [str(number) for number in range(12)]


def test_words():
    assert beside(Path("a/c.png")) == Path("a/c.typical.png")
    assert [count_of(1), count_of(2), rows_of(1), rows_of(2000)] == [
        "1 cluster",
        "2 clusters",
        "1 row",
        "2,000 rows",
    ]
