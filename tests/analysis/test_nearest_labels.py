from __future__ import annotations

import numpy as np

from latentmap.analysis.nearest_labels import NearestLabelClassifier, fit_classifier


def test_majority_decides_and_the_nearest_breaks_ties():
    points = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    classifier = NearestLabelClassifier(points, np.array([1, 1, 0, 0]), 4)
    labels, confidence = classifier.predict(np.array([[-1.0], [4.0]], np.float32))
    assert labels.tolist() == [1, 0]
    assert confidence.tolist() == [0.5, 0.5]
    labels, confidence = NearestLabelClassifier(points, np.array([1, 0, 1, 0]), 3).predict(
        np.array([[0.9]], np.float32)
    )
    assert labels.tolist() == [1]
    assert np.isclose(confidence[0], 2 / 3)


def test_codes_are_processed_in_blocks():
    points = np.array([[0.0], [9000.0]], np.float32)
    labels, _ = NearestLabelClassifier(points, np.array([0, 1]), 1).predict(
        np.arange(9000.0)[:, None]
    )
    assert (labels == (np.arange(9000) > 4500)).all()


def test_groups_are_numbered_by_size():
    sample = np.array([[0.0], [0.1], [5.0], [5.1], [5.2]])
    classifier, labels, confidence = fit_classifier(
        sample, np.array([7, 7, 3, 3, 3]), sample, False
    )
    assert labels.tolist() == [1, 1, 0, 0, 0]
    assert (classifier.labels == labels).all()
    assert confidence.shape == (5,)


def test_small_group_keeps_a_member():
    sample = np.linspace(0, 1, 21)[:, None]
    groups = np.where(np.arange(21) == 10, 1, 0)  # One code among others of another group.
    classifier, labels, _ = fit_classifier(sample, groups, sample, False)
    assert classifier.n_neighbors == 1
    assert labels.sum() == 1
