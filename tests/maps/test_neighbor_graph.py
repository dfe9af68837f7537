import tracemalloc

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array
from sklearn.neighbors import NearestNeighbors, kneighbors_graph

from latentmap.errors import DataError
from latentmap.maps.layout import edge_affinities
from latentmap.maps.neighbor_graph import NeighborGraph

ROWS = np.random.default_rng(0).normal(size=(40, 3))
ALL = np.arange(40)
DISTANCES, INDICES = NearestNeighbors(n_neighbors=6).fit(ROWS).kneighbors()


def find(neighbors, k=6, first=ALL, inverse=ALL):
    return NeighborGraph.from_user(neighbors, 40).find(first, inverse, k)


@pytest.mark.parametrize("layout", ["csr", "csc", "coo"])
@pytest.mark.parametrize("include_self", [False, True])
def test_a_distance_graph_and_arrays_are_the_same_neighbours(layout, include_self):
    rows = ROWS if include_self else None
    graph = NearestNeighbors(n_neighbors=7 if include_self else 6).fit(ROWS)
    graph = graph.kneighbors_graph(rows, mode="distance").asformat(layout)
    for neighbors in ((INDICES, DISTANCES), graph):
        indices, distances = find(neighbors)
        assert np.array_equal(indices, INDICES)
        assert np.allclose(distances, DISTANCES)


def test_neighbours_are_sorted_by_distance_and_repeated_ones_are_dropped():
    order = np.random.default_rng(1).permutation(6)
    indices, distances = find((INDICES[:, [*order, 0]], DISTANCES[:, [*order, 0]]), 4)
    assert np.array_equal(indices, INDICES[:, :4])
    assert np.allclose(distances, DISTANCES[:, :4])


def test_own_rows_are_not_neighbours():
    indices = np.c_[ALL, INDICES]
    assert np.array_equal(find((indices, np.c_[np.zeros(40), DISTANCES]))[0], INDICES)


def test_a_connectivity_graph_has_no_distances():
    edges = find(kneighbors_graph(ROWS, 6), 3)
    assert (edges != kneighbors_graph(ROWS, 6)).nnz == 0


def test_a_hub_does_not_take_the_memory_of_all_pairs():
    """Row 0 is a neighbour of all 30,000 rows; arrays of all pairs would need 14 GB."""
    n = 30_000
    ring = coo_array((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    hub = coo_array((np.ones(n - 1), (np.zeros(n - 1, int), np.arange(1, n))), shape=(n, n))
    tracemalloc.start()
    graph = NeighborGraph.from_user((ring + hub).sign(), n)
    affinities = edge_affinities(graph.find(np.arange(n), np.arange(n), 10))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert affinities.P[0].nnz == n - 1
    assert np.ptp(affinities.P.data) == 0


def test_missing_neighbours_are_the_row_itself():
    graph = kneighbors_graph(ROWS, 6, mode="distance").tolil()
    graph[7] = 0
    indices, distances = find(graph.tocsr())
    assert (indices[7] == 7).all() and np.isinf(distances[7]).all()
    assert np.isfinite(np.delete(distances, 7, axis=0)).all()


def test_equal_rows_share_their_neighbours():
    """Rows 0 and 1 are equal, so that the neighbours of both are those of the first."""
    inverse = np.r_[0, 0, np.arange(1, 39)]
    first = np.r_[0, np.arange(2, 40)]
    indices, distances = find((INDICES, DISTANCES), 4, first, inverse)
    union = {int(inverse[j]) for j in (*INDICES[0], *INDICES[1])} - {0}
    assert len(indices) == 39 and set(indices[0].tolist()) <= union
    assert (np.diff(distances[0]) >= 0).all()
    best = min(d for i in (0, 1) for j, d in zip(INDICES[i], DISTANCES[i], strict=True) if j > 1)
    assert distances[0, 0] == pytest.approx(best)


# -- input that is refused before compiled code reads it -------------------------------------------


def damaged(attribute, position, value):
    graph = csr_array(kneighbors_graph(ROWS, 6, mode="distance"))
    getattr(graph, attribute)[position] = value
    return graph


@pytest.mark.parametrize(
    ("neighbors", "message"),
    [
        ((INDICES, DISTANCES[:, :3]), r"shape \(40, k\), found \(40, 6\) and \(40, 3\)"),
        ((INDICES[:9], DISTANCES[:9]), r"shape \(40, k\), found \(9, 6\)"),
        ((INDICES[:, 0], DISTANCES[:, 0]), r"shape \(40, k\)"),
        ((INDICES * 1.0, DISTANCES), "expected integers, found float64"),
        ((INDICES - 1, DISTANCES), "integers from 0 to 39, found -1"),
        ((INDICES + 5, DISTANCES), "integers from 0 to 39, found 4"),
        ((INDICES, DISTANCES * np.nan), "finite distances of at least 0, found nan"),
        ((INDICES, -DISTANCES), "finite distances of at least 0, found -"),
        ((INDICES, np.full((40, 6), "near")), "distances of real numbers"),
        ((np.tile(ALL[:, None], 2), np.ones((40, 2))), "row 0: expected an edge"),
        (csr_array((30, 30)), r"shape \(40, 40\), found \(30, 30\)"),
        (csr_array((40, 40)), "row 0: expected an edge"),
        (damaged("indptr", 5, 9_000_000), "indptr: expected integers"),
        (damaged("indptr", 5, -3), "indptr: expected integers"),
        (damaged("indptr", 40, 9_000_000), "indptr: expected integers"),
        (damaged("indices", 3, 40), "integers from 0 to 39, found 40"),
        (damaged("indices", 3, -2), "integers from 0 to 39, found -2"),
        (damaged("data", 3, -1.0), "at least 0, found -1"),
        (csr_array(kneighbors_graph(ROWS, 6)).tolil(), "CSR, CSC or COO format, found lil"),
        (INDICES, "expected arrays"),
        ("euclidean", "expected arrays"),
    ],
)
def test_damaged_neighbours_are_refused(neighbors, message):
    with pytest.raises(DataError, match=message):
        find(neighbors)


@pytest.mark.parametrize(("attribute", "value"), [("row", -1), ("col", 40)])
def test_damaged_coordinates_are_refused(attribute, value):
    graph = coo_array(kneighbors_graph(ROWS, 6))
    getattr(graph, attribute)[2] = value
    with pytest.raises(DataError, match=f"integers from 0 to 39, found {value}"):
        find(graph)
