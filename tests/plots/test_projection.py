from __future__ import annotations

import numpy as np
import pytest

from latentmap.errors import SettingError
from latentmap.plots.projection import Projection, bounding_region, codes_or_landmarks, grid_centers


def test_inverse_transform_inverts_transform_in_the_plane():
    Z = np.random.default_rng(0).normal(size=(50, 4))
    projection = Projection.fit(Z)
    points = np.array([[0.3, -1.0], [2.0, 0.0]])
    assert np.allclose(projection.transform(projection.inverse_transform(points)), points)


def test_a_bounding_region_contains_all_points_and_is_square():
    Z = np.random.default_rng(0).normal(size=(50, 2)) * [3, 1] + 100
    low, high = bounding_region(Z)
    assert (low < Z).all()
    assert (high > Z).all()
    assert np.ptp(high - low) < 1e-9


def test_the_bounding_region_of_a_thin_line_is_not_square():
    low, high = bounding_region(np.array([[0.0, 0.0], [100.0, 1.0]]))
    assert (high - low).tolist() == pytest.approx([106, 1.06])


def test_the_bounding_region_of_equal_points_is_not_empty():
    assert (np.diff(bounding_region(np.ones((3, 2))), axis=0) > 0).all()


def test_grid_centers_are_ordered_as_pixels():
    x, y = grid_centers(np.array([[0.0, 0.0], [3.0, 30.0]]), 3).reshape(3, 3, 2).transpose(2, 0, 1)
    assert x[0].tolist() == [0.5, 1.5, 2.5]
    assert y[:, 0].tolist() == [25, 15, 5]


def test_landmarks_replace_missing_codes(atlas):
    assert np.array_equal(codes_or_landmarks(atlas), atlas.landmarks_)
    assert codes_or_landmarks(atlas, [[1, 2]]).tolist() == [[1, 2]]
    with pytest.raises(SettingError, match="object is not a map"):
        codes_or_landmarks(object())
