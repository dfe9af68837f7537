import numpy as np
import pytest
from scipy.spatial.distance import cdist

from latentmap.data.sources import ArraySource
from latentmap.maps.directions import DirectionTransform
from latentmap.preprocessing.pca_projection import principal_components, project_rows
from latentmap.preprocessing.scaling import SCALINGS, choose_scale, row_statistics

RNG = np.random.default_rng(0)
ROWS = np.exp(RNG.normal(size=(80, 1))) * (2 + RNG.normal(size=(80, 6)))


def directions_of(rows, metric, scaling="auto", n_components=6):
    source = ArraySource(rows)
    scale = choose_scale(scaling, row_statistics(source), source.dtype)
    principal = principal_components(source, scale, n_components, seed=0)
    points = project_rows(source, scale, principal)
    return DirectionTransform.of_rows(principal, scale, metric).apply(points), scale


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_distances_of_directions_are_those_of_the_metric(metric, scaling):
    """With all components nothing is lost, and |a − b|² = 2 − 2 cos for unit vectors."""
    if scaling == "unit":
        pytest.skip("unit subtracts the minimum, which no metric may depend on")
    directions, scale = directions_of(ROWS, metric, scaling)
    expected = cdist(ROWS / scale.scale, ROWS / scale.scale, metric)
    assert np.allclose(cdist(directions, directions) ** 2 / 2, expected, atol=1e-5)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_few_components_preserve_most_neighbours(metric):
    """Two directions and a mean hold nearly all the variance of twenty columns."""
    rows = np.exp(RNG.normal(size=(200, 1))) * (
        1 + RNG.normal(size=(200, 3)) @ RNG.normal(size=(3, 20)) + 0.01 * RNG.normal(size=(200, 20))
    )
    directions, _ = directions_of(rows, metric, "none", 5)
    found, expected = (
        np.argsort(distances, axis=1)[:, 1:11]
        for distances in (cdist(directions, directions), cdist(rows, rows, metric))
    )
    pairs = zip(found, expected, strict=True)
    assert np.mean([len(np.intersect1d(a, b)) for a, b in pairs]) > 9


@pytest.mark.parametrize("n_components", [2, 6])
def test_rows_of_zeros_have_one_direction(n_components):
    rows = np.concatenate([ROWS, np.zeros((3, 6))])
    directions, _ = directions_of(rows, "cosine", "standard", n_components)
    assert np.isfinite(directions).all()
    assert np.allclose(directions[-3:], directions[-1], atol=1e-6)


def test_constant_rows_have_no_direction_for_the_correlation():
    """Rounded coordinates of a constant row would have a random direction."""
    rows = np.concatenate([ROWS, np.outer([-3.0, 0.5, 40.0], np.ones(6))])
    source = ArraySource(rows)
    scale = choose_scale("standard", row_statistics(source), source.dtype)
    scale = scale._replace(scale=np.ones(6))
    principal = principal_components(source, scale, 6, seed=0)
    points = project_rows(source, scale, principal).astype(np.float16)
    directions = DirectionTransform.of_rows(principal, scale, "correlation").apply(points)
    assert (directions[-3:] == 0).all()
    assert np.allclose(np.linalg.norm(directions[:-3], axis=1), 1, atol=1e-6)


def test_the_unit_does_not_change_directions():
    directions, _ = directions_of(ROWS, "cosine")
    scaled_directions, _ = directions_of(1e6 * ROWS, "cosine")
    assert np.allclose(
        cdist(directions, directions), cdist(scaled_directions, scaled_directions), atol=1e-4
    )
