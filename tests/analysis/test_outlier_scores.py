from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from latentmap import AutoEncoder, LatentMap
from latentmap.analysis import Usual, outlier_scores, outliers
from latentmap.analysis.outlier_scores import worst
from latentmap.data import ArraySource
from latentmap.errors import DataError

FIGURES = ("scores", "error_parts", "rarity_parts", "errors", "rarities")


@pytest.fixture(scope="module")
def plane():
    """500 rows on a plane in four dimensions, nearly, and its PCA."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 4)) * [10, 5, 0.1, 0.1]
    return rows, PCA(2).fit(rows)


def test_a_row_off_the_plane_and_one_far_out_on_it_are_both_found(plane):
    rows, pca = plane
    odd = np.array([[0, 0, 2, 0], [0, 60, 0, 0]], float)
    found = outliers(pca, np.concatenate([rows, odd]), among=rows)
    assert set(found.ranking[:2]) == {500, 501}
    assert found.error_parts[500] > 5 > 1 > found.rarity_parts[500]
    assert found.rarity_parts[501] > 1 > found.error_parts[501]
    assert found.blamed[500:].tolist() == [2, 1]


def test_errors_and_rarities_are_what_they_are_called(plane):
    rows, pca = plane
    new = np.random.default_rng(1).normal(size=(40, 4)) * 10
    usual = Usual(pca, rows)
    found = usual.judge(new)
    back = pca.inverse_transform(pca.transform(new))
    assert found.errors == pytest.approx(((new - back) ** 2).mean(axis=1), rel=1e-4)
    known, codes = pca.transform(rows), pca.transform(new)
    distance = np.linalg.norm(codes[:, None] - known, axis=2).min(axis=1)
    radii = np.linalg.norm(known - np.median(known, axis=0), axis=1)
    assert found.rarities == pytest.approx(distance / np.median(radii), rel=1e-3, abs=1e-5)


def test_scores_are_calibrated_on_usual_rows(plane):
    _, pca = plane
    rng = np.random.default_rng(2)
    new = rng.normal(size=(50_000, 4)) * [10, 5, 0.1, 0.1]
    usual = Usual(pca, rng.normal(size=(10_000, 4)) * [10, 5, 0.1, 0.1])
    scores = usual.judge(new).scores
    assert (scores > 1).mean() == pytest.approx(0.1, rel=0.15)
    assert (scores > 2).mean() == pytest.approx(0.01, rel=0.4)
    assert scores.min() >= 0


def test_a_usual_row_is_not_its_own_neighbour(plane):
    rows, pca = plane
    found = outliers(pca, rows)
    assert (found.rarities > 0).all()
    codes = pca.transform(rows)
    distances = np.linalg.norm(codes[:, None] - codes, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.argmax(found.rarities) == np.argmax(distances.min(axis=1))


def test_batches_and_their_size_change_nothing(plane, monkeypatch):
    rows, pca = plane
    whole = outliers(pca, rows)
    monkeypatch.setattr(outlier_scores, "BATCH_ROWS", 7)
    parts = outliers(pca, ArraySource(rows))
    for name in FIGURES:
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-3, abs=1e-4)


def test_of_many_usual_rows_a_sample_is_kept(plane, monkeypatch):
    rows, pca = plane
    monkeypatch.setattr(outlier_scores, "USUAL_ROWS", 100)
    usual = Usual(pca, rows, seed=3)
    assert usual.codes.shape == (100, 2)
    again = Usual(pca, rows, seed=3)
    assert np.array_equal(usual.judge(rows).scores, again.judge(rows).scores)
    assert not np.array_equal(usual.codes, Usual(pca, rows, seed=4).codes)


def test_what_is_expected_of_a_rare_code_is_a_usual_row(plane):
    rows, pca = plane
    usual = Usual(pca, rows)
    expected = usual.expected([[0, 60, 0, 0], [0, 0, 2, 0]])
    nearest = np.linalg.norm(pca.transform(rows) - pca.transform([[0, 60, 0, 0]]), axis=1).argmin()
    assert expected[0] == pytest.approx(rows[nearest], abs=1)
    assert expected[1] == pytest.approx(
        pca.inverse_transform(pca.transform([[0, 0, 2, 0]]))[0], abs=1e-4
    )


def test_a_digit_left_out_is_found():
    digits = load_digits()
    X, y = digits.images, digits.target
    fitted = X[:1200][y[:1200] != 0]
    model = AutoEncoder(8, epochs=30, random_state=0).fit(fitted)
    found = outliers(model, X[1200:], among=fitted)
    area = roc_auc_score(y[1200:] == 0, found.scores)
    assert area > 0.9
    assert found.errors == pytest.approx(model.reconstruction_error(X[1200:]), rel=1e-3)


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
def test_odd_data_have_finite_scores(rows):
    rng = np.random.default_rng(0)
    for model in (AutoEncoder(2, epochs=1, random_state=0), LatentMap(epochs=1, random_state=0)):
        model.fit(rng.normal(size=(60, 3)))
        for among in (None, rng.normal(size=(30, 3))):
            found = outliers(model, rows, among)
            assert all(np.isfinite(getattr(found, name)).all() for name in FIGURES)
            assert sorted(found.ranking) == list(range(len(rows)))


def test_equal_rows_are_all_as_usual(plane):
    found = outliers(plane[1], np.ones((30, 4)))
    assert found.scores.tolist() == [0] * 30
    assert found.ranking.tolist() == list(range(30))


@pytest.mark.parametrize(
    ("rows", "words"),
    [([[1.0, 2]], "has 2 features"), ([[1.0, np.nan, 0, 0]], "row 0"), (np.zeros((0, 4)), "none")],
)
def test_nonsense_is_refused(rows, words):
    model = AutoEncoder(2, epochs=1, random_state=0).fit(
        np.random.default_rng(0).normal(size=(60, 4))
    )
    with pytest.raises(DataError, match=words):
        outliers(model, rows)


def test_the_worst_of_many_are_found_as_they_pass(plane, monkeypatch):
    monkeypatch.setattr("latentmap.analysis.outlier_scores.BATCH_ROWS", 17)
    rows, pca = plane
    usual = Usual(pca, rows)
    whole = usual.judge(rows)
    numbers, found = worst(usual.judged(rows), 20)
    assert np.array_equal(numbers, whole.ranking[:20])
    assert np.array_equal(found.errors, whole.errors[numbers])
    assert np.array_equal(found.blamed, whole.blamed[numbers])
    assert len(worst(usual.judged(rows), 10**6)[0]) == len(rows)
