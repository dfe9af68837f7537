from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("count", [1, 3, 16, 17, 200, 1030])
def test_decoding_equals_inverse_transform(map_scene, count):
    points = np.resize(map_scene.plane.points, (count, 2))
    expected = map_scene.estimator.inverse_transform(points)
    np.testing.assert_allclose(map_scene.decoder.decode(points), expected, atol=2e-4)
    displayed = map_scene.decode_points(points).astype(int)
    assert np.abs(displayed - map_scene.display.to_display(expected)).max() <= 1


def test_wider_codes_are_decoded_within_their_plane(wide_scene):
    points = wide_scene.plane.points[:5]
    expected = wide_scene.estimator.inverse_transform(wide_scene.plane.to_codes(points))
    decoded = np.column_stack(wide_scene.decode_points(points))
    np.testing.assert_allclose(decoded, expected, rtol=1e-4)


def test_y_is_ignored_for_codes_of_one_component(line_scene):
    low, high = line_scene.decode_points([[3.0, 0.0], [3.0, 9.0]])
    assert low.tolist() == high.tolist()
