from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from latentmap import plots
from latentmap.errors import DataError, SettingError


class PixelDecoder:
    """Model that decodes a code to an image of two pixels: its first and last component."""

    def inverse_transform(self, Z):
        return np.asarray(Z)[:, None, [0, -1]]


def black(side):
    decoder = PixelDecoder()
    decoder.inverse_transform = lambda Z: np.zeros((len(Z), side, side), np.uint8)
    return decoder


def cells_of(ax, n, side=28):
    """Return the value at the centre of every cell, (n, n)."""
    picture = ax.images[0].get_array()[..., 0]
    assert picture.shape == (n * (side + 1) - 1,) * 2
    return np.asarray(picture[side // 2 :: side + 1, side // 2 :: side + 1])


def test_each_cell_shows_its_decoded_code(ax):
    corners = np.array([[-1.0, 0.0], [1.0, 10.0]])
    plots.decoded_grid(PixelDecoder(), corners, ax=ax, n=3)
    picture = ax.images[0].get_array()[..., 0]
    # Cells have two wide pixels and a gap of one: the first component grows rightwards, the last
    # upwards.
    first, last = picture[:, 7::57], picture[:, 35::57]
    assert (np.diff(first[0]) >= 0).all()
    assert (np.diff(first[0]) > 0).any()
    assert (np.diff(last[7::29, 0]) <= 0).all()
    low_x, high_x, low_y, high_y = ax.images[0].get_extent()
    assert (low_x, high_x) == pytest.approx((-1, 1), abs=0.1)
    assert (low_y, high_y) == pytest.approx((0, 10), abs=0.5)


def test_cells_without_codes_are_pale(ax):
    rng = np.random.default_rng(0)
    Z = np.concatenate([rng.normal(0, 0.3, (500, 2)), rng.normal(9, 0.3, (500, 2))])
    cells = cells_of(plots.decoded_grid(black(28), Z, ax=ax, n=10), 10)
    assert cells[-1, 0] == cells[0, -1] == 0  # bottom left and top right hold codes
    assert cells[0, 0] == cells[-1, -1] == pytest.approx(0.92)


def test_opacity_follows_the_density_of_a_map(ax, atlas):
    cells = cells_of(plots.decoded_grid(atlas, ax=ax, n=12), 12)
    left, right, bottom, top = ax.images[0].get_extent()
    x = left + (np.arange(12) + 0.5) * (right - left) / 12
    y = top - (np.arange(12) + 0.5) * (top - bottom) / 12
    positions = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    density = atlas.density(positions).reshape(12, 12)
    assert np.allclose(1 - cells, 0.08 + 0.92 * density)


def test_decoded_grid_and_codes_show_the_same_region(atlas):
    Z = np.random.default_rng(0).normal(size=(50, 2)) * [3, 2]
    plane = plots.decoded_grid(atlas, Z, ax=Figure().subplots(), n=4)
    codes = plots.codes(Z, ax=Figure().subplots())
    assert plane.get_xlim() == pytest.approx(codes.get_xlim())
    assert plane.get_ylim() == pytest.approx(codes.get_ylim())


@pytest.mark.parametrize(("side", "n"), [(8, 28), (28, 28), (40, 22), (64, 14)])
def test_larger_images_are_fewer(ax, atlas, side, n):
    atlas.inverse_transform = black(side).inverse_transform
    width = plots.decoded_grid(atlas, ax=ax).images[0].get_array().shape[1]
    enlarged = side * -(-28 // side)
    assert width == n * (enlarged + 1) - 1


def test_very_large_images_are_averaged(ax, atlas):
    chessboard = np.indices((500, 400)).sum(axis=0) % 2 * 255
    atlas.inverse_transform = lambda Z: np.tile(chessboard.astype(np.uint8), (len(Z), 1, 1))
    atlas.density = lambda Z: np.ones(len(Z))
    plots.decoded_grid(atlas, ax=ax)
    picture = np.asarray(ax.images[0].get_array())
    assert picture.shape == (14 * 126 - 1, 14 * 101 - 1, 3)
    assert np.allclose(picture[:125, :100], 0.5)


@pytest.mark.parametrize("width", [1, 2, 7])
def test_codes_of_any_width_are_accepted(ax, render, width):
    Z = np.random.default_rng(0).normal(size=(200, width))
    render(plots.decoded_grid(PixelDecoder(), Z, ax=ax, n=4))
    rows = 1 if width == 1 else 4
    assert ax.images[0].get_array().shape[0] == 29 * rows - 1


def test_models_of_tables_are_refused(ax):
    table = PixelDecoder()
    table.inverse_transform = lambda Z: np.zeros((len(Z), 5))
    with pytest.raises(DataError, match=r"expected a model of images, found rows of shape \(5,\)"):
        plots.decoded_grid(table, [[0.0, 1.0], [1.0, 0.0]], ax=ax)
    with pytest.raises(SettingError, match="n: expected an integer of at least 1"):
        plots.decoded_grid(PixelDecoder(), [[0.0, 1.0]], ax=ax, n=0)
    with pytest.raises(SettingError, match="PixelDecoder is not a map"):
        plots.decoded_grid(PixelDecoder(), ax=ax)
