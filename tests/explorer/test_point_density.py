from __future__ import annotations

import numpy as np
import pytest

from latentmap.explorer.page_coordinates import CodePlane, grid_points
from latentmap.explorer.point_density import GRID_SIDE, DensityGrid


def test_a_map_tells_by_itself(map_scene):
    density, spots = map_scene.density, map_scene.plane.points[:20]
    expected = map_scene.estimator.density(spots)
    np.testing.assert_allclose(density.at(spots), expected, atol=1e-6)
    grid = grid_points(density.bounds, GRID_SIDE, GRID_SIDE)
    expected = map_scene.estimator.density(grid).reshape(GRID_SIDE, GRID_SIDE)
    assert np.abs(density.values / 255 - expected).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("width", [2, 5])
def test_where_rows_live_is_counted(width):
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(3000, width)) * ([1] * 2 + [0.1] * (width - 2))
    codes[:1500, 0] += 9
    plane = CodePlane.fit(codes)
    density = DensityGrid(None, plane)
    groups = plane.to_points(codes).reshape(2, 1500, 2).mean(axis=1)
    assert density.at(groups).tolist() == [1, 1]
    between, far = density.at([groups.mean(axis=0), groups[0] + 50])
    assert between < 0.1
    assert far == 0
    assert np.median(density.at(plane.points)) == 1


def test_on_a_line_height_tells_nothing(line_scene):
    assert (line_scene.density.values == line_scene.density.values[0]).all()


def test_few_rows_are_enough():
    density = DensityGrid(None, CodePlane.fit([[0.0, 0.0], [1.0, 1.0], [5.0, 1.0]]))
    assert (density.at([[0.0, 0.0], [1.0, 1.0]]) > 0.5).all()
    assert np.isfinite(DensityGrid(None, CodePlane.fit([[0.0, 0.0]])).values).all()
