import numpy as np
import pytest

from latentmap.preprocessing import neighbors as module
from latentmap.preprocessing.neighbors import NeighborIndex, nearest_neighbors

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(300, 5)).astype("float32")


def exact(points, k):
    """Return the k nearest other points by all distances in double precision."""
    distances = ((points[:, None].astype(float) - points[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :k]


def test_few_points_are_searched_exactly():
    assert np.array_equal(nearest_neighbors(POINTS, 10, seed=0), exact(POINTS, 10))


@pytest.mark.parametrize("k", [1, 299])
def test_any_number_of_neighbours(k):
    neighbors = nearest_neighbors(POINTS, k, seed=0)
    assert neighbors.shape == (300, k)
    assert (np.sort(neighbors, axis=1)[:, 1:] != np.sort(neighbors, axis=1)[:, :-1]).all()
    assert not (neighbors == np.arange(300)[:, None]).any()


def test_blocks_do_not_change_the_neighbours(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    assert np.array_equal(nearest_neighbors(POINTS, 10, seed=0), exact(POINTS, 10))


def test_equal_points_are_neighbours_but_not_of_themselves():
    points = np.repeat(POINTS[:20], 15, axis=0)
    neighbors = nearest_neighbors(points, 10, seed=0)
    assert not (neighbors == np.arange(300)[:, None]).any()
    assert np.array_equal(neighbors // 15, np.repeat(np.arange(20), 15)[:, None] * np.ones(10, int))


def test_equal_points():
    neighbors = nearest_neighbors(np.ones((50, 3), "float32"), 5, seed=0)
    assert neighbors.shape == (50, 5)
    assert not (neighbors == np.arange(50)[:, None]).any()


def test_queries_can_be_other_points():
    neighbors = NeighborIndex(POINTS, seed=0).search(POINTS[:4] + 1e-4, 1)
    assert neighbors[:, 0].tolist() == [0, 1, 2, 3]


def test_missing_neighbours_are_filled_with_the_nearest():
    neighbors = NeighborIndex(POINTS[:3], seed=0).search(POINTS[:2], 5)
    assert sorted(neighbors[1, :3]) == [0, 1, 2]
    assert neighbors[:, 3:].tolist() == [[0, 0], [1, 1]]


# -- many points, cell by cell ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def many_points():
    """Return 12,000 points, which are too many for an exact search, and their neighbours."""
    centers = RNG.normal(size=(40, 10))
    points = (centers[RNG.integers(0, 40, 12_000)] + RNG.normal(size=(12_000, 10))).astype("f4")
    assert len(points) > module.EXACT_ROWS
    return points, nearest_neighbors(points, 10, seed=0)


def test_nearly_all_neighbours_of_many_points_are_found(many_points, monkeypatch):
    points, neighbors = many_points
    monkeypatch.setattr(module, "EXACT_ROWS", len(points))
    expected = nearest_neighbors(points, 10, seed=0)
    n_common = [
        len(np.intersect1d(a, b)) for a, b in zip(neighbors[::20], expected[::20], strict=True)
    ]
    assert np.mean(n_common) >= 9.5
    assert (neighbors != expected).any()  # The search is approximate.


def test_search_of_many_points_is_deterministic(many_points):
    points, neighbors = many_points
    assert np.array_equal(nearest_neighbors(points, 10, seed=0), neighbors)
    assert not (neighbors == np.arange(len(points))[:, None]).any()


def test_cells_with_too_few_points(monkeypatch):
    monkeypatch.setattr(module, "EXACT_ROWS", 100)
    monkeypatch.setattr(module, "CELL_ROWS", 5)
    monkeypatch.setattr(module, "SEARCHED_CELLS", 1)
    neighbors = nearest_neighbors(POINTS, 50, seed=0)
    assert neighbors.shape == (300, 50)
    assert neighbors.min() >= 0


def test_number_of_searched_cells(many_points, monkeypatch):
    points, _ = many_points
    monkeypatch.setattr(module, "BLOCK_PAIRS", 20 * len(points))
    neighbors = {
        cells: NeighborIndex(points, 0, cells).search(points[:100], 10) for cells in (0, 2, 48)
    }
    assert np.array_equal(neighbors[0], neighbors[48])  # 48 cells are all cells.
    assert (neighbors[2] != neighbors[0]).any()
    distances = ((points[:100, None].astype(float) - points) ** 2).sum(axis=-1)
    assert np.array_equal(neighbors[0], np.argsort(distances, axis=1)[:, :10])


def test_progress_is_shown(capsys):
    nearest_neighbors(POINTS, 3, seed=0, verbose=True)
    assert "finding neighbours" in capsys.readouterr().err
