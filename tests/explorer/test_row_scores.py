from __future__ import annotations

import threading

import numpy as np
import pytest

from latentmap import analysis
from latentmap.explorer.row_scores import RowScores


@pytest.fixture
def fresh(map_scene):
    scene = map_scene
    return RowScores(scene.estimator, scene.rows, scene.codes, scene.decoder.decode)


def test_figures_are_those_of_the_estimator_and_of_codes(fresh, map_scene, digits):
    model = map_scene.estimator
    np.testing.assert_allclose(fresh["error"], model.reconstruction_error(digits), rtol=1e-3)
    np.testing.assert_allclose(fresh["confidence"], model.confidence(digits), rtol=1e-3)
    assert fresh["cluster"].tolist() == analysis.cluster(map_scene.codes).labels.tolist()
    found = analysis.score_outliers(model, digits)
    np.testing.assert_allclose(fresh["outlier score"], found.scores, rtol=1e-3)


def test_nothing_is_computed_before_it_is_asked_for_nor_twice(fresh):
    assert not any(fresh.is_computed(name) for name in fresh.names)
    assert fresh["cluster"] is fresh["cluster"]
    assert [name for name in fresh.names if fresh.is_computed(name)] == ["cluster"]


def test_who_asks_meanwhile_gets_the_same_answer(fresh):
    found = []
    threads = [threading.Thread(target=lambda: found.append(fresh["error"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(one is found[0] for one in found)


def test_of_a_few_rows_what_is_quick_is_told(fresh, map_scene, digits):
    model, told = map_scene.estimator, fresh.of_rows([7, 3])
    assert set(told) == {"confidence", "error"}
    some = digits.subset([7, 3])
    np.testing.assert_allclose(told["error"], model.reconstruction_error(some), rtol=1e-3)
    np.testing.assert_allclose(told["confidence"], model.confidence(some), rtol=1e-3)
    fresh["cluster"], fresh["error"], fresh["confidence"]
    again = fresh.of_rows([7, 3])
    assert again["cluster"].tolist() == fresh["cluster"][[7, 3]].tolist()
    np.testing.assert_allclose(again["error"], told["error"], rtol=1e-3)


def test_an_autoencoder_has_no_confidence(wide_scene):
    assert wide_scene.scores.names == ("cluster", "error", "outlier score")
    assert set(wide_scene.scores.of_rows([0])) >= {"error"}
