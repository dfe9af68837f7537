from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.errors import DataError, SettingError
from latentmap.metrics import (
    centroid_rank_correlation,
    distance_rank_correlation,
    random_triplet_accuracy,
)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(300, 6))


def share_of_all_triplets(X, Z):
    def is_nearer(points, i, j, k):
        return math.dist(points[i], points[j]) < math.dist(points[i], points[k])

    triplets = list(permutations(range(len(X)), 3))
    return sum(is_nearer(X, *t) == is_nearer(Z, *t) for t in triplets) / len(triplets)


def ranks(values):
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


def spearman_of_all_pairs(X, Z):
    pairs = [(i, j) for i in range(len(X)) for j in range(i)]
    a, b = (ranks([math.dist(points[i], points[j]) for i, j in pairs]) for points in (X, Z))
    mean = sum(a) / len(a)
    covariance = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    variances = [sum((x - mean) ** 2 for x in values) for values in (a, b)]
    return covariance / math.sqrt(variances[0] * variances[1])


def test_random_triplets_estimate_the_share_of_all_triplets(rows):
    X, Z = rows[:12], rows[:12, :2]
    expected = share_of_all_triplets(X, Z)
    assert 0.6 < expected < 0.9
    assert random_triplet_accuracy(X, Z, n_triplets=200_000) == pytest.approx(expected, abs=0.005)


def test_all_triplets_of_different_rows_are_equally_frequent():
    X, Z = [[0.0], [1.0], [3.0]], [[0.0], [3.0], [1.0]]
    expected = share_of_all_triplets(X, Z)
    assert random_triplet_accuracy(X, Z, n_triplets=100_000) == pytest.approx(expected, abs=0.01)


def test_triplets_of_random_codes_have_an_accuracy_of_one_half(rows):
    codes = np.random.default_rng(1).normal(size=(300, 2))
    assert random_triplet_accuracy(rows, codes) == pytest.approx(0.5, abs=0.03)


def test_triplets_do_not_depend_on_blocks(rows, monkeypatch):
    expected = random_triplet_accuracy(rows, rows[:, :2], 1000)
    monkeypatch.setattr("latentmap.metrics.distance_metrics.BLOCK_NUMBERS", 50)
    assert random_triplet_accuracy(rows, rows[:, :2], 1000) == expected


def test_seed_determines_the_triplets(rows):
    scores = [random_triplet_accuracy(rows, rows[:, :2], 500, seed=s) for s in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]


def test_rank_correlation_matches_all_pairs(rows):
    X, Z = rows[:25], rows[:25, :2]
    expected = spearman_of_all_pairs(X, Z)
    assert 0.2 < expected < 0.9
    assert distance_rank_correlation(X, Z) == pytest.approx(expected, abs=1e-4)


def test_rank_correlation_of_tied_distances():
    X, Z = [[0.0], [1.0], [2.0], [4.0]], [[0.0], [1.0], [1.0], [3.0]]
    assert distance_rank_correlation(X, Z) == pytest.approx(spearman_of_all_pairs(X, Z))


def test_rank_correlation_far_from_the_origin(rows):
    expected = distance_rank_correlation(rows, rows[:, :2])
    assert distance_rank_correlation(rows + 1e6, rows[:, :2]) == pytest.approx(expected, abs=1e-4)


def test_reversed_order_of_distances_has_correlation_minus_one():
    # The distances 1, 2, 3 are 3, 2, 1 on the map.
    X, codes = [[0.0], [1.0], [3.0]], [[0.0], [3.0], [1.0]]
    assert distance_rank_correlation(X, codes) == pytest.approx(-1)


def test_seed_determines_the_sample_of_pairs(rows):
    scores = [distance_rank_correlation(rows, rows[:, :2], 50, seed=s) for s in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]


def test_only_sampled_rows_are_read(rows, monkeypatch):
    source, sizes = ArraySource(rows), []
    take = source.take
    monkeypatch.setattr(source, "take", lambda indices: sizes.append(len(indices)) or take(indices))
    distance_rank_correlation(source, rows[:, :2], max_rows=50)
    assert sizes == [50]


@pytest.mark.parametrize("missing", ["", None, np.nan])
def test_centroid_correlation_matches_the_class_means(rows, missing):
    names = np.array(list("abcde"), dtype=object)
    labels = names[np.random.default_rng(1).integers(0, 5, 300)]
    means = [
        [
            [sum(column) / len(column) for column in zip(*a[labels == name], strict=True)]
            for name in names
        ]
        for a in (rows, rows[:, :2])
    ]
    labels = np.append(labels, missing)
    X, Z = np.vstack([rows, np.full(6, 1e3)]), np.vstack([rows[:, :2], np.full(2, -1e3)])
    result = centroid_rank_correlation(X, Z, labels)
    assert result == pytest.approx(spearman_of_all_pairs(*means))
    assert abs(result) < 0.99


def test_centroids_of_a_sample_of_classes(rows):
    labels = np.arange(300) // 3
    scores = [centroid_rank_correlation(rows, rows[:, :2], labels, n) for n in (20, 1000)]
    assert scores[0] != scores[1]
    assert scores[0] == pytest.approx(scores[1], abs=0.3)


def test_too_few_rows_or_classes_are_nan(rows):
    X, Z = rows[:2], rows[:2, :2]
    assert math.isnan(random_triplet_accuracy(X, Z))
    assert math.isnan(distance_rank_correlation(X, Z))
    assert math.isnan(centroid_rank_correlation(rows, rows[:, :2], np.arange(300) % 2))
    assert math.isnan(centroid_rank_correlation(X, Z, ["", ""]))


def test_a_map_of_one_position(rows):
    codes = np.zeros((300, 2))
    assert math.isnan(distance_rank_correlation(rows, codes))
    assert random_triplet_accuracy(rows, codes) == pytest.approx(0.5, abs=0.01)


ROWS = [[1.0]] * 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_triplet_accuracy(ROWS, ROWS[:4]), "codes: expected 5"),
        (
            lambda: random_triplet_accuracy(ROWS, ROWS, 0),
            "n_triplets: expected an integer",
        ),
        (lambda: random_triplet_accuracy(ROWS, [*ROWS[:4], [np.nan]]), "codes, row 4: expected fi"),
        (lambda: distance_rank_correlation(ROWS, ROWS[:4]), "codes: expected 5"),
        (
            lambda: distance_rank_correlation(ROWS, ROWS, 0),
            "max_rows: expected an integer",
        ),
        (lambda: centroid_rank_correlation(ROWS, ROWS[:4], [1] * 5), "codes: expected 5"),
        (lambda: centroid_rank_correlation(ROWS, ROWS, [1]), "labels: expected 5"),
    ],
)
def test_invalid_arguments_raise(call, message):
    with pytest.raises((DataError, SettingError), match=message):
        call()
