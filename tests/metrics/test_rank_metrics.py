from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import manifold

from latentmap.errors import DataError, SettingError
from latentmap.metrics import continuity, trustworthiness


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(300, 6))


def published_trustworthiness(X, Z, k):
    n, penalty = len(X), 0.0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_row = sorted(others, key=lambda j: np.sum((X[i] - X[j]) ** 2))
        by_code = sorted(others, key=lambda j: np.sum((Z[i] - Z[j]) ** 2))
        rank = {j: r + 1 for r, j in enumerate(by_row)}
        penalty += sum(max(0, rank[j] - k) for j in by_code[:k])
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty


def test_trustworthiness_matches_the_published_formula(rows):
    X, Z = rows[:40], rows[:40, :2]
    assert trustworthiness(X, Z, k=5) == pytest.approx(published_trustworthiness(X, Z, 5))


def test_trustworthiness_of_random_codes_is_one_half(rows):
    X = np.random.default_rng(1).normal(size=(1000, 6))
    Z = np.random.default_rng(2).normal(size=(1000, 2))
    assert trustworthiness(X, Z) == pytest.approx(0.5, abs=0.03)


def test_seed_determines_the_sample_of_trustworthiness(rows):
    scores = [trustworthiness(rows, rows[:, :2], max_rows=100, seed=s) for s in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]


def test_trustworthiness_of_images():
    images = np.random.default_rng(0).integers(0, 255, (30, 4, 5), dtype=np.uint8)
    assert trustworthiness(images, images.reshape(30, -1)) == 1.0


@pytest.mark.parametrize("n", [3, 4, 15])
def test_trustworthiness_of_few_rows_uses_fewer_neighbors(rows, n):
    assert trustworthiness(rows[:n], rows[:n]) == 1.0


def test_trustworthiness_of_two_rows_is_nan(rows):
    assert math.isnan(trustworthiness(rows[:2], rows[:2]))


@pytest.mark.parametrize("k", [1, 5, 19])
def test_continuity_is_the_published_formula_with_exchanged_spaces(rows, k):
    X, Z = rows[:40], rows[:40, :2]
    assert continuity(X, Z, k=k) == pytest.approx(published_trustworthiness(Z, X, k))
    assert continuity(X, Z, k=k) != pytest.approx(trustworthiness(X, Z, k=k))


@pytest.mark.parametrize("n_pairs", [1, 1000, 2**20])
def test_both_match_scikit_learn_in_blocks_of_any_size(rows, monkeypatch, n_pairs):
    monkeypatch.setattr("latentmap.metrics.rank_metrics.BLOCK_PAIRS", n_pairs)
    codes = rows[:, :2]
    expected = manifold.trustworthiness(rows, codes, n_neighbors=10)
    assert trustworthiness(rows, codes) == pytest.approx(expected)
    expected = manifold.trustworthiness(codes, rows, n_neighbors=10)
    assert continuity(rows, codes) == pytest.approx(expected)


def test_a_map_of_one_position_has_no_continuity(rows):
    # All ranks are the mean rank n / 2, so that C = 1 − 2 (n / 2 − k) / (2n − 3k − 1).
    expected = 1 - 2 * (150 - 10) / (2 * 300 - 3 * 10 - 1)
    assert continuity(rows, np.zeros((300, 2))) == pytest.approx(expected)


def test_tied_neighbors_have_their_mean_rank():
    # On the map, the nearest row of each row has the ranks 3, 3, 3, and 1.5 in a tie with row 0.
    X, codes = [[0.0], [1.0], [2.2], [3.5]], [[0.0], [9.0], [2.0], [1.0]]
    expected = 1 - 2 / (4 * (8 - 3 - 1)) * (2 + 2 + 2 + 0.5)
    assert continuity(X, codes, k=1) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [trustworthiness, continuity])
@pytest.mark.parametrize(
    ("codes", "k", "message"),
    [
        ([[1.0]] * 4, 10, "codes: expected 5"),
        ([[1.0]] * 5, 0, "k: expected an integer of at least 1"),
        ([[1.0]] * 4 + [[np.nan]], 10, "codes, row 4: expected finite numbers"),
    ],
)
def test_invalid_arguments_raise(metric, codes, k, message):
    with pytest.raises((DataError, SettingError), match=message):
        metric([[1.0]] * 5, codes, k=k)
