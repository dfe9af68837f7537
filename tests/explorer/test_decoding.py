from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("count", [1, 3, 16, 17, 200, 1030])
def test_what_is_decoded_is_what_inverse_transform_gives(map_scene, count):
    spots = np.resize(map_scene.plane.spots, (count, 2))
    expected = map_scene.estimator.inverse_transform(spots)
    np.testing.assert_allclose(map_scene.decoder.rows(spots), expected, atol=2e-4)
    shown, wanted = map_scene.shown(map_scene.decoder.rows(spots)), map_scene.shown(expected)
    assert np.abs(shown.astype(int) - wanted).max() <= 1


def test_wider_codes_are_decoded_within_their_plane(wide_scene):
    spots = wide_scene.plane.spots[:5]
    expected = wide_scene.estimator.inverse_transform(wide_scene.plane.back(spots))
    np.testing.assert_allclose(wide_scene.decoder.rows(spots), expected, rtol=1e-4)


def test_height_above_a_line_does_not_matter(line_scene):
    low, high = line_scene.decoder.rows([[3.0, 0.0], [3.0, 9.0]])
    assert low.tolist() == high.tolist()
