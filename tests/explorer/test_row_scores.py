from __future__ import annotations

import threading

import numpy as np
import pytest

from latentmap import analysis
from latentmap.explorer.row_scores import RowScores
from latentmap.metrics import neighbor_recall_per_row


@pytest.fixture
def row_scores(map_scene):
    scene = map_scene
    return RowScores(scene.estimator, scene.rows, scene.codes, scene.decoder.decode)


def test_scores_equal_those_of_estimator_and_analysis(row_scores, map_scene, digits):
    model = map_scene.estimator
    np.testing.assert_allclose(row_scores["error"], model.reconstruction_error(digits), rtol=1e-3)
    np.testing.assert_allclose(row_scores["confidence"], model.confidence(digits), rtol=1e-3)
    assert row_scores["cluster"].tolist() == analysis.cluster(map_scene.codes).labels.tolist()
    recalls = neighbor_recall_per_row(digits, map_scene.codes)
    np.testing.assert_allclose(row_scores["neighbour recall"], recalls)
    results = analysis.score_outliers(model, digits)
    np.testing.assert_allclose(row_scores["outlier score"], results.scores, rtol=1e-3)


def test_scores_are_computed_once_on_request(row_scores):
    assert not any(row_scores.is_computed(name) for name in row_scores.names)
    assert row_scores["cluster"] is row_scores["cluster"]
    assert [name for name in row_scores.names if row_scores.is_computed(name)] == ["cluster"]


def test_concurrent_requests_share_one_computation(row_scores):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(row_scores["error"])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(one is results[0] for one in results)


def test_scores_of_some_rows(row_scores, map_scene, digits):
    model, scores = map_scene.estimator, row_scores.of_rows([7, 3])
    assert set(scores) == {"confidence", "error"}
    sample = digits.subset([7, 3])
    np.testing.assert_allclose(scores["error"], model.reconstruction_error(sample), rtol=1e-3)
    np.testing.assert_allclose(scores["confidence"], model.confidence(sample), rtol=1e-3)
    row_scores["cluster"], row_scores["error"], row_scores["confidence"]
    second = row_scores.of_rows([7, 3])
    assert second["cluster"].tolist() == row_scores["cluster"][[7, 3]].tolist()
    np.testing.assert_allclose(second["error"], scores["error"], rtol=1e-3)


def test_an_autoencoder_has_no_confidence(wide_scene):
    assert wide_scene.scores.names == ("cluster", "error", "neighbour recall", "outlier score")
    assert set(wide_scene.scores.of_rows([0])) >= {"error"}
