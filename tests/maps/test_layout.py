import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from latentmap.maps.layout import compute_layout

RNG = np.random.default_rng(0)
GROUP = np.repeat(np.arange(4), 60)


def clouds(rng=RNG, per_group=60, width=6):
    """Four clouds far from each other, widest column first."""
    centers = 12 * np.eye(4, width)
    points = np.repeat(centers, per_group, axis=0) + rng.normal(size=(4 * per_group, width))
    return points.astype("float32")


POINTS = clouds()


@pytest.fixture(scope="module")
def flat():
    return compute_layout(POINTS, 2, 10, seed=0)


@pytest.fixture(scope="module")
def spatial():
    return compute_layout(POINTS, 3, 10, seed=0)


@pytest.fixture(scope="module")
def line():
    return compute_layout(POINTS, 1, 10, seed=0)


@pytest.mark.parametrize(("fixture", "n_components"), [("line", 1), ("flat", 2), ("spatial", 3)])
def test_the_layout_has_mean_0_and_mean_square_1(fixture, n_components, request):
    positions = request.getfixturevalue(fixture)
    assert positions.dtype == np.float32
    assert positions.shape == (240, n_components)
    assert np.allclose(positions.mean(axis=0), 0, atol=1e-5)
    assert np.mean(positions**2) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("fixture", ["flat", "spatial"])
def test_separate_clusters_stay_separate(fixture, request):
    positions = request.getfixturevalue(fixture)
    classifier = KNeighborsClassifier(10).fit(positions, GROUP)
    assert classifier.score(positions, GROUP) == 1
    groups = [positions[60 * g : 60 * (g + 1)] for g in range(4)]
    middles = np.stack([group.mean(axis=0) for group in groups])
    radius = max(np.linalg.norm(group - group.mean(axis=0), axis=1).mean() for group in groups)
    assert pdist(middles).min() > 2 * radius


@pytest.mark.parametrize("n_rows", [16, 20, 24, 30])
def test_few_rows_in_groups_stay_within_the_layout(n_rows):
    worst = 1.0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        groups = rng.integers(0, rng.integers(2, 6), n_rows)
        rows = rng.choice([2, 6, 20]) * np.eye(6)[groups] + rng.normal(size=(n_rows, 6))
        points = PCA().fit_transform(rows).astype("float32")
        positions = compute_layout(points, 2, 10, seed=0)
        worst = min(worst, trustworthiness(points, positions, n_neighbors=4))
    assert worst > 0.75


def test_neighbours_are_preserved(flat):
    is_inside = GROUP == 0
    neighbors = np.argsort(cdist(POINTS[is_inside], POINTS[is_inside]), axis=1)[:, 1:11]
    layout_neighbors = np.argsort(cdist(flat[is_inside], flat[is_inside]), axis=1)[:, 1:11]
    n_common = np.mean(
        [len(np.intersect1d(a, b)) for a, b in zip(neighbors, layout_neighbors, strict=True)]
    )
    assert n_common > 2 * 10 * 10 / 59  # twice of what chance would give


def test_gaussian_affinities_of_few_points_preserve_more_neighbours(flat, monkeypatch):
    """Affinities of a perplexity of 40 attract more rows than ten neighbours."""
    monkeypatch.setattr("latentmap.maps.layout.GAUSSIAN_ROWS", 100)
    uniform = compute_layout(POINTS, 2, 10, seed=0)
    assert neighbor_recall(POINTS, flat, 50) > neighbor_recall(POINTS, uniform, 50) + 0.02


def neighbor_recall(points, positions, k):
    a, b = (np.argsort(cdist(x, x), axis=1)[:, 1 : k + 1] for x in (points, positions))
    return np.mean([len(np.intersect1d(*pair)) / k for pair in zip(a, b, strict=True)])


def test_the_same_seed_gives_the_same_layout(flat):
    assert np.array_equal(compute_layout(POINTS, 2, 10, seed=0), flat)
    assert not np.allclose(compute_layout(POINTS, 2, 10, seed=1), flat)


