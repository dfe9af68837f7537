import numpy as np

from latentmap.maps.incremental.replay import estimate_replay_memory


def curve_points(n, seed):
    """Three landmarks' rows: a long thin cloud, a round one, and one that lies at a third place."""
    rng = np.random.default_rng(seed)
    landmarks = np.repeat([0, 1, 3], n // 3)
    spread = np.array([[5, 1, 0.1, 0.1, 0.1, 0.1], [1] * 6, [2] * 6, [0.9] * 6])
    middle = np.array([[0.0] * 6, [20.0] * 6, [0.0] * 6, [-20.0] * 6])
    return middle[landmarks] + rng.normal(size=(len(landmarks), 6)) * spread[landmarks], landmarks


def test_samples_have_the_distribution_of_the_points():
    points, landmarks = curve_points(9000, 0)
    memory = estimate_replay_memory(points, landmarks, 4)
    samples = memory.sample(30_000, np.random.default_rng(1))
    # Region 0 contains the last landmark, 1 the first and 2 the second.
    regions = np.digitize(samples.mean(axis=1), [-10, 10])
    for region, landmark in ((1, 0), (2, 1), (0, 3)):
        region_samples, region_points = samples[regions == region], points[landmarks == landmark]
        assert abs(len(region_samples) / 30_000 - 1 / 3) < 0.01
        assert np.allclose(region_samples.mean(axis=0), region_points.mean(axis=0), atol=0.15)
        assert np.allclose(
            np.cov(region_samples.T),
            np.cov(region_points.T),
            atol=0.12 * np.cov(region_points.T).max(),
        )


def test_a_landmark_without_rows_is_never_sampled():
    points, landmarks = curve_points(900, 0)
    memory = estimate_replay_memory(points, landmarks, 4)
    assert memory.counts.tolist() == [300, 300, 0, 300]
    assert np.abs(memory.sample(5000, np.random.default_rng(0)).mean(axis=1)).max() < 24


def test_a_single_row_has_the_pooled_variance():
    points = np.concatenate([np.random.default_rng(0).normal(size=(500, 8)), np.full((1, 8), 50.0)])
    memory = estimate_replay_memory(points, np.repeat([0, 1], [500, 1]), 2)
    assert 0.5 < memory.scatter[1] < 1.5
    assert np.isfinite(memory.sample(100, np.random.default_rng(0))).all()


def test_concatenated_memories_sample_from_both():
    points, landmarks = curve_points(900, 0)
    both = estimate_replay_memory(points, landmarks, 4).concatenate(
        estimate_replay_memory(points + 500, np.zeros(len(points), int), 1)
    )
    far = both.sample(8000, np.random.default_rng(0)).mean(axis=1) > 250
    assert len(both.means) == 5
    assert abs(far.mean() - 0.5) < 0.02
