from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("count", [1, 3, 16, 17, 200, 1030])
def test_what_is_decoded_is_what_inverse_transform_gives(map_scene, count):
    spots = np.resize(map_scene.plane.points, (count, 2))
    expected = map_scene.estimator.inverse_transform(spots)
    np.testing.assert_allclose(map_scene.decoder.decode_points(spots), expected, atol=2e-4)
    shown, wanted = (
        map_scene.decode_points(spots),
        map_scene.display.to_display(expected),
    )
    assert np.abs(shown.astype(int) - wanted).max() <= 1


def test_wider_codes_are_decoded_within_their_plane(wide_scene):
    spots = wide_scene.plane.points[:5]
    expected = wide_scene.estimator.inverse_transform(wide_scene.plane.to_codes(spots))
    np.testing.assert_allclose(wide_scene.decoder.decode_points(spots), expected, rtol=1e-4)


def test_height_above_a_line_does_not_matter(line_scene):
    low, high = line_scene.decoder.decode_points([[3.0, 0.0], [3.0, 9.0]])
    assert low.tolist() == high.tolist()
