from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.data import ArraySource
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
