from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from latentmap.data import ArraySource
from latentmap.errors import DataError, SettingError
from latentmap.metrics import evaluate, neighbor_accuracy, trustworthiness


class Linear:
    """PCA with the additional methods of an estimator of this library."""

    def __init__(self, n_components=2):
        self.pca = PCA(n_components, random_state=0)

    def fit(self, X):
        self.pca.fit(np.reshape(X, (len(X), -1)))
        return self

    def transform(self, X):
        return self.pca.transform(np.reshape(X, (len(X), -1)).astype(float))

    def reconstruction_error(self, X):
        flat = np.reshape(X, (len(X), -1))
        return ((self.pca.inverse_transform(self.transform(X)) - flat) ** 2).mean(axis=1)


class Variational(Linear):
    beta = 1.0

    def score(self, X):
        return -float(np.mean(self.reconstruction_error(X))) - 7


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
        (lambda: trustworthiness([[1.0]] * 5, [[1.0]] * 4), "codes: expected 5"),
        (lambda: trustworthiness([[1.0]] * 5, [[1.0]] * 5, k=0), "k: expected at least 1"),
        (lambda: neighbor_accuracy([[1.0]] * 3, [1, 2]), "labels: expected 3"),
        (lambda: neighbor_accuracy([[1.0]], [1], [[1.0, 2.0]], [1]), "expected 2 components"),
        (lambda: neighbor_accuracy([[1.0]], [1], [[1.0]], [1, 2]), "reference_labels: expected 1"),
        (lambda: neighbor_accuracy([[1.0]], [1], [[1.0]]), "reference_labels: expected a label"),
        (lambda: neighbor_accuracy([[1.0]] * 2, [1, 2], k=0), "k: expected at least 1"),
    ],
)
def test_mismatched_arguments_raise(call, message):
    with pytest.raises((DataError, SettingError), match=message):
        call()


def test_evaluate_returns_the_metrics_of_all_rows(rows):
    estimator = Linear().fit(rows)
    labels = (rows[:, 0] > 0).astype(int)
    result = evaluate(estimator, rows, labels=labels)
    codes = estimator.transform(rows)
    assert result["rows"] == 300
    assert result["mse"] == pytest.approx(estimator.reconstruction_error(rows).mean())
    assert result["trustworthiness"] == pytest.approx(trustworthiness(rows, codes))
    assert result["accuracy_10"] == pytest.approx(neighbor_accuracy(codes, labels, k=10))
    assert result["accuracy_5"] == pytest.approx(neighbor_accuracy(codes, labels, k=5))
    assert result["rows_per_second"] > 0
    assert "negative_elbo" not in result


def test_evaluate_reads_batches_and_labels_of_a_source(rows, monkeypatch):
    monkeypatch.setattr("latentmap.data.batching.BATCH_ROWS", 70)
    estimator, labels = Linear().fit(rows), (rows[:, 1] > 0).astype(int)
    expected = evaluate(estimator, rows, labels=labels)
    source = ArraySource(rows, labels=labels)
    sizes = []
    read_batches = source.batches
    monkeypatch.setattr(source, "batches", lambda size: sizes.append(size) or read_batches(size))
    result = evaluate(estimator, source)
    assert sizes == [70]
    del expected["rows_per_second"], result["rows_per_second"]
    assert result == pytest.approx(expected)


def test_evaluate_predicts_labels_from_reference_rows(rows):
    estimator, labels = Linear().fit(rows), (rows[:, 1] > 0).astype(int)
    codes = estimator.transform(rows)
    reference = {"reference": codes[:200], "reference_labels": labels[:200]}
    result = evaluate(estimator, rows[200:], labels=labels[200:], **reference)
    expected = neighbor_accuracy(codes[200:], labels[200:], codes[:200], labels[:200], k=5)
    assert result["accuracy_5"] == pytest.approx(expected)


def test_evaluate_returns_the_bound_of_a_variational_estimator(rows):
    estimator = Variational().fit(rows)
    assert evaluate(estimator, rows)["negative_elbo"] == pytest.approx(-estimator.score(rows))


def test_evaluate_leaves_out_metrics_for_few_rows(rows):
    estimator = Linear().fit(rows)
    assert set(evaluate(estimator, rows[:1], labels=[1])) == {"rows", "mse", "rows_per_second"}


def test_evaluate_does_not_score_measurements_as_classes(rows):
    result = evaluate(Linear().fit(rows), rows, labels=rows[:, 0].astype(str))
    assert "accuracy_5" not in result


@pytest.mark.parametrize(("gap", "classes"), [("", ["a", "b"]), (np.nan, [1.0, 2.0])])
def test_rows_without_a_label_are_not_scored(gap, classes):
    X = np.repeat([[0.0, 1, 0], [9.0, 1, 1]], 20, axis=0) + np.random.default_rng(0).random((40, 3))
    labels = np.repeat(np.array(classes), 20)
    labels[::4] = gap
    model = Linear().fit(X)
    assert evaluate(model, X, labels=labels)["accuracy_5"] == 1
    codes = model.transform(X)
    figures = evaluate(model, X, labels=labels, reference=codes, reference_labels=labels)
    assert figures["accuracy_10"] == 1
    assert "accuracy_5" not in evaluate(model, X, labels=np.full(40, gap))
