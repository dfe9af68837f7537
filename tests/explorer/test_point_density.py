from __future__ import annotations

import numpy as np
import pytest

from latentmap.explorer.page_coordinates import CodePlane, grid_points
from latentmap.explorer.point_density import GRID_SIDE, DensityGrid


def test_a_map_uses_its_own_density(map_scene):
    density, points = map_scene.density, map_scene.plane.points[:20]
    expected = map_scene.estimator.density(points)
    np.testing.assert_allclose(density.at(points), expected, atol=1e-6)
    grid = grid_points(density.bounds, GRID_SIDE, GRID_SIDE)
    expected = map_scene.estimator.density(grid).reshape(GRID_SIDE, GRID_SIDE)
    assert np.abs(density.values / 255 - expected).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("width", [2, 5])
def test_density_is_estimated_from_counts(width):
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


def test_density_is_independent_of_y_for_one_component(line_scene):
    assert (line_scene.density.values == line_scene.density.values[0]).all()


def test_density_of_very_few_rows_is_finite():
    density = DensityGrid(None, CodePlane.fit([[0.0, 0.0], [1.0, 1.0], [5.0, 1.0]]))
    assert (density.at([[0.0, 0.0], [1.0, 1.0]]) > 0.5).all()
    assert np.isfinite(DensityGrid(None, CodePlane.fit([[0.0, 0.0]])).values).all()
