import numpy as np
import pytest

from latentmap.analysis.distance import CodeDistance, check_code_matrix
from latentmap.errors import DataError, UnknownNameError

RNG = np.random.default_rng(0)
WIDE = RNG.normal(size=(500, 8)) * [9, 7, 5, 3, 2, 1, 0.5, 0.1] + 4


def by_hand(a, b, codes):
    """The formula of the docstring, with angles."""
    mean, spread = codes.mean(axis=0), codes.std(axis=0)
    ends = [np.append((z - mean) / np.sqrt(spread), np.sqrt(spread.sum() / 2)) for z in (a, b)]
    cosine = ends[0] @ ends[1] / np.prod([np.linalg.norm(end) for end in ends])
    return 2 * np.sin(np.arccos(np.clip(cosine, -1, 1)) / 2)


def test_wide_codes_are_compared_by_the_formula():
    found = CodeDistance(WIDE).between(WIDE[:50], WIDE[50:100])
    pairs = zip(WIDE[:50], WIDE[50:100], strict=True)
    assert found == pytest.approx([by_hand(a, b, WIDE) for a, b in pairs], rel=1e-4)
    assert found.min() >= 0
    assert found.max() <= 2


def test_half_of_the_mean_squared_length_is_what_the_eye_stands_off():
    points = CodeDistance(WIDE).points(WIDE).astype(float)
    assert np.linalg.norm(points, axis=1) == pytest.approx(1, abs=1e-6)
    flat = points[:, :-1] / points[:, -1:]  # u / ρ
    assert (flat**2).sum(axis=1).mean() == pytest.approx(2, rel=1e-4)


def test_codes_of_a_map_are_compared_as_they_are_seen():
    spots = RNG.normal(size=(100, 2)) * [50, 1] - 300
    found = CodeDistance(spots).between(spots[:10], spots[10:20])
    assert found == pytest.approx(np.linalg.norm(spots[:10] - spots[10:20], axis=1), rel=1e-4)


@pytest.mark.parametrize("factor", [1e-20, 1e-3, 1e15])
def test_the_unit_of_the_codes_does_not_matter(factor):
    one = CodeDistance(WIDE).between(WIDE[:50], WIDE[50:100])
    other = CodeDistance(WIDE * factor)
    assert other.between(WIDE[:50] * factor, WIDE[50:100] * factor) == pytest.approx(one, rel=1e-3)


def test_it_is_a_distance():
    distance, (a, b, c) = CodeDistance(WIDE), WIDE[:300].reshape(3, 100, 8)
    assert (distance.between(a, a) == 0).all()
    assert np.array_equal(distance.between(a, b), distance.between(b, a))
    way_round = distance.between(a, b) + distance.between(b, c)
    assert (distance.between(a, c) <= way_round + 1e-6).all()


def test_directions_tell_more_than_lengths():
    """Twice as far in the same direction is nearer than as far in another one."""
    middle = WIDE.mean(axis=0)
    away, turned = middle.copy(), middle.copy()
    away[:2] += 6, 4
    turned[:2] += 6, -4
    twice = 2 * away - middle
    near, far = CodeDistance(WIDE).between([away, away], [twice, turned])
    assert near < far
    assert np.subtract(*CodeDistance(WIDE, "plain").between([away, away], [twice, turned])) < 0.1


def test_numbers_that_never_vary_do_no_harm():
    flat = np.column_stack([WIDE, np.full((500, 2), 3.0)])
    found = CodeDistance(flat).between(flat[:50], flat[50:100])
    expected = CodeDistance(WIDE).between(WIDE[:50], WIDE[50:100])
    assert found == pytest.approx(expected, rel=1e-2)


def test_one_row_and_equal_rows():
    for codes in (WIDE[:1], np.repeat(WIDE[:1], 5, axis=0)):
        distance = CodeDistance(codes)
        assert distance.between(codes[:1], codes[:1]) == 0
        assert 0 < distance.between(codes[:1], WIDE[5:6])[0] <= 2


def test_blocks_do_not_change_the_points(monkeypatch):
    expected = CodeDistance(WIDE).points(WIDE)
    monkeypatch.setattr("latentmap.analysis.distance._BLOCK", 7)
    assert np.array_equal(CodeDistance(WIDE).points(WIDE), expected)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (np.zeros((0, 4)), r"expected shape \(n, n_components\), found \(0, 4\)"),
        (np.zeros(4), r"found \(4,\)"),
        ([["a", "b"]], "expected numbers"),
        ([[0.0, 1.0], [np.nan, 1.0]], "row 1: expected finite numbers"),
        ([[0.0, 1e300]], "row 0: expected finite numbers"),
    ],
)
def test_nonsense_is_refused(codes, words):
    with np.errstate(over="ignore"), pytest.raises(DataError, match=words):
        CodeDistance(codes)


def test_codes_of_another_width_are_refused():
    with pytest.raises(DataError, match=r"expected shape \(n, 8\), found \(3, 5\)"):
        CodeDistance(WIDE).points(np.zeros((3, 5)))


def test_unknown_distances_are_refused():
    with pytest.raises(UnknownNameError, match="unknown distance 'plane', did you mean 'plain'"):
        CodeDistance(WIDE, "plane")


def test_float32_codes_are_not_copied():
    codes = WIDE.astype("float32")
    assert check_code_matrix("codes", codes) is codes
