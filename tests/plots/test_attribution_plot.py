from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.attribution_plot import attribution


def test_images_are_above_their_heat_maps(ax, render):
    rows, expected = np.zeros((12, 14, 14), np.uint8), np.full((12, 14, 14), 255.0)
    shares = np.zeros((12, 14, 14))
    shares[0, 0, 0], shares[0, 13, 13] = 0.9, -0.1
    render(attribution(rows, expected, shares, [f"row ${i}" for i in range(12)], ax))
    assert [text.get_text() for text in ax.texts] == [f"row ${i}" for i in range(12)]
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "original",
        "expected",
        "attribution",
    ] * 2
    picture = ax.images[0].get_array()
    top = (picture.shape[0] + 1) // 2 - 3 * 15  # The top of the first image.
    assert picture[top : top + 14, :14].max() == 0
    assert picture[top + 15 : top + 29, :14].min() == 1
    red, green, blue = picture[top + 30, 0]
    assert red > max(green, blue)
    red, green, blue = picture[top + 43, 13]
    assert blue > red
    assert picture[top + 35, 5].tolist() == [1, 1, 1]


def test_attributions_of_channels_are_summed(ax, render):
    rows = np.zeros((1, 8, 8, 3))
    shares = np.zeros((1, 8, 8, 3))
    shares[0, 4, 4] = [0.5, -0.5, 0]
    render(attribution(rows, rows, shares, ["a"], ax))
    assert ax.images[0].get_array()[-4, 4].tolist() == [1, 1, 1]


def test_columns_are_named_with_actual_and_expected_values(ax, render):
    rows, expected = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]), np.zeros((2, 4))
    shares = np.array([[0.1, -0.6, 0.3, 0], [0, 0, 1, 0]])
    render(attribution(rows, expected, shares, ["row 3", "row $1"], ax, ["a", "b", "c$", "d"]))
    assert [text.get_text() for text in ax.texts] == [
        "b: 2, expected 0",
        "c$: 3, expected 0",
        "a: 1, expected 0",
        "c$: 7, expected 0",
    ]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.6, 0.3, 0.1, 1.0])
    assert ax.patches[0].get_facecolor() != ax.patches[1].get_facecolor()
    assert [t.get_text() for t in ax.get_yticklabels()] == ["row 3", "row $1"]


def test_rows_without_difference_have_an_explanation_instead_of_bars(ax, render):
    rows = np.ones((2, 3))
    render(attribution(rows, rows, np.zeros((2, 3)), ["a", "b"], ax))
    assert not ax.patches
    assert ["the code of the row is unusual" in text.get_text() for text in ax.texts] == [True] * 2


def test_height_of_the_figure_grows_with_the_rows(draw_and_measure):
    def height(*shape):
        rows = np.zeros(shape)
        return draw_and_measure(lambda ax: attribution(rows, rows, rows, [""] * shape[0], ax))[1]

    assert height(40, 28, 28) > 3 * height(10, 28, 28)
    assert height(20, 5) > 2 * height(5, 5)


@pytest.mark.parametrize(("shape", "count"), [((2, 3), 2), ((1, 4), 2), ((0, 3), 0)])
def test_inconsistent_shapes_are_refused(ax, shape, count):
    with pytest.raises(DataError, match="attribution: expected rows, expected values"):
        attribution(np.zeros(shape), np.zeros((1, 3)), np.zeros(shape), ["a"] * count, ax)


def test_texts_are_written_and_categories_have_grey_bars():
    ax = attribution(
        [["Malta", "3 m"]],
        [["France", "2 m"]],
        [[0.75, 0.25]],
        ["row 1"],
        column_names=["country", "size"],
        is_ordered=[False, True],
    )
    assert [text.get_text() for text in ax.texts] == [
        "country: Malta, expected France",
        "size: 3 m, expected 2 m",
    ]
    first, second = (to_hex(bar.get_facecolor()) for bar in ax.patches)
    assert first == style.GREY
    assert second == style.PALETTE[2]
