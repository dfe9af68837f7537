from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.errors import DataError
from latentmap.explorer.page_coordinates import MAX_COORDINATE, CodePlane, grid_points


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_codes_of_two_components_are_their_own_points(rng):
    codes = rng.normal(size=(50, 2))
    plane = CodePlane.fit(codes)
    np.testing.assert_array_equal(plane.points, codes)
    np.testing.assert_array_equal(plane.to_codes(plane.points), codes)
    assert plane.explained_variance == 1


def test_wider_codes_are_projected_to_two_principal_components(rng):
    codes = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 5)) + 7
    plane, pca = CodePlane.fit(codes), PCA(2).fit(codes)
    np.testing.assert_allclose(np.abs(plane.points), np.abs(pca.transform(codes)), atol=1e-9)
    assert plane.explained_variance == pytest.approx(pca.explained_variance_ratio_.sum())
    # The code of a point lies in the plane of the first two principal components.
    decoded = plane.to_codes(plane.points)
    np.testing.assert_allclose(decoded, pca.inverse_transform(pca.transform(codes)), atol=1e-9)
    np.testing.assert_allclose(plane.to_points(codes[:3]), plane.points[:3])


def test_codes_of_one_component_are_stacked_as_a_histogram(rng):
    codes = np.concatenate([rng.normal(0, 1, 3000), rng.normal(9, 1, 1000)])[:, None]
    plane = CodePlane.fit(codes)
    np.testing.assert_array_equal(plane.points[:, 0], codes[:, 0])
    x, y = plane.points.T
    assert 2 < y[x < 4.5].max() / y[x > 4.5].max() < 4
    assert len(np.unique(plane.points.round(9), axis=0)) > 3900
    assert plane.to_codes(plane.points).tolist() == codes.tolist()
    assert plane.to_points([[3.0]]).tolist() == [[3.0, 0.0]]


@pytest.mark.parametrize("width", [1, 2, 4])
def test_quantized_points_are_relative_to_the_bounds(rng, width):
    plane = CodePlane.fit(rng.normal(size=(99, width)) * 1e3)
    points = plane.quantized_points()
    assert points.dtype == np.dtype("<u2")
    low, high = plane.bounds
    step = (high - low) / MAX_COORDINATE
    assert (np.abs(low + points * step - plane.points) <= step / 2 + 1e-9).all()


def test_one_distant_row_does_not_extend_the_inner_bounds(rng):
    codes = rng.normal(size=(5000, 2))
    codes[0] = 1e4
    plane = CodePlane.fit(codes)
    assert (plane.inner_bounds[1] - plane.inner_bounds[0] < 20).all()
    assert (plane.bounds[1] > 1e4).all()


def test_equal_codes_have_finite_points():
    plane = CodePlane.fit(np.ones((4, 3)))
    assert np.isfinite(plane.quantized_points()).all()
    assert (plane.bounds[0] < plane.bounds[1]).all()


def test_codes_must_be_finite():
    with pytest.raises(DataError, match="finite"):
        CodePlane.fit([[1.0, np.nan]])


def test_grid_points_include_the_corners():
    grid = grid_points(np.array([[0.0, 10.0], [2.0, 13.0]]), 3, 4)
    assert grid[0].tolist() == [0, 10]
    assert grid[1].tolist() == [1, 10]
    assert grid[3].tolist() == [0, 11]
    assert grid[-1].tolist() == [2, 13]
