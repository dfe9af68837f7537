from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from latentmap import AutoEncoder, LatentMap
from latentmap.analysis import OutlierDetector, outlier_scores, score_outliers
from latentmap.analysis.outlier_scores import top_outliers
from latentmap.data import ArraySource
from latentmap.errors import DataError

FIGURES = ("scores", "error_scores", "distance_scores", "errors", "distances")


@pytest.fixture(scope="module")
def plane():
    """Return 500 rows near a plane in four dimensions, and their PCA."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 4)) * [10, 5, 0.1, 0.1]
    return rows, PCA(2).fit(rows)


def test_error_outlier_and_distance_outlier_rank_first(plane):
    rows, pca = plane
    outliers = np.array([[0, 0, 2, 0], [0, 60, 0, 0]], float)
    result = score_outliers(pca, np.concatenate([rows, outliers]), reference=rows)
    assert set(result.ranking[:2]) == {500, 501}
    assert result.error_scores[500] > 5 > 1 > result.distance_scores[500]
    assert result.distance_scores[501] > 1 > result.error_scores[501]
    assert result.top_features[500:].tolist() == [2, 1]


def test_errors_and_distances_match_their_definitions(plane):
    rows, pca = plane
    new = np.random.default_rng(1).normal(size=(40, 4)) * 10
    detector = OutlierDetector(pca, rows)
    result = detector.score(new)
    restored = pca.inverse_transform(pca.transform(new))
    assert result.errors == pytest.approx(((new - restored) ** 2).mean(axis=1), rel=1e-4)
    known_codes, codes = pca.transform(rows), pca.transform(new)
    distance = np.linalg.norm(codes[:, None] - known_codes, axis=2).min(axis=1)
    radii = np.linalg.norm(known_codes - np.median(known_codes, axis=0), axis=1)
    assert result.distances == pytest.approx(distance / np.median(radii), rel=1e-3, abs=1e-5)


def test_scores_are_calibrated_on_reference_rows(plane):
    _, pca = plane
    rng = np.random.default_rng(2)
    new = rng.normal(size=(50_000, 4)) * [10, 5, 0.1, 0.1]
    detector = OutlierDetector(pca, rng.normal(size=(10_000, 4)) * [10, 5, 0.1, 0.1])
    scores = detector.score(new).scores
    assert (scores > 1).mean() == pytest.approx(0.1, rel=0.15)
    assert (scores > 2).mean() == pytest.approx(0.01, rel=0.4)
    assert scores.min() >= 0


def test_reference_row_is_not_its_own_neighbour(plane):
    rows, pca = plane
    result = score_outliers(pca, rows)
    assert (result.distances > 0).all()
    codes = pca.transform(rows)
    distances = np.linalg.norm(codes[:, None] - codes, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.argmax(result.distances) == np.argmax(distances.min(axis=1))


def test_batch_size_does_not_change_scores(plane, monkeypatch):
    rows, pca = plane
    full = score_outliers(pca, rows)
    monkeypatch.setattr("latentmap.data.batching.BATCH_ROWS", 7)
    parts = score_outliers(pca, ArraySource(rows))
    for name in FIGURES:
        assert getattr(parts, name) == pytest.approx(getattr(full, name), rel=1e-3, abs=1e-4)


def test_reference_rows_are_sampled(plane, monkeypatch):
    rows, pca = plane
    monkeypatch.setattr(outlier_scores, "REFERENCE_ROWS", 100)
    detector = OutlierDetector(pca, rows, seed=3)
    assert detector.codes.shape == (100, 2)
    repeated = OutlierDetector(pca, rows, seed=3)
    assert np.array_equal(detector.score(rows).scores, repeated.score(rows).scores)
    assert not np.array_equal(detector.codes, OutlierDetector(pca, rows, seed=4).codes)


def test_expected_row_of_an_unusual_code_is_a_reference_row(plane):
    rows, pca = plane
    detector = OutlierDetector(pca, rows)
    expected = detector.expected([[0, 60, 0, 0], [0, 0, 2, 0]])
    nearest = np.linalg.norm(pca.transform(rows) - pca.transform([[0, 60, 0, 0]]), axis=1).argmin()
    assert expected[0] == pytest.approx(rows[nearest], abs=1)
    assert expected[1] == pytest.approx(
        pca.inverse_transform(pca.transform([[0, 0, 2, 0]]))[0], abs=1e-4
    )


def test_digit_that_was_not_fitted_scores_high():
    digits = load_digits()
    X, y = digits.images, digits.target
    fitted = X[:1200][y[:1200] != 0]
    model = AutoEncoder(8, epochs=30, random_state=0).fit(fitted)
    result = score_outliers(model, X[1200:], reference=fitted)
    area = roc_auc_score(y[1200:] == 0, result.scores)
    assert area > 0.9
    assert result.errors == pytest.approx(model.reconstruction_error(X[1200:]), rel=1e-3)


@pytest.mark.filterwarnings("ignore:X. most rows:latentmap.errors.DataWarning")
@pytest.mark.parametrize(
    "rows",
    [
        np.ones((1, 3)),
        np.ones((20, 3)),
        np.column_stack([np.arange(20.0), np.ones(20), np.zeros(20)]),
        np.array([[0.0, 0, 0], [1e30, 0, 0], [0, -1e30, 1e-30]]),
        np.array([[3e38, 0, 0], [-3e38, 0, 0]]),
    ],
)
def test_degenerate_data_have_finite_scores(rows):
    rng = np.random.default_rng(0)
    for model in (AutoEncoder(2, epochs=1, random_state=0), LatentMap(epochs=1, random_state=0)):
        model.fit(rng.normal(size=(60, 3)))
        for reference in (None, rng.normal(size=(30, 3))):
            result = score_outliers(model, rows, reference)
            assert all(np.isfinite(getattr(result, name)).all() for name in FIGURES)
            assert sorted(result.ranking) == list(range(len(rows)))


def test_equal_rows_score_zero(plane):
    result = score_outliers(plane[1], np.ones((30, 4)))
    assert result.scores.tolist() == [0] * 30
    assert result.ranking.tolist() == list(range(30))


@pytest.mark.parametrize(
    ("rows", "message"),
    [([[1.0, 2]], "has 2 features"), ([[1.0, np.nan, 0, 0]], "row 0"), (np.zeros((0, 4)), "none")],
)
def test_invalid_rows_raise(rows, message):
    model = AutoEncoder(2, epochs=1, random_state=0).fit(
        np.random.default_rng(0).normal(size=(60, 4))
    )
    with pytest.raises(DataError, match=message):
        score_outliers(model, rows)


def test_top_outliers_of_batches_match_the_ranking(plane, monkeypatch):
    monkeypatch.setattr("latentmap.data.batching.BATCH_ROWS", 17)
    rows, pca = plane
    detector = OutlierDetector(pca, rows)
    full = detector.score(rows)
    numbers, result = top_outliers(detector.score_batches(rows), 20)
    assert np.array_equal(numbers, full.ranking[:20])
    assert np.array_equal(result.errors, full.errors[numbers])
    assert np.array_equal(result.top_features, full.top_features[numbers])
    assert len(top_outliers(detector.score_batches(rows), 10**6)[0]) == len(rows)
