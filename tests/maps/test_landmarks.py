import numpy as np
import pytest
from scipy.spatial.distance import cdist

from latentmap.maps import landmarks as module
from latentmap.maps.landmarks import compute_landmarks

RNG = np.random.default_rng(0)
SPOTS = RNG.normal(size=(2000, 2)).astype("float32")


@pytest.mark.parametrize(("n_spots", "count"), [(2000, 500), (400, 100), (100, 25), (30, 20)])
def test_a_quarter_as_many_landmarks_as_rows(n_spots, count):
    chosen = compute_landmarks(SPOTS[:n_spots], seed=0)
    assert chosen.centers.shape == (count, 2)
    assert chosen.anchors.shape == (count // 4 if count > 32 else count, 2)


def test_at_most_800_landmarks():
    many = RNG.normal(size=(4500, 2)).astype("float32")
    assert compute_landmarks(many, seed=0).centers.shape == (800, 2)


def test_landmarks_in_three_dimensions():
    chosen = compute_landmarks(RNG.normal(size=(400, 3)).astype("float32"), seed=0)
    assert chosen.centers.shape == (100, 3)
    assert chosen.anchors.shape == (25, 3)


def test_landmarks_cover_the_positions():
    chosen = compute_landmarks(SPOTS, seed=0)
    drawn = SPOTS[RNG.permutation(2000)[:500]]
    assert cdist(SPOTS, chosen.centers).min(axis=1).mean() < cdist(SPOTS, drawn).min(axis=1).mean()
    assert cdist(chosen.centers, chosen.anchors).min(axis=1).max() < 1


def test_widths_follow_the_distances_between_landmarks():
    chosen = compute_landmarks(SPOTS, seed=0)
    third = np.sort(cdist(chosen.centers, chosen.centers), axis=1)[:, 3]
    assert chosen.width == pytest.approx(module.SHARPNESS * np.median(third), rel=1e-4)
    assert chosen.radius == pytest.approx(module.WINDOW * chosen.width)


def test_landmarks_scale_with_the_layout():
    one, two = compute_landmarks(SPOTS, seed=0), compute_landmarks(2 * SPOTS, seed=0)
    assert np.allclose(two.centers, 2 * one.centers, rtol=1e-4, atol=1e-5)
    assert two.width == pytest.approx(2 * one.width, rel=1e-4)


def test_landmarks_depend_on_the_seed():
    first, again, other = (compute_landmarks(SPOTS, seed) for seed in (0, 0, 1))
    for one, two in zip(vars(first).values(), vars(again).values(), strict=True):
        assert np.array_equal(one, two)
    assert not np.array_equal(first.centers, other.centers)


@pytest.mark.parametrize("count", [2, 3, 4, 20])
def test_few_distinct_positions_are_all_landmarks(count):
    spots = np.repeat(SPOTS[:count], 50, axis=0)
    chosen = compute_landmarks(spots, seed=0)
    assert np.array_equal(chosen.centers, np.unique(spots, axis=0))
    assert np.array_equal(chosen.anchors, chosen.centers)
    assert 0 < chosen.width < chosen.radius


@pytest.mark.parametrize("n_spots", [1, 2, 50])
def test_equal_positions_have_landmarks(n_spots):
    chosen = compute_landmarks(np.full((n_spots, 2), 3.0, "float32"), seed=0)
    assert (chosen.centers == 3).all()
    # Keras warns of a softmax over a single number.
    assert len(chosen.centers) > 1
    assert chosen.width == module.SHARPNESS
