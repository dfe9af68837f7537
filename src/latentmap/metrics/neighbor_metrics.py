"""Accuracy of a nearest-neighbour classifier on codes."""

import math
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.code_checks import check_codes
from latentmap.errors import DataError
from latentmap.metrics.metric_inputs import check_length, check_width
from latentmap.metrics.neighbor_recall import MAX_TREE_WIDTH
from latentmap.number_checks import check_number


def neighbor_accuracy(
    codes: ArrayLike,
    labels: ArrayLike,
    reference: ArrayLike | None = None,
    reference_labels: ArrayLike | None = None,
    k: int = 10,
) -> float:
    """Compute the accuracy of a k-nearest-neighbour classifier on codes.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
    labels : array-like of shape (n,)
    reference : array-like of shape (m, n_components), optional
        Codes of labelled rows, such as the fitted rows. By default the other codes (leave one out).
    reference_labels : array-like of shape (m,), optional
        Labels of the reference codes.
    k : int
        Number of neighbours; at most as many as there are.

    Returns
    -------
    float
        From 0 to 1, or NaN if there are no neighbours. If labels are equally frequent, the first
        in sorted order is predicted.

    Raises
    ------
    SettingError
        If ``k`` is below 1.
    DataError
        If codes and labels differ in number, or codes and reference in the number of components.

    Examples
    --------
    >>> neighbor_accuracy([[0.1], [0.9]], ["a", "a"], [[0.0], [1.0]], ["a", "b"], k=1)
    0.5
    >>> neighbor_accuracy([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], k=1)
    1.0
    """
    from sklearn.neighbors import KNeighborsClassifier

    queries, labels = check_codes(codes), np.asarray(labels)
    check_length("labels", len(labels), len(queries))
    check_number("k", k, Integral, 1)
    points, point_labels, max_neighbors = queries, labels, len(queries) - 1
    if reference is not None:
        if reference_labels is None:
            raise DataError("reference_labels: expected a label for each reference row, found none")
        points = check_codes(reference, name="reference")
        point_labels = np.asarray(reference_labels)
        max_neighbors = len(points)
        check_length("reference_labels", point_labels.size, max_neighbors)
        check_width("codes", queries.shape[1], points.shape[1], "reference")
    if max_neighbors < 1:
        return math.nan
    names, classes = np.unique(point_labels, return_inverse=True)
    algorithm = "kd_tree" if points.shape[1] <= MAX_TREE_WIDTH else "brute"
    classifier = KNeighborsClassifier(min(k, max_neighbors), algorithm=algorithm)
    # Without queries, scikit-learn predicts each point from the others.
    predicted_classes = classifier.fit(points, classes).predict(
        None if reference is None else queries
    )
    return float(np.mean(names[predicted_classes] == labels))
