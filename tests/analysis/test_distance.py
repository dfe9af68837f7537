import numpy as np
import pytest

from latentmap.analysis.distance import CodeDistance
from latentmap.data.code_checks import check_codes
from latentmap.errors import DataError, UnknownNameError

RNG = np.random.default_rng(0)
WIDE = RNG.normal(size=(500, 8)) * [9, 7, 5, 3, 2, 1, 0.5, 0.1] + 4


def expected_distance(a, b, codes):
    """Compute the angular distance from the angle."""
    mean, spread = codes.mean(axis=0), codes.std(axis=0)
    ends = [np.append((z - mean) / np.sqrt(spread), np.sqrt(spread.sum() / 2)) for z in (a, b)]
    cosine = ends[0] @ ends[1] / np.prod([np.linalg.norm(end) for end in ends])
    return 2 * np.sin(np.arccos(np.clip(cosine, -1, 1)) / 2)


def test_angular_distance_matches_the_formula():
    result = CodeDistance(WIDE).paired(WIDE[:50], WIDE[50:100])
    pairs = zip(WIDE[:50], WIDE[50:100], strict=True)
    assert result == pytest.approx([expected_distance(a, b, WIDE) for a, b in pairs], rel=1e-4)
    assert result.min() >= 0
    assert result.max() <= 2


def test_additional_coordinate_is_half_the_mean_squared_norm():
    points = CodeDistance(WIDE).coordinates(WIDE).astype(float)
    assert np.linalg.norm(points, axis=1) == pytest.approx(1, abs=1e-6)
    flat = points[:, :-1] / points[:, -1:]  # u / ρ
    assert (flat**2).sum(axis=1).mean() == pytest.approx(2, rel=1e-4)


def test_two_components_are_compared_by_euclidean_distance():
    positions = RNG.normal(size=(100, 2)) * [50, 1] - 300
    result = CodeDistance(positions).paired(positions[:10], positions[10:20])
    assert result == pytest.approx(
        np.linalg.norm(positions[:10] - positions[10:20], axis=1), rel=1e-4
    )


@pytest.mark.parametrize("factor", [1e-20, 1e-3, 1e15])
def test_angular_distance_does_not_depend_on_the_unit(factor):
    distances = CodeDistance(WIDE).paired(WIDE[:50], WIDE[50:100])
    other = CodeDistance(WIDE * factor)
    assert other.paired(WIDE[:50] * factor, WIDE[50:100] * factor) == pytest.approx(
        distances, rel=1e-3
    )


def test_metric_axioms():
    distance, (a, b, c) = CodeDistance(WIDE), WIDE[:300].reshape(3, 100, 8)
    assert (distance.paired(a, a) == 0).all()
    assert np.array_equal(distance.paired(a, b), distance.paired(b, a))
    detour = distance.paired(a, b) + distance.paired(b, c)
    assert (distance.paired(a, c) <= detour + 1e-6).all()


def test_direction_outweighs_length():
    """A code twice as far in the same direction is nearer than one as far in another direction."""
    center = WIDE.mean(axis=0)
    shifted, rotated = center.copy(), center.copy()
    shifted[:2] += 6, 4
    rotated[:2] += 6, -4
    doubled = 2 * shifted - center
    near, far = CodeDistance(WIDE).paired([shifted, shifted], [doubled, rotated])
    assert near < far
    assert (
        np.subtract(*CodeDistance(WIDE, "euclidean").paired([shifted, shifted], [doubled, rotated]))
        < 0.1
    )


def test_constant_components_do_not_change_the_distance():
    flat = np.column_stack([WIDE, np.full((500, 2), 3.0)])
    result = CodeDistance(flat).paired(flat[:50], flat[50:100])
    expected = CodeDistance(WIDE).paired(WIDE[:50], WIDE[50:100])
    assert result == pytest.approx(expected, rel=1e-2)


def test_one_row_and_equal_rows():
    for codes in (WIDE[:1], np.repeat(WIDE[:1], 5, axis=0)):
        distance = CodeDistance(codes)
        assert distance.paired(codes[:1], codes[:1]) == 0
        assert 0 < distance.paired(codes[:1], WIDE[5:6])[0] <= 2


def test_block_size_does_not_change_coordinates(monkeypatch):
    expected = CodeDistance(WIDE).coordinates(WIDE)
    monkeypatch.setattr("latentmap.analysis.distance.BLOCK_ROWS", 7)
    assert np.array_equal(CodeDistance(WIDE).coordinates(WIDE), expected)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((0, 4)), r"expected shape \(n, n_components\), found \(0, 4\)"),
        (np.zeros(4), r"found \(4,\)"),
        ([["a", "b"]], "expected an array of real numbers"),
        ([[0.0, 1.0], [np.nan, 1.0]], "row 1: expected finite numbers"),
        ([[0.0, 1e300]], "row 0: expected finite numbers"),
    ],
)
def test_invalid_codes_raise(codes, message):
    with np.errstate(over="ignore"), pytest.raises(DataError, match=message):
        CodeDistance(codes)


def test_wrong_number_of_components_raises():
    with pytest.raises(DataError, match=r"expected shape \(n, 8\), found \(3, 5\)"):
        CodeDistance(WIDE).coordinates(np.zeros((3, 5)))


def test_unknown_kind_raises():
    with pytest.raises(
        UnknownNameError, match="unknown distance 'euclid', did you mean 'euclidean'"
    ):
        CodeDistance(WIDE, "euclid")


def test_float32_codes_are_not_copied():
    codes = WIDE.astype("float32")
    assert check_codes(codes) is codes
