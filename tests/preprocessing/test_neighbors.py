import numpy as np
import pytest

from latentmap.preprocessing import neighbors as module
from latentmap.preprocessing.neighbors import NeighborIndex, nearest_neighbors

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(300, 5)).astype("float32")


def exact(points, k):
    """The k nearest others by computing every distance in double precision."""
    apart = ((points[:, None].astype(float) - points[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1)[:, :k]


def test_few_points_are_searched_exactly():
    assert np.array_equal(nearest_neighbors(POINTS, 10, seed=0), exact(POINTS, 10))


@pytest.mark.parametrize("k", [1, 299])
def test_any_number_of_neighbours(k):
    found = nearest_neighbors(POINTS, k, seed=0)
    assert found.shape == (300, k)
    assert (np.sort(found, axis=1)[:, 1:] != np.sort(found, axis=1)[:, :-1]).all()
    assert not (found == np.arange(300)[:, None]).any()


def test_blocks_do_not_change_the_neighbours(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    assert np.array_equal(nearest_neighbors(POINTS, 10, seed=0), exact(POINTS, 10))


def test_equal_points_are_neighbours_and_no_point_is_its_own():
    points = np.repeat(POINTS[:20], 15, axis=0)
    found = nearest_neighbors(points, 10, seed=0)
    assert not (found == np.arange(300)[:, None]).any()
    assert np.array_equal(found // 15, np.repeat(np.arange(20), 15)[:, None] * np.ones(10, int))


def test_equal_points():
    found = nearest_neighbors(np.ones((50, 3), "float32"), 5, seed=0)
    assert found.shape == (50, 5)
    assert not (found == np.arange(50)[:, None]).any()


def test_queries_that_are_not_points():
    found = NeighborIndex(POINTS, seed=0).search(POINTS[:4] + 1e-4, 1)
    assert found[:, 0].tolist() == [0, 1, 2, 3]


def test_missing_neighbours_repeat_the_nearest():
    found = NeighborIndex(POINTS[:3], seed=0).search(POINTS[:2], 5)
    assert sorted(found[1, :3]) == [0, 1, 2]
    assert found[:, 3:].tolist() == [[0, 0], [1, 1]]


# -- many points, cell by cell ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def many():
    """12,000 points around 40 centres, more than are compared one by one, and their neighbours."""
    centers = RNG.normal(size=(40, 10))
    points = (centers[RNG.integers(0, 40, 12_000)] + RNG.normal(size=(12_000, 10))).astype("f4")
    assert len(points) > module.EXACT_ROWS
    return points, nearest_neighbors(points, 10, seed=0)


def test_nearly_all_neighbours_of_many_points_are_found(many, monkeypatch):
    points, found = many
    monkeypatch.setattr(module, "EXACT_ROWS", len(points))
    truly = nearest_neighbors(points, 10, seed=0)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found[::20], truly[::20], strict=True)]
    assert np.mean(shared) >= 9.5
    assert (found != truly).any()  # it was not the exact search


def test_search_of_many_points_is_deterministic(many):
    points, found = many
    assert np.array_equal(nearest_neighbors(points, 10, seed=0), found)
    assert not (found == np.arange(len(points))[:, None]).any()


def test_cells_with_too_few_points(monkeypatch):
    monkeypatch.setattr(module, "EXACT_ROWS", 100)
    monkeypatch.setattr(module, "CELL_ROWS", 5)
    monkeypatch.setattr(module, "SEARCHED_CELLS", 1)
    found = nearest_neighbors(POINTS, 50, seed=0)
    assert found.shape == (300, 50)
    assert found.min() >= 0


def test_number_of_searched_cells(many, monkeypatch):
    points, _ = many
    monkeypatch.setattr(module, "BLOCK_PAIRS", 20 * len(points))
    found = {
        cells: NeighborIndex(points, 0, cells).search(points[:100], 10) for cells in (0, 2, 48)
    }
    assert np.array_equal(found[0], found[48])  # all of them
    assert (found[2] != found[0]).any()
    apart = ((points[:100, None].astype(float) - points) ** 2).sum(axis=-1)
    assert np.array_equal(found[0], np.argsort(apart, axis=1)[:, :10])


def test_progress_is_shown(capsys):
    nearest_neighbors(POINTS, 3, seed=0, verbose=True)
    assert "finding neighbours" in capsys.readouterr().err
