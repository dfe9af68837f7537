from __future__ import annotations

import numpy as np
import pytest

from latentmap.errors import DataError, SettingError
from latentmap.plots.row_plot import grid_columns, rows


def test_images_are_drawn_in_order(ax, render):
    images = np.arange(6.0).repeat(196).reshape(6, 14, 14)
    render(rows(images, ax, "Six", columns=3))
    displayed = ax.get_images()[0].get_array()
    assert displayed.shape == (29, 44, 3)
    tones = [displayed[top, left, 0] for top in (5, 20) for left in (5, 20, 35)]
    assert tones == pytest.approx(np.arange(6) / 5, abs=0.01)
    assert ax.get_title("left") == "Six"


@pytest.mark.parametrize("count", [1, 5, 12, 13, 16, 60, 97, 400])
def test_a_grid_is_a_line_or_about_square(count):
    columns = grid_columns(count)
    lines = -(-count // columns)
    assert lines == 1 if count <= 12 else lines <= columns <= 2 * lines + 2


def test_a_table_writes_its_values_under_the_names_of_columns(ax, render):
    X = np.array([[1.5, 100, 7], [2.5, 300, 7]])
    render(rows(X, ax, column_names=["width", "$cost$", "same\n"]))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["width", "$cost$", "same"]
    assert sorted(t.get_text() for t in ax.texts) == ["1.5", "100", "2.5", "300", "7", "7"]
    assert ax.get_images()[0].get_array().tolist() == [[0, 0, 0], [1, 1, 0]]


def test_the_most_variable_columns_are_named(ax):
    X = np.random.default_rng(0).normal(size=(9, 30)) * np.arange(1, 31) + 100
    rows(X, ax, column_names=[f"c{i}" for i in range(30)])
    labelled_columns = [int(t.get_text()[1:]) for t in ax.get_xticklabels()]
    assert len(labelled_columns) == 12
    assert np.mean(labelled_columns) > 18
    assert labelled_columns == sorted(labelled_columns)


def test_wide_rows_without_names_are_only_shaded(ax, render):
    render(rows(np.random.default_rng(0).normal(size=(5, 300)), ax))
    assert ax.get_images()[0].get_array().shape == (5, 300)
    assert not ax.texts


@pytest.mark.parametrize(
    ("X", "columns", "error"),
    [
        (np.ones((0, 3)), None, DataError),
        (np.ones(3), None, DataError),
        (np.ones((2, 4, 4)), 0, SettingError),
    ],
)
def test_invalid_arguments_are_refused(X, columns, error):
    with pytest.raises(error):
        rows(X, columns=columns)


def test_texts_of_a_table_replace_numbers():
    positions = np.array([[0.0, np.nan], [2.0, np.nan]])
    ax = rows(positions, column_names=["size", "kind"], cell_text=[["1 m", "a"], ["2 m", "b"]])
    assert [text.get_text() for text in ax.texts] == ["1 m", "a", "2 m", "b"]
    shades = np.asarray(ax.get_images()[0].get_array())
    assert shades.tolist() == [[0, 0], [1, 0]]
