from __future__ import annotations

import numpy as np
import pytest

from latentmap.explorer.page_coordinates import Plane, nodes
from latentmap.explorer.point_density import SIDE, Crowd


def test_a_map_tells_by_itself(map_scene):
    crowd, spots = map_scene.crowd, map_scene.plane.spots[:20]
    expected = map_scene.estimator.density(spots)
    np.testing.assert_allclose(crowd.at(spots), expected, atol=1e-6)
    grid = map_scene.estimator.density(nodes(crowd.bounds, SIDE, SIDE)).reshape(SIDE, SIDE)
    assert np.abs(crowd.grid / 255 - grid).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("width", [2, 5])
def test_where_rows_live_is_counted(width):
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(3000, width)) * ([1] * 2 + [0.1] * (width - 2))
    codes[:1500, 0] += 9
    plane = Plane.of(codes)
    crowd = Crowd(None, plane)
    groups = plane.there(codes).reshape(2, 1500, 2).mean(axis=1)
    assert crowd.at(groups).tolist() == [1, 1]
    between, far = crowd.at([groups.mean(axis=0), groups[0] + 50])
    assert between < 0.1
    assert far == 0
    assert np.median(crowd.at(plane.spots)) == 1


def test_on_a_line_height_tells_nothing(line_scene):
    assert (line_scene.crowd.grid == line_scene.crowd.grid[0]).all()


def test_few_rows_are_enough():
    crowd = Crowd(None, Plane.of([[0.0, 0.0], [1.0, 1.0], [5.0, 1.0]]))
    assert (crowd.at([[0.0, 0.0], [1.0, 1.0]]) > 0.5).all()
    assert np.isfinite(Crowd(None, Plane.of([[0.0, 0.0]])).grid).all()
