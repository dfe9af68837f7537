from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from latentmap import plots
from latentmap.plots.point_drawing import MAX_DOTS, blend_points


def test_more_points_are_drawn_smaller_and_fainter(Z):
    sizes, alphas = [], []
    for rows in (Z[:100], Z, np.tile(Z, (66, 1))):
        ax = plots.codes(rows, ax=Figure().subplots())
        sizes.append(ax.collections[0].get_sizes()[0])
        alphas.append(ax.collections[0].get_alpha())
        assert ax.collections[0].get_rasterized()
    assert sizes[0] > 1.5 * sizes[1] > 10 * sizes[2]
    assert alphas[0] == alphas[1] > alphas[2]


def test_very_many_points_are_an_image_darker_where_they_are_dense(ax):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(5 * MAX_DOTS, 2))
    plots.codes(Z, ["a"] * len(Z), ax=ax)
    assert len(ax.collections) == 0
    opacity = np.asarray(ax.images[0].get_array())[..., 3]
    middle = len(opacity) // 2
    rings = [opacity[middle, middle + 40 * k : middle + 40 * (k + 1)].mean() for k in range(6)]
    assert (np.diff(rings) < 0).all()
    assert rings[0] < 0.95  # no blob


def test_an_image_has_the_position_of_its_points(ax):
    Z = np.tile([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]], (MAX_DOTS, 1))
    plots.codes(Z, ax=ax)
    image = ax.images[0]
    assert image.get_extent() == [*ax.get_xlim(), *ax.get_ylim()]
    rows, columns = np.nonzero(np.asarray(image.get_array())[..., 3] > 0.3)
    x = np.interp(columns + 0.5, (0, 700), ax.get_xlim())
    y = np.interp(rows + 0.5, (0, 700), ax.get_ylim())  # its first row is the lowest
    dots = {(round(a), round(b)) for a, b in zip(x, y, strict=True)}
    assert dots == {(0, 0), (10, 0), (10, 10)}


def test_rows_that_share_a_cell_share_its_color():
    colors = np.array([[1.0, 0, 0], [0, 0, 1.0], [1.0, 0, 0], [1.0, 0, 0]])
    image = blend_points(np.full(4, 5 * 11 + 5), colors, 11)
    assert image[5, 5, :3] == pytest.approx([0.75, 0, 0.25])
    assert image[0, 0, 3] == 0


def test_a_single_row_is_visible_beside_dense_regions():
    cells = np.concatenate([np.full(100_000, 5 * 21 + 5), [15 * 21 + 15]])
    image = blend_points(cells, np.zeros((len(cells), 3)), 21)
    assert image[5, 5, 3] > 0.9
    assert 0.35 < image[15, 15, 3] < 0.6


def test_a_long_strip_is_an_image_too(ax, render):
    render(plots.codes(np.linspace(0, 1, 2 * MAX_DOTS)[:, None], ["a", "b"] * MAX_DOTS, ax=ax))
    low, high = ax.get_xlim()
    assert low < 0 < 1 < high
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
