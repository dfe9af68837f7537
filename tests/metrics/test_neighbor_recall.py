from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from latentmap.data import ArraySource
from latentmap.errors import DataError, SettingError
from latentmap.metrics import (
    nearest_rows,
    neighbor_overlap,
    neighbor_recall,
    neighbor_recall_per_row,
)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(300, 6))


def nearest_by_loop(point, candidates, k):
    return sorted(candidates, key=lambda j: math.dist(point, candidates[j]))[:k]


def recall_by_loop(X, Z, X_reference, Z_reference, k):
    recall = []
    for i in range(len(X)):
        numbers = [j for j in range(len(X_reference)) if X_reference is not X or j != i]
        in_data, on_map = (
            set(nearest_by_loop(points[i], {j: reference[j] for j in numbers}, k))
            for points, reference in ((X, X_reference), (Z, Z_reference))
        )
        recall.append(len(in_data & on_map) / k)
    return recall


@pytest.mark.parametrize("width", [2, 5])  # a tree, and a search of all points
@pytest.mark.parametrize("k", [1, 10, 50])
def test_recall_matches_a_loop_over_reference_rows(rows, k, width):
    fitted, unseen = rows[:200], rows[200:]
    codes = rows[:, :width]
    expected = recall_by_loop(unseen, codes[200:], fitted, codes[:200], k)
    arguments = unseen, codes[200:], fitted, codes[:200], k
    assert neighbor_recall_per_row(*arguments) == pytest.approx(expected)
    assert neighbor_recall(*arguments) == pytest.approx(np.mean(expected))
    assert 0.05 < np.mean(expected) < 0.95


@pytest.mark.parametrize("k", [1, 10])
def test_recall_among_the_rows_excludes_each_row(rows, k):
    X, Z = rows[:60], rows[:60, :2]
    expected = recall_by_loop(X, Z, X, Z, k)
    assert neighbor_recall_per_row(X, Z, k=k) == pytest.approx(expected)
    assert neighbor_recall(X, Z, k=k) == pytest.approx(np.mean(expected))


def test_recall_of_random_codes_is_k_of_all_rows(rows):
    X, codes = (
        np.random.default_rng(1).normal(size=(1000, 6)),
        np.random.default_rng(2).random((1000, 2)),
    )
    assert neighbor_recall(X, codes, k=50) == pytest.approx(50 / 999, abs=0.01)


def test_recall_of_the_same_space_is_one(rows):
    assert neighbor_recall(rows, rows * 3 + 1) == 1
    assert neighbor_recall(rows[:, :2], rows[:, :2] * 3 + 1) == 1


def test_rows_of_any_type_give_the_same_neighbors():
    images = np.random.default_rng(0).integers(0, 255, (100, 4, 5), dtype=np.uint8)
    expected = nearest_rows(images.reshape(100, -1).astype(np.float64), k=5)
    sparse = csr_array(images.reshape(100, -1).astype(np.float32))
    for rows in (
        images,
        images.astype(np.int64),
        images.astype(np.uint64),
        ArraySource(images),
        sparse,
    ):
        assert nearest_rows(rows, k=5).tolist() == expected.tolist()


@pytest.mark.parametrize("width", [2, 6])
def test_neighbors_far_from_the_origin(rows, width):
    rows = rows[:, :width]
    assert nearest_rows(rows + 1e6, k=5).tolist() == nearest_rows(rows, k=5).tolist()


def test_neighbors_are_the_nearest_first(rows):
    expected = [nearest_by_loop(row, dict(enumerate(rows[:200])), 7) for row in rows[200:]]
    assert nearest_rows(rows[200:], rows[:200], k=7).tolist() == expected


def test_equal_rows_are_neighbors_of_each_other():
    assert nearest_rows(np.zeros((3, 2)), k=1).ravel().tolist() != [0, 1, 2]
    neighbors = nearest_rows(np.zeros((20, 2)), k=5)
    assert not (neighbors == np.arange(20)[:, None]).any()
    assert all(len(set(row)) == 5 for row in neighbors.tolist())


def test_arguments_are_not_changed(rows):
    original = rows.copy()
    neighbor_recall(rows, rows[:, :2])
    np.testing.assert_array_equal(rows, original)


def test_as_many_neighbors_as_rows_are_not_scored(rows):
    assert neighbor_recall(rows[:11], rows[:11, :2], k=9) > 0
    assert math.isnan(neighbor_recall(rows[:11], rows[:11, :2], k=10))
    assert math.isnan(neighbor_recall(rows[:5], rows[:5, :2], rows[:10], rows[:10, :2], k=10))
    assert np.isnan(neighbor_recall_per_row(rows[:1], rows[:1, :2], k=1)).tolist() == [True]


def test_verbose_shows_the_search(rows, capsys):
    neighbor_recall(rows, rows[:, :2], verbose=True)
    assert "Finding neighbours" in capsys.readouterr().err
    neighbor_recall(rows, rows[:, :2])
    assert capsys.readouterr().err == ""


ROW, ROWS = [[1.0, 2.0]], [[1.0, 2.0]] * 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: neighbor_recall(ROWS, ROWS[:4]), "^codes: expected 5"),
        (lambda: neighbor_recall(ROWS, ROWS, k=0), "^k: expected an integer of at least 1"),
        (lambda: neighbor_recall(ROWS, ROWS, ROWS), "expected both or neither"),
        (lambda: neighbor_recall(ROWS, ROWS, None, ROWS), "expected both or neither"),
        (lambda: neighbor_recall(ROWS, ROWS, ROWS, ROWS[:4]), "^reference_codes: expected 5"),
        (lambda: neighbor_recall(ROWS, ROWS, [[1.0]] * 5, ROWS), "^rows: expected 1 numbers"),
        (lambda: neighbor_recall(ROWS, ROWS, ROWS, [[1.0]] * 5), "^codes: expected 1 components"),
        (lambda: neighbor_recall(ROWS, [*ROWS[1:], [0, np.nan]]), "^codes, row 4: expected finite"),
        (lambda: nearest_rows(ROWS, k=5), "^k: expected 1 to 4, the number of reference rows"),
        (lambda: nearest_rows(ROW, ROWS, k=6), "^k: expected 1 to 5"),
        (lambda: nearest_rows(ROW, [[1.0]]), "^rows: expected 1 numbers, as in reference_rows"),
        (lambda: neighbor_overlap([[1, 2]], [[1]]), r"found \(1, 1\)"),
        (lambda: neighbor_overlap([1, 2], [1, 2]), r"expected shape \(n, k\)"),
    ],
)
def test_invalid_arguments_raise(call, message):
    with pytest.raises((DataError, SettingError), match=message):
        call()
