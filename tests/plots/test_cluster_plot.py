from __future__ import annotations

import numpy as np
import pytest

from latentmap import plots
from latentmap.errors import DataError


def test_each_cluster_has_a_lane_of_its_rows(ax, drawn):
    lanes = [np.full((3, 8, 8), 255, np.uint8), np.zeros((2, 8, 8), np.uint8)]
    drawn(plots.typical_rows(lanes, ["0:  9 rows", "1:  $5 rows"], ax=ax, title="digits"))
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.shape == (17, 26, 3)
    assert (sheet[:8] == 1).all()
    assert (sheet[9:, :8] == 0).all()
    assert (sheet[9:, 18:] == 1).all()  # the shorter lane ends in white
    low, high = (tick for tick in ax.get_yticks())
    assert low == pytest.approx(3.5)
    assert high == pytest.approx(12.5)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0: 9 rows", "1: $5 rows"]


def test_colours_stay_colours(ax, drawn):
    red = np.zeros((2, 6, 5, 3), np.uint8)
    red[..., 0] = 255
    drawn(plots.typical_rows([red], ["0"], ax=ax))
    assert np.asarray(ax.images[0].get_array())[0, 0].tolist() == [1, 0, 0]


def test_the_sheet_grows_with_lanes_and_rows():
    one, more = (plots.typical_rows_size([8] * lanes, (28, 28)) for lanes in (1, 12))
    assert more[1] > 4 * one[1]
    assert plots.typical_rows_size([20], (28, 28))[0] > one[0]


@pytest.mark.parametrize(
    ("lanes", "names", "words"),
    [
        ([], [], "names: expected one for each of 0 clusters"),
        ([np.zeros((2, 8, 8))], ["a", "b"], "each of 1 clusters, at least one, found 2"),
        ([np.zeros((2, 8))], ["a"], "clusters: expected images"),
        ([np.zeros((2, 8, 8)), np.zeros((2, 9, 8))], ["a", "b"], "images of one shape"),
        ([np.zeros((0, 8, 8))], ["a"], "clusters: expected images"),
    ],
)
def test_what_are_no_lanes_is_refused(ax, lanes, names, words):
    with pytest.raises(DataError, match=words):
        plots.typical_rows(lanes, names, ax=ax)
