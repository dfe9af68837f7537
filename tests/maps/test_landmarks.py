import numpy as np
import pytest
from scipy.spatial.distance import cdist

from latentmap.maps import landmarks as module
from latentmap.maps.landmarks import compute_landmarks

RNG = np.random.default_rng(0)
POSITIONS = RNG.normal(size=(2000, 2)).astype("float32")


@pytest.mark.parametrize(("n_positions", "count"), [(2000, 500), (400, 100), (100, 25), (30, 20)])
def test_a_quarter_as_many_landmarks_as_rows(n_positions, count):
    landmarks = compute_landmarks(POSITIONS[:n_positions], seed=0)
    assert landmarks.centers.shape == (count, 2)
    assert landmarks.anchors.shape == (count // 4 if count > 32 else count, 2)


def test_at_most_800_landmarks():
    positions = RNG.normal(size=(4500, 2)).astype("float32")
    assert compute_landmarks(positions, seed=0).centers.shape == (800, 2)


def test_landmarks_in_three_dimensions():
    landmarks = compute_landmarks(RNG.normal(size=(400, 3)).astype("float32"), seed=0)
    assert landmarks.centers.shape == (100, 3)
    assert landmarks.anchors.shape == (25, 3)


def test_landmarks_cover_the_positions():
    landmarks = compute_landmarks(POSITIONS, seed=0)
    random_positions = POSITIONS[RNG.permutation(2000)[:500]]
    assert (
        cdist(POSITIONS, landmarks.centers).min(axis=1).mean()
        < cdist(POSITIONS, random_positions).min(axis=1).mean()
    )
    assert cdist(landmarks.centers, landmarks.anchors).min(axis=1).max() < 1


def test_widths_follow_the_distances_between_landmarks():
    landmarks = compute_landmarks(POSITIONS, seed=0)
    third_distances = np.sort(cdist(landmarks.centers, landmarks.centers), axis=1)[:, 3]
    assert landmarks.width == pytest.approx(
        module.RELATIVE_WIDTH * np.median(third_distances), rel=1e-4
    )
    assert landmarks.radius == pytest.approx(module.RELATIVE_RADIUS * landmarks.width)


def test_landmarks_scale_with_the_layout():
    landmarks = compute_landmarks(POSITIONS, seed=0)
    scaled = compute_landmarks(2 * POSITIONS, seed=0)
    assert np.allclose(scaled.centers, 2 * landmarks.centers, rtol=1e-4, atol=1e-5)
    assert scaled.width == pytest.approx(2 * landmarks.width, rel=1e-4)


def test_landmarks_depend_on_the_seed():
    first, repeated, other_seed = (compute_landmarks(POSITIONS, seed) for seed in (0, 0, 1))
    for array, repeated_array in zip(vars(first).values(), vars(repeated).values(), strict=True):
        assert np.array_equal(array, repeated_array)
    assert not np.array_equal(first.centers, other_seed.centers)


@pytest.mark.parametrize("count", [2, 3, 4, 20])
def test_few_distinct_positions_are_all_landmarks(count):
    positions = np.repeat(POSITIONS[:count], 50, axis=0)
    landmarks = compute_landmarks(positions, seed=0)
    assert np.array_equal(landmarks.centers, np.unique(positions, axis=0))
    assert np.array_equal(landmarks.anchors, landmarks.centers)
    assert 0 < landmarks.width < landmarks.radius


@pytest.mark.parametrize("n_positions", [1, 2, 50])
def test_equal_positions_have_landmarks(n_positions):
    landmarks = compute_landmarks(np.full((n_positions, 2), 3.0, "float32"), seed=0)
    assert (landmarks.centers == 3).all()
    # Keras warns of a softmax over a single number.
    assert len(landmarks.centers) > 1
    assert landmarks.width == module.RELATIVE_WIDTH
