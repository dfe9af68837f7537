import numpy as np

from latentmap.maps.incremental.replay import estimate_replay_memory


def bent(n, seed):
    """Three landmarks' rows: a long thin cloud, a round one, and one that lies at a third place."""
    rng = np.random.default_rng(seed)
    which = np.repeat([0, 1, 3], n // 3)
    spread = np.array([[5, 1, 0.1, 0.1, 0.1, 0.1], [1] * 6, [2] * 6, [0.9] * 6])
    middle = np.array([[0.0] * 6, [20.0] * 6, [0.0] * 6, [-20.0] * 6])
    return middle[which] + rng.normal(size=(len(which), 6)) * spread[which], which


def test_samples_have_the_distribution_of_the_points():
    points, which = bent(9000, 0)
    kept = estimate_replay_memory(points, which, 4)
    drawn = kept.sample(30_000, np.random.default_rng(1))
    own = np.digitize(drawn.mean(axis=1), [-10, 10])  # 0: of the last, 1: of the first, 2: second
    for told, landmark in ((1, 0), (2, 1), (0, 3)):
        ours, theirs = drawn[own == told], points[which == landmark]
        assert abs(len(ours) / 30_000 - 1 / 3) < 0.01
        assert np.allclose(ours.mean(axis=0), theirs.mean(axis=0), atol=0.15)
        assert np.allclose(np.cov(ours.T), np.cov(theirs.T), atol=0.12 * np.cov(theirs.T).max())


def test_a_landmark_without_rows_is_never_sampled():
    points, which = bent(900, 0)
    kept = estimate_replay_memory(points, which, 4)
    assert kept.counts.tolist() == [300, 300, 0, 300]
    assert np.abs(kept.sample(5000, np.random.default_rng(0)).mean(axis=1)).max() < 24


def test_a_single_row_has_the_pooled_variance():
    points = np.concatenate([np.random.default_rng(0).normal(size=(500, 8)), np.full((1, 8), 50.0)])
    kept = estimate_replay_memory(points, np.repeat([0, 1], [500, 1]), 2)
    assert 0.5 < kept.scatter[1] < 1.5
    assert np.isfinite(kept.sample(100, np.random.default_rng(0))).all()


def test_concatenated_memories_sample_from_both():
    points, which = bent(900, 0)
    both = estimate_replay_memory(points, which, 4).concatenate(
        estimate_replay_memory(points + 500, np.zeros(len(points), int), 1)
    )
    far = both.sample(8000, np.random.default_rng(0)).mean(axis=1) > 250
    assert len(both.means) == 5
    assert abs(far.mean() - 0.5) < 0.02
