import numpy as np
import pytest

from latentmap.maps.map_groups import MapGroups


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 6)).astype(np.float32), rng.normal(size=(200, 2))


def direct_group(positions, row, size, step, left_out=None):
    """Return the members of a group and their weights."""
    candidates = np.arange(0, len(positions), step)
    squares = ((positions[candidates] - positions[row]) ** 2).sum(axis=1)
    order = np.argsort(squares)[: size + 1]
    weights = squares[order[-1]] - squares[order]
    weights[candidates[order] == left_out] = 0
    return candidates[order], weights / weights.sum()


@pytest.mark.parametrize(("size", "step"), [(7, 1), (25, 4)])
@pytest.mark.parametrize("is_left_out", [False, True])
def test_mean_squares_match_a_direct_computation(rows, size, step, is_left_out):
    points, positions = rows
    groups = MapGroups(points, positions, size, step)
    queries, neighbors = np.arange(0, 200, 4), np.random.default_rng(1).integers(200, size=(50, 3))
    neighbors[:, 0] = (queries + 4) % 200
    left_out = queries if is_left_out else None
    squares = groups.mean_squares(points[queries], neighbors, left_out)
    for i, query in enumerate(queries):
        for j, row in enumerate(neighbors[i]):
            members, weights = direct_group(
                positions, row, size, step, query if is_left_out else None
            )
            expected = weights @ ((points[members] - points[query]) ** 2).sum(axis=1)
            assert squares[i, j] == pytest.approx(expected, rel=3e-3)


def test_groups_do_not_depend_on_the_order_of_their_computation(rows):
    points, positions = rows
    neighbors = np.random.default_rng(1).integers(200, size=(200, 5))
    at_once = MapGroups(points, positions, 7, 1).mean_squares(points, neighbors)
    groups = MapGroups(points, positions, 7, 1)
    for i in np.random.default_rng(2).permutation(200):
        assert np.array_equal(groups.mean_squares(points[[i]], neighbors[[i]])[0], at_once[i])


def test_a_group_of_many_rows_at_equal_distances_is_the_row(rows):
    """Which of the rows at one position are the nearest depends on the search."""
    points, positions = rows
    positions[:40] = 0
    members, weights = MapGroups(points, positions, 7, 1).members(np.arange(41))
    assert (members[:40] == np.arange(40)[:, None]).all()
    assert weights.sum(axis=1) == pytest.approx(1)
    assert (weights[40] > 0).sum() > 1


def test_mean_squares_do_not_depend_on_the_number_of_rows(rows):
    points, positions = rows
    groups = MapGroups(points, positions, 7, 1)
    neighbors = np.random.default_rng(1).integers(200, size=(200, 3))
    one_by_one = [groups.mean_squares(points[i : i + 1], neighbors[i : i + 1]) for i in range(200)]
    np.testing.assert_array_equal(groups.mean_squares(points, neighbors), np.vstack(one_by_one))
