from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.data import ArraySource
from latentmap.data.memory import ENGINE_BYTES, memory_limit
from latentmap.errors import DataError
from latentmap.metrics import (
    centroid_rank_correlation,
    continuity,
    distance_rank_correlation,
    evaluate,
    neighbor_accuracy,
    neighbor_recall,
    random_triplet_accuracy,
    trustworthiness,
)
from latentmap.metrics.direction_rows import DirectionRows


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
    assert result["continuity"] == pytest.approx(continuity(rows, codes))
    assert result["random_triplet_accuracy"] == random_triplet_accuracy(rows, codes)
    assert result["distance_rank_correlation"] == distance_rank_correlation(rows, codes)
    assert result["recall_10"] == pytest.approx(neighbor_recall(rows, codes, k=10))
    assert result["recall_50"] == pytest.approx(neighbor_recall(rows, codes, k=50))
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


def test_evaluate_returns_local_then_global_then_reconstruction_metrics(rows):
    labels = np.arange(300) % 3
    assert list(evaluate(Variational().fit(rows), rows, labels=labels)) == [
        "rows",
        *("accuracy_5", "accuracy_10", "recall_10", "recall_50", "trustworthiness", "continuity"),
        *("random_triplet_accuracy", "distance_rank_correlation", "centroid_rank_correlation"),
        *("mse", "negative_elbo", "rows_per_second"),
    ]


def test_centroids_of_classes_only(rows):
    estimator, codes = Linear().fit(rows), Linear().fit(rows).transform(rows)
    labels = np.floor(rows[:, 0]).astype(int)
    expected = centroid_rank_correlation(rows, codes, labels)
    assert evaluate(estimator, rows, labels=labels)["centroid_rank_correlation"] == expected
    assert "centroid_rank_correlation" not in evaluate(estimator, rows, labels=rows[:, 0])
    assert "centroid_rank_correlation" not in evaluate(estimator, rows)


@pytest.mark.parametrize("given", ["rows", "rows and codes"])
def test_recall_among_reference_rows(rows, given):
    estimator, labels = Linear().fit(rows), (rows[:, 1] > 0).astype(int)
    codes = estimator.transform(rows)
    source = ArraySource(rows[:200], labels=labels[:200])
    reference = {"reference_rows": source, "reference": codes[:200]}
    if given == "rows":
        del reference["reference"]
    result = evaluate(estimator, rows[200:], labels=labels[200:], **reference)
    for k in (10, 50):
        expected = neighbor_recall(rows[200:], codes[200:], rows[:200], codes[:200], k=k)
        assert result[f"recall_{k}"] == pytest.approx(expected)
        assert expected != neighbor_recall(rows[200:], codes[200:], k=k)
    expected = neighbor_accuracy(codes[200:], labels[200:], codes[:200], labels[:200], k=5)
    assert result["accuracy_5"] == pytest.approx(expected)


def test_many_reference_rows_are_sampled_with_their_labels(rows, monkeypatch):
    monkeypatch.setattr("latentmap.metrics.estimator_metrics.MAX_CODES", 200)
    estimator = Linear().fit(rows)
    labels = (estimator.transform(rows)[:, 0] > 0).astype(int)
    result = evaluate(
        estimator, rows[:150], labels=labels[:150], reference_rows=rows, reference_labels=labels
    )
    assert result["accuracy_5"] > 0.9
    assert 0.15 < result["recall_10"] < 1  # 0.05 if codes and rows were mismatched


def test_time_limits_the_searched_rows(rows, monkeypatch):
    calls = []

    def count_rows(points, other, k):
        calls.append((len(points), None if other is None else len(other)))
        return np.tile(np.arange(k), (len(points), 1))

    monkeypatch.setattr("latentmap.metrics.sample_metrics.nearest_rows", count_rows)
    monkeypatch.setattr("latentmap.metrics.sample_metrics.MAX_PRODUCTS", 6 * 100**2)
    monkeypatch.setattr("latentmap.metrics.sample_metrics.MIN_QUERIES", 30)
    estimator = Linear().fit(rows)
    evaluate(estimator, rows)
    evaluate(estimator, rows, reference_rows=rows)
    evaluate(estimator, rows[:80], reference_rows=rows[:200])
    assert calls == [(100, None)] * 2 + [(33, 300)] * 2 + [(50, 200)] * 2


def test_memory_limits_the_searched_rows(rows):
    estimator = Linear().fit(rows)
    with memory_limit(ENGINE_BYTES + 1000):
        few_rows = evaluate(estimator, rows, reference_rows=rows)
    assert "recall_10" not in few_rows
    with memory_limit(ENGINE_BYTES + 100_000):
        assert "recall_10" in evaluate(estimator, rows, reference_rows=rows)


def test_reference_rows_are_checked(rows):
    estimator = Linear().fit(rows)
    with pytest.raises(DataError, match=r"^reference: expected 300, .* found 10"):
        evaluate(estimator, rows, reference_rows=rows, reference=rows[:10, :2])
    with pytest.raises(DataError, match=r"^reference_labels: expected 300"):
        evaluate(estimator, rows, reference_rows=rows, reference_labels=[1])


class Angles:
    """Estimator whose code is the angle of a row with two numbers in its own plane."""

    row_shape_ = (2,)

    def __init__(self, metric):
        self.metric = metric

    def transform(self, X):
        return np.arctan2(X[:, 1], X[:, 0])[:, None]

    def reconstruction_error(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize("with_reference", [False, True])
def test_rows_are_compared_by_the_metric_of_the_estimator(with_reference):
    """The neighbours of a row by the cosine are those with a similar angle, of any length."""
    rng = np.random.default_rng(0)
    angles, lengths = rng.uniform(0, 3, 400), np.exp(2 * rng.normal(size=400))
    rows = lengths[:, None] * np.c_[np.cos(angles), np.sin(angles)]
    reference = rows[200:] if with_reference else None
    by_cosine, by_distance = (
        evaluate(Angles(metric), rows[:200], reference_rows=reference)
        for metric in ("cosine", "euclidean")
    )
    for name, limit in {"recall_10": 0.7, "trustworthiness": 0.95, "continuity": 0.95}.items():
        assert by_cosine[name] > 0.999
        assert by_distance[name] < limit


def test_correlation_ignores_the_mean_of_a_row():
    rows = ArraySource(np.array([[1.0, 2.0, 4.0], [11.0, 12.0, 14.0], [5.0, 5.0, 5.0]]))
    directions = DirectionRows(rows, "correlation", np.array([1.0]))
    assert directions[0] == pytest.approx(directions[1], abs=1e-6)
    assert directions[2].tolist() == [0, 0, 0]
    assert np.linalg.norm(directions[0]) == pytest.approx(1)
    assert directions[:2] @ directions[:2].T == pytest.approx(np.ones((2, 2)))
