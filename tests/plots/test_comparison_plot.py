from __future__ import annotations

import numpy as np
import pytest

from latentmap import plots
from latentmap.errors import DataError
from latentmap.plots.comparison_plot import most_different_columns


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_images_reconstructions_and_differences_are_drawn(ax, render):
    rows = np.full((2, 14, 14), 100, np.uint8)
    rows[1, :7] = 200
    render(plots.comparison(rows, rows.astype(float), ["me", "you"], ax))
    assert ticks(ax.xaxis) == ["me", "you", "difference"]
    assert ticks(ax.yaxis) == ["original", "reconstruction"]
    picture = np.asarray(ax.images[0].get_array())
    assert picture[0, 0, 0] == pytest.approx(100 / 255)
    assert picture[0, 15, 0] == pytest.approx(200 / 255)
    red, _, blue = picture[0, 30]
    assert red > 2 * blue  # the second is brighter there
    assert picture[10, 30] == pytest.approx(np.ones(3), abs=0.05)  # and no different here
    assert picture[15, 0, 0] == pytest.approx(100 / 255)


def test_colour_images(ax, render):
    rows = np.random.default_rng(0).integers(0, 255, (2, 6, 5, 3), np.uint8)
    render(plots.comparison(rows, rows, ax=ax))


def test_equal_rows_have_no_difference(ax, render):
    rows = np.zeros((2, 4, 4), np.uint8)
    render(plots.comparison(rows, rows, ax=ax))
    assert np.asarray(ax.images[0].get_array())[0, -1] == pytest.approx(np.ones(3), abs=0.05)
    render(plots.comparison(np.ones((2, 3)), np.ones((2, 3)), ax=ax))


def test_a_table_shows_the_columns_that_differ_most_in_their_own_units(ax, render):
    rows = np.zeros((2, 20))
    rows[1] = np.arange(20)
    names = [f"${i}" for i in range(20)]
    column_std = np.ones(20)
    column_std[19] = 1000
    render(plots.comparison(rows, rows, ["$a", "b"], ax, column_names=names, column_std=column_std))
    assert ticks(ax.yaxis) == [f"${i}" for i in range(18, 6, -1)]
    assert ax.texts[0].get_text() == "0 → 18"
    first, second = ax.lines[0].get_xdata(), ax.lines[2].get_xdata()
    assert second - first == pytest.approx(np.arange(18, 6, -1))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["$a", "b", "reconstruction"]


def test_wide_rows_without_names_are_lines(ax, render):
    rows = np.random.default_rng(0).normal(size=(2, 100))
    render(plots.comparison(rows, rows + 1, ax=ax))
    assert np.array_equal(ax.lines[0].get_ydata(), rows[0])
    assert np.array_equal(ax.lines[3].get_ydata(), rows[1] + 1)


@pytest.mark.parametrize(
    ("rows", "reconstructions"),
    [
        (np.zeros((3, 4)), np.zeros((3, 4))),
        (np.zeros((2, 4)), np.zeros((2, 5))),
        (np.zeros(2), np.zeros(2)),
    ],
)
def test_anything_but_two_rows_is_refused(ax, rows, reconstructions):
    with pytest.raises(DataError, match="expected two rows and their reconstructions"):
        plots.comparison(rows, reconstructions, ax=ax)


def test_columns_are_sorted_by_difference():
    assert most_different_columns([[0, 0, 0, 7], [1, -3, 2, 7]]).tolist() == [1, 2, 0]
    assert most_different_columns([[0, 0], [1, 3]], column_std=[0, 10]).tolist() == [0, 1]


def test_texts_of_a_table_are_written_and_missing_values_are_not_drawn():
    pair = np.array([[0.0, np.nan, 1.0], [2.0, 0.5, 1.0]])
    cell_text = [["a", "missing", "c"], ["b", "0.5 m", "c"]]
    ax = plots.comparison(
        pair, pair, column_names=["x", "y", "z"], column_std=[1, 1, 1], cell_text=cell_text
    )
    assert [text.get_text() for text in ax.texts] == ["a → b", "missing → 0.5 m"]
    assert most_different_columns(pair).tolist() == [0, 1]