def test_many_points_give_the_same_layout_each_time():
    """More than `FFT` of them: the gradients come from a grid, in several threads."""
    points = clouds(np.random.default_rng(1), 510)
    first, repeated = (compute_layout(points, 2, 10, seed=0) for _ in range(2))
    assert np.array_equal(first, repeated)
    groups = np.repeat(np.arange(4), 510)
    assert KNeighborsClassifier(10).fit(first, groups).score(first, groups) == 1


def test_the_global_random_state_is_not_used():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    compute_layout(POINTS[:40], 2, 5, seed=0)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# -- points of every kind --------------------------------------------------------------------------


def test_equal_points_have_equal_positions():
    indices = RNG.permutation(np.repeat(np.arange(100), 3))
    positions = compute_layout(POINTS[::2][indices], 2, 10, seed=0)
    for number in range(100):
        assert np.ptp(positions[indices == number], axis=0).max() == 0
    assert len(np.unique(positions, axis=0)) > 95


def test_nearly_equal_points_have_equal_positions():
    points = np.repeat(POINTS[:60], 2, axis=0)
    points[1::2] += 1e-7
    positions = compute_layout(points, 2, 10, seed=0)
    pair_distances = np.linalg.norm(positions[::2] - positions[1::2], axis=1)
    assert np.median(pair_distances) == 0


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 15, 16, 17, 20])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_few_distinct_points(count, n_components):
    indices = np.arange(count)
    positions = compute_layout(np.repeat(POINTS[indices], 5, axis=0), n_components, 10, seed=0)
    assert positions.shape == (5 * count, n_components)
    assert np.isfinite(positions).all()
    assert np.array_equal(positions[::5], positions[4::5])
    if count > 1 and n_components > 1:
        distances = cdist(positions[::5], positions[::5])[~np.eye(count, dtype=bool)].reshape(
            count, -1
        )
        assert np.median(distances.min(axis=1)) > 0.05


def test_very_few_points_are_not_embedded():
    points = np.array([[0, 0, 0], [4, 0, 0], [0, 2, 0], [4, 2, 1]], "float32")
    positions = compute_layout(points, 2, 10, seed=0)
    expected = points[:, :2] - points[:, :2].mean(axis=0)
    assert np.allclose(positions, expected / np.sqrt((expected**2).mean()), atol=0.02)


@pytest.mark.parametrize("n_components", [2, 3])
def test_points_in_one_dimension(n_components):
    line = np.linspace(0, 1, 60, dtype="float32")[:, None]
    positions = compute_layout(line, n_components, 5, seed=0)
    assert positions.shape == (60, n_components)
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    assert steps.max() < np.linalg.norm(positions[0] - positions[-1])


@pytest.mark.parametrize("factor", [1e-10, 1e10, 1e15])
def test_the_layout_does_not_depend_on_the_unit(factor):
    positions = compute_layout(np.float32(factor) * POINTS, 2, 10, seed=0)
    assert np.isfinite(positions).all()
    assert KNeighborsClassifier(10).fit(positions, GROUP).score(positions, GROUP) == 1


def test_an_extreme_point_does_not_merge_the_others():
    points = POINTS.copy()
    points[0] *= 1000
    positions = compute_layout(points, 2, 10, seed=0)
    others = KNeighborsClassifier(10).fit(positions[1:], GROUP[1:])
    assert others.score(positions[1:], GROUP[1:]) == 1


@pytest.mark.parametrize("n_neighbors", [1, 2, 79, 10_000])
def test_any_number_of_neighbours(n_neighbors):
    positions = compute_layout(POINTS, 2, n_neighbors, seed=0)
    assert np.isfinite(positions).all()
    assert np.mean(positions**2) == pytest.approx(1, rel=1e-4)


def test_progress_is_shown(capsys):
    compute_layout(POINTS[:40], 2, 5, seed=0, verbose=True)
    assert "computing the layout" in capsys.readouterr().err


def test_points_with_a_constant_first_column():
    rng = np.random.default_rng(0)
    points = np.c_[np.zeros(90), rng.normal(size=(90, 4))].astype(np.float32)
    positions = compute_layout(points, 2, 10, seed=1)
    assert np.isfinite(positions).all() and np.abs(positions).max() < 10
