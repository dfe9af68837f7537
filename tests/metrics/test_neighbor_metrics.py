from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from latentmap.errors import DataError, SettingError
from latentmap.metrics import neighbor_accuracy


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(300, 6))


def test_accuracy_by_hand():
    reference, reference_labels = [[0.0], [1.0], [2.0], [10.0], [11.0]], ["a", "a", "b", "b", "b"]
    # 3 nearest of 0.5: a, a, b; of 9: b, b, b; of 1.4: a, b, a.
    result = neighbor_accuracy(
        [[0.5], [9.0], [1.4]], ["a", "b", "b"], reference, reference_labels, k=3
    )
    assert result == pytest.approx(2 / 3)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_accuracy_matches_scikit_learn(rows, k):
    labels = np.where(rows[:, 0] + rows[:, 4] > 0, "yes", "no")
    fitted, unseen = slice(0, 200), slice(200, None)
    classifier = KNeighborsClassifier(k).fit(rows[fitted, :2], labels[fitted])
    expected = classifier.score(rows[unseen, :2], labels[unseen])
    result = neighbor_accuracy(
        rows[unseen, :2], labels[unseen], rows[fitted, :2], labels[fitted], k=k
    )
    assert result == pytest.approx(expected)


def test_leave_one_out_excludes_the_row_itself():
    # The nearest other row of each row has the other label.
    codes, labels = [[0.0], [0.1], [5.0], [5.1]], [0, 1, 0, 1]
    assert neighbor_accuracy(codes, labels, k=1) == 0.0


def test_accuracy_with_fewer_codes_than_neighbors():
    assert neighbor_accuracy([[0.0]], ["a"], [[1.0]], ["a"], k=10) == 1.0
    assert neighbor_accuracy([[0.0], [1.0], [1.1]], [1, 1, 1], k=10) == 1.0
    assert math.isnan(neighbor_accuracy([[0.0]], ["a"], k=10))


def test_first_label_in_order_wins_a_tie():
    assert neighbor_accuracy([[0.0]], ["a"], [[1.0], [-1.0]], ["b", "a"], k=2) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: neighbor_accuracy([[1.0]] * 3, [1, 2]), "labels: expected 3"),
        (lambda: neighbor_accuracy([[1.0]], [1], [[1.0, 2.0]], [1]), "expected 2 components"),
        (lambda: neighbor_accuracy([[1.0]], [1], [[1.0]], [1, 2]), "reference_labels: expected 1"),
        (lambda: neighbor_accuracy([[1.0]], [1], [[1.0]]), "reference_labels: expected a label"),
        (
            lambda: neighbor_accuracy([[1.0]] * 2, [1, 2], k=0),
            "k: expected an integer",
        ),
    ],
)
def test_mismatched_arguments_raise(call, message):
    with pytest.raises((DataError, SettingError), match=message):
        call()
