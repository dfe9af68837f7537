from __future__ import annotations

from pathlib import Path

import numpy as np

from latentmap.analysis import cluster
from latentmap.cli.cluster_pictures import cluster_names, exemplars_path
from latentmap.plots.label_encoding import LabelEncoding


def test_names_of_many_clusters_are_not_plotted_as_numbers():
    codes = np.random.default_rng(0).random((300, 2))
    clusters = cluster(codes, 25)
    encoding = LabelEncoding(cluster_names(clusters), 300)
    assert encoding.values is None
    assert "#24" in encoding.names
    few_encoding = LabelEncoding(cluster_names(cluster(codes, 12)), 300)
    assert few_encoding.names == [str(number) for number in range(12)]


def test_exemplars_are_drawn_next_to_the_plot():
    assert exemplars_path(Path("a/c.png")) == Path("a/c.exemplars.png")
