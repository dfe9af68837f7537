import numpy as np
import pytest
from openTSNE.affinity import PerplexityBasedNN
from scipy.spatial.distance import cdist

from latentmap.maps.layout import gaussian_affinities, uniform_affinities

POINTS = np.random.default_rng(0).normal(size=(90, 4))


def neighbors_and_distances(points, k):
    distances = cdist(points, points)
    neighbors = np.argsort(distances, axis=1)[:, 1 : k + 1]
    return neighbors, np.take_along_axis(distances, neighbors, axis=1)


@pytest.mark.parametrize("unit", [1e-10, 1.0, 1e15])
def test_gaussian_affinities_are_those_of_opentsne(unit):
    expected = PerplexityBasedNN(POINTS, perplexity=10, method="exact").P.toarray()
    affinities = gaussian_affinities(*neighbors_and_distances(unit * POINTS, 30), 10)
    assert np.allclose(affinities.P.toarray(), expected, atol=1e-7)


def test_the_perplexity_is_that_of_each_point():
    """Of a regular polygon all points are alike, so that symmetric affinities are conditional."""
    angles = 2 * np.pi * np.arange(60) / 60
    polygon = np.c_[np.cos(angles), np.sin(angles)]
    joint = gaussian_affinities(*neighbors_and_distances(polygon, 30), 10).P.toarray()
    conditional = joint[0][joint[0] > 0] / joint[0].sum()
    assert np.exp(-(conditional * np.log(conditional)).sum()) == pytest.approx(10, rel=1e-3)


def test_uniform_affinities_are_equal_and_symmetric():
    affinities = uniform_affinities(neighbors_and_distances(POINTS, 5)[0]).P
    assert np.ptp(affinities.data) == 0
    assert affinities.sum() == pytest.approx(1)
    assert (affinities != affinities.T).nnz == 0
    assert (np.diff(affinities.indptr) >= 5).all()
