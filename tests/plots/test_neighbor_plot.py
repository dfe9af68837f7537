from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from latentmap import plots
from latentmap.errors import DataError
from latentmap.plots.style import PALETTE

IMAGES = np.arange(7, dtype=np.uint8)[:, None, None] * np.full((14, 10), 40, np.uint8)
TABLE = np.random.default_rng(0).normal(size=(7, 14))


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def test_images_are_in_lines_with_the_query_on_the_left(ax, render):
    captions = [["a", "b", "c"], ["d", "e", "f"]]
    neighbor_rows = IMAGES[[[2, 3], [4, 5]]]
    render(plots.neighbors(IMAGES[:2], neighbor_rows, [[0.1, 0.25], [3, 1200]], captions, ax))
    shades = [image.get_array()[0, 0, 0] * 255 / 40 for image in ax.images]
    assert shades == pytest.approx([0, 2, 3, 1, 4, 5])
    lefts, rights, bottoms, tops = np.transpose([image.get_extent() for image in ax.images])
    assert (lefts[1:3] > rights[:2]).all()
    assert tops[0] == tops[2] < bottoms[0] < tops[3]
    assert texts_of(ax) == ["a", "b\n0.100", "c\n0.250", "d", "e\n3.00", "f\n1.20e+03"]


def test_decoded_neighbours_have_the_intensities_of_the_query(ax):
    query = np.full((1, 4, 4), 100, np.uint8)
    neighbor_rows = np.full((1, 1, 4, 4), -3.0)  # a reconstruction may lie outside 0–255
    plots.neighbors(query, neighbor_rows, [[0.1]], [["a", "b"]], ax)
    assert [image.get_array().max() for image in ax.images] == pytest.approx([100 / 255, 0])


@pytest.mark.parametrize("rows", [IMAGES, TABLE])
def test_captions_of_another_label_are_highlighted(ax, rows):
    plots.neighbors(
        rows[:1], rows[None, 1:3], [[1, 2]], [["a", "b", "c"]], ax, same_label=[[True, False]]
    )
    colors = {
        text.get_text()[0]: text.get_color() for text in ax.texts if text.get_text()[0] in "bc"
    }
    assert colors["c"] == PALETTE[2] != colors["b"]


def test_a_table_shows_the_columns_that_differ_most_and_how_far(ax, render):
    query, neighbor_rows = np.zeros((1, 14)), np.zeros((1, 2, 14))
    neighbor_rows[0, 0], neighbor_rows[0, 1] = np.arange(14), -np.arange(14)
    names = [f"${i}" for i in range(14)]
    column_std = np.ones(14)
    column_std[13] = 1e6
    plots.neighbors(
        query,
        neighbor_rows,
        [[1, 2]],
        [["q", "r", "s"]],
        ax,
        column_names=names,
        column_std=column_std,
    )
    render(ax)
    texts = texts_of(ax)
    assert [name for name in names if name in texts] == names[3:13]
    assert {"q", "query", "r", "1.00", "s", "2.00", "12", "-12"} <= set(texts)
    cells = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    red, _, blue, _ = np.mean([cell.get_facecolor() for cell in cells[10:20]], axis=0)
    assert red > blue  # greater than the query
    red, _, blue, _ = np.mean([cell.get_facecolor() for cell in cells[20:]], axis=0)
    assert blue > red


def test_size_of_the_figure_grows_with_queries_and_neighbours(draw_and_measure):
    def size(n, k, *row_shape):
        rows, distances, captions = np.zeros((n, k, *row_shape)), np.ones((n, k)), [[""] * (k + 1)]
        return draw_and_measure(
            lambda ax: plots.neighbors(rows[:, 0], rows, distances, captions * n, ax)
        )

    width, height = size(1, 10, 28, 28)
    assert size(1, 20, 28, 28)[0] > 1.8 * width - 1
    assert size(3, 10, 28, 28)[1] > 2 * height
    assert size(2, 10, 4)[1] > size(1, 10, 4)[1]


@pytest.mark.parametrize(
    ("neighbor_rows", "distances", "captions", "message"),
    [
        (IMAGES[None, 1:3, :5], [[1, 2]], [["a", "b", "c"]], "neighbors: expected rows of shape"),
        (IMAGES[None, 1:3], [[1]], [["a", "b", "c"]], "distances: expected shape"),
        (IMAGES[None, 1:1], np.zeros((1, 0)), [["a"]], "distances: expected shape"),
        (
            IMAGES[None, 1:3],
            [[1, 2]],
            [["a", "b"]],
            "captions: expected 3 strings for each of 1 queries",
        ),
        (IMAGES[None, 1:3], [[1, 2]], [], "captions: expected 3 strings for each of 1 queries"),
    ],
)
def test_inconsistent_shapes_are_refused(ax, neighbor_rows, distances, captions, message):
    with pytest.raises(DataError, match=message):
        plots.neighbors(IMAGES[:1], neighbor_rows, distances, captions, ax)


def test_texts_from_data_are_drawn_without_mathematics(ax, render):
    captions = [["$\\frac", "a\nb", "\x00" * 99]]
    render(
        plots.neighbors(
            TABLE[:1], TABLE[None, 1:3], [[1, 2]], captions, ax, column_names=["$x^"] * 14
        )
    )
    render(plots.neighbors(IMAGES[:1], IMAGES[None, 1:3], [[1, 2]], captions, ax))


def test_texts_of_a_table_replace_numbers():
    cell_text = [[["1 m", "a"], ["2 m", "b"]]]
    captions, options = [["#1", "#2"]], {"column_names": ["size", "kind"], "column_std": [1, 1]}
    ax = plots.neighbors(
        np.zeros((1, 2)),
        np.array([[[0.5, 1.0]]]),
        [[0.1]],
        captions,
        cell_text=cell_text,
        **options,
    )
    written = [text.get_text() for text in ax.texts]
    assert [text for text in ("1 m", "a", "2 m", "b") if text in written] == [
        "1 m",
        "a",
        "2 m",
        "b",
    ]
