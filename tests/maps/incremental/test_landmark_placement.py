import numpy as np
import pytest
from scipy.spatial.distance import cdist

from latentmap.maps.incremental.landmark_placement import find_free_region


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_free_region_exists_and_keeps_the_gap(width):
    rng = np.random.default_rng(0)
    occupied, added = rng.normal(size=(300, width)), 0.3 * rng.normal(size=(40, width))
    shift = find_free_region(added, occupied, occupied[0], 0.5)
    assert cdist(added + shift, occupied).min() >= 0.5
    assert np.abs(added + shift).max() < np.abs(occupied).max() + np.ptp(added, axis=0).max() + 1.0


def test_a_near_hole_is_preferred_to_the_margin():
    angle = np.linspace(0, 2 * np.pi, 200)
    ring = 10 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    added = np.array([[-1.0, 0.0], [1.0, 0.0]])
    assert np.linalg.norm(find_free_region(added, ring, np.array([6.0, 0.0]), 2.0)) < 8


def test_a_full_map_grows_on_the_side_of_similar_rows():
    occupied = np.stack(np.meshgrid(*[np.arange(10.0)] * 2), axis=-1).reshape(-1, 2)
    shift = find_free_region(np.zeros((1, 2)), occupied, np.array([9.0, 5.0]), 2.0)
    assert shift[0] > 10 and abs(shift[1] - 5) < 1
