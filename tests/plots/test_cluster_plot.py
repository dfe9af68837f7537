from __future__ import annotations

import numpy as np
import pytest

from latentmap import plots
from latentmap.errors import DataError


def test_each_cluster_has_a_line_of_its_rows(ax, render):
    clusters = [np.full((3, 8, 8), 255, np.uint8), np.zeros((2, 8, 8), np.uint8)]
    render(plots.exemplars(clusters, ["0:  9 rows", "1:  $5 rows"], ax=ax, title="digits"))
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.shape == (17, 26, 3)
    assert (sheet[:8] == 1).all()
    assert (sheet[9:, :8] == 0).all()
    assert (sheet[9:, 18:] == 1).all()  # the shorter lane ends in white
    low, high = (tick for tick in ax.get_yticks())
    assert low == pytest.approx(3.5)
    assert high == pytest.approx(12.5)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0: 9 rows", "1: $5 rows"]


def test_colour_images_stay_coloured(ax, render):
    red = np.zeros((2, 6, 5, 3), np.uint8)
    red[..., 0] = 255
    render(plots.exemplars([red], ["0"], ax=ax))
    assert np.asarray(ax.images[0].get_array())[0, 0].tolist() == [1, 0, 0]


def test_size_of_the_figure_grows_with_clusters_and_rows(draw_and_measure):
    def size(n_clusters, n_rows):
        clusters, names = [np.zeros((n_rows, 28, 28))] * n_clusters, ["name"] * n_clusters
        return draw_and_measure(lambda ax: plots.exemplars(clusters, names, ax))

    assert size(12, 8)[1] > 4 * size(1, 8)[1]
    assert size(1, 20)[0] > size(1, 8)[0]


@pytest.mark.parametrize(
    ("clusters", "names", "message"),
    [
        ([], [], "names: expected one for each of 0 clusters"),
        ([np.zeros((2, 8, 8))], ["a", "b"], "each of 1 clusters, at least one, found 2"),
        ([np.zeros((2, 8))], ["a"], "clusters: expected images"),
        ([np.zeros((2, 8, 8)), np.zeros((2, 9, 8))], ["a", "b"], "images of one shape"),
        ([np.zeros((0, 8, 8))], ["a"], "clusters: expected images"),
    ],
)
def test_invalid_clusters_are_refused(ax, clusters, names, message):
    with pytest.raises(DataError, match=message):
        plots.exemplars(clusters, names, ax=ax)
