"""Figures of merit: how good the codes are, and the way back from them.

Everything here takes arrays (or a source) and a fitted estimator, so any estimator with
scikit-learn's methods can be measured, ours or another's. What costs the square of the number of
rows works on a random sample; the rest streams in batches, so memory does not grow with the rows.
"""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np

from latentmap.analysis.model_info import ModelInfo
from latentmap.data import Source, as_source, memory
from latentmap.data.batching import read_batches
from latentmap.errors import DataError, SettingError

__all__ = ["evaluate", "neighbor_accuracy", "trusted_rows", "trustworthiness"]

_VOTERS = (5, 10)
_KEPT = 100_000  # rows whose codes are kept, of more: neighbours are looked for among these
_QUERIES = 10_000  # rows whose neighbours are searched: brute force costs queries × rows
_SAMPLE_NUMBERS = 2**26  # of the rows that trustworthiness holds at once, as float32: 256 MB
_TRUST_PAIR = 24  # bytes of memory for each pair of rows whose trustworthiness is computed


def trustworthiness(X: Any, codes: Any, k: int = 10, limit: int = 5000, seed: int = 0) -> float:
    """Tell how far neighbours in code space are neighbours among the rows, too.

    Parameters
    ----------
    X : array-like of shape (n, ...), sparse matrix, or Source
        The rows.
    codes : array-like of shape (n, n_components)
        Their codes, in the same order.
    k : int
        Neighbours looked at; fewer where there are not more than 2 k rows.
    limit : int
        Of more rows than this, a random sample is taken: the cost is n² in time and memory.
    seed : int
        Chooses the sample.

    Returns
    -------
    float
        From 0 to 1, the greater the better; NaN for fewer than three rows. Random codes have about
        one half.

    Raises
    ------
    SettingError
        If ``k`` is below 1.
    DataError
        If there are not as many codes as rows.

    Notes
    -----
    T = 1 − 2 / (n k (2n − 3k − 1)) Σᵢ Σⱼ max(0, r(i, j) − k), the inner sum over the k nearest
    neighbours j of i in code space, r(i, j) the rank of j among the neighbours of row i. J. Venna
    and S. Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN 2001; computed
    by scikit-learn.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> trustworthiness(rows, rows * 2 + 1)
    1.0
    """
    from sklearn import manifold

    rows, codes = as_source(X), _matrix(codes)
    _check_pairs("codes", len(codes), len(rows))
    _check_count("k", k)
    chosen = _sample(len(rows), limit, seed)
    k = min(k, (len(chosen) - 1) // 2)
    if k < 1:
        return math.nan
    score = manifold.trustworthiness(_matrix(rows[chosen]), codes[chosen], n_neighbors=k)
    return float(score)


def neighbor_accuracy(
    codes: Any, labels: Any, among: Any = None, among_labels: Any = None, k: int = 10
) -> float:
    """Tell how often the k nearest codes, by majority, have a row's own label.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
    labels : array-like of shape (n,)
    among : array-like of shape (m, n_components), optional
        The codes that vote, those of the fitted rows. Without it every row is judged by the
        others (leave one out).
    among_labels : array-like of shape (m,), optional
        Their labels.
    k : int
        Voters; all of them where there are fewer.

    Returns
    -------
    float
        A share from 0 to 1. A tied vote goes to the label that sorts first. NaN where nobody can
        vote.

    Raises
    ------
    SettingError
        If ``k`` is below 1.
    DataError
        If codes and labels differ in number, or the two kinds of code in width.

    Examples
    --------
    >>> neighbor_accuracy([[0.1], [0.9]], ["a", "a"], [[0.0], [1.0]], ["a", "b"], k=1)
    0.5
    >>> neighbor_accuracy([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], k=1)
    1.0
    """
    codes, labels = _matrix(codes), np.asarray(labels)
    _check_pairs("labels", len(labels), len(codes))
    _check_count("k", k)
    if among is None:
        voters, votes = _others(codes, k), labels
    elif among_labels is None:
        raise DataError("among_labels: expected a label for every row of among, found none")
    else:
        voters, votes = _neighbors(codes, _matrix(among), k), np.asarray(among_labels)
        _check_pairs("among_labels", votes.size, len(among))
    if voters.shape[1] == 0:
        return math.nan
    return float(np.mean(_majority(votes, voters) == labels))


def evaluate(
    estimator: Any,
    unseen: Source | Any,
    *,
    labels: Any = None,
    among: Any = None,
    among_labels: Any = None,
    seed: int = 0,
) -> dict[str, float]:
    """Measure a fitted estimator on rows, best on rows that it has not been fitted on.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``reconstruction_error``.
    unseen : Source, sparse matrix or array-like of shape (n, ...)
    labels : array-like of shape (n,), optional
        Those of the source where it has some. Labels that mostly differ from row to row, as
        measured values do, are not scored.
    among : array-like of shape (m, n_components), optional
        The fitted rows' codes, which vote on the labels. Without it, the unseen rows judge each
        other (leave one out).
    among_labels : array-like of shape (m,), optional
    seed : int
        Chooses the samples: 100,000 rows whose codes are kept where there are more, of these
        5,000 for trustworthiness and 10,000 for accuracy.

    Returns
    -------
    dict of str to float
        ``rows``; ``mse``, the mean squared error of the scaled rows; ``trustworthiness`` (k = 10);
        with labels ``accuracy_5`` and ``accuracy_10``, see `neighbor_accuracy`; with a variational
        estimator ``negative_elbo``, in nats a row (minus its ``score``); ``rows_per_second`` of
        ``transform``, without reading.
        A figure for which there are too few rows is left out.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> pca = PCA(2).fit(X)
    >>> def error(X):
    ...     return ((pca.inverse_transform(pca.transform(X)) - X) ** 2).mean(axis=1)
    >>> pca.reconstruction_error = error
    >>> sorted(evaluate(pca, X))
    ['mse', 'rows', 'rows_per_second', 'trustworthiness']
    """
    source = as_source(unseen)
    labels = source.labels if labels is None else np.asarray(labels)
    if labels is not None:
        _check_pairs("labels", len(labels), len(source))
    with warnings.catch_warnings():
        # Rows come as arrays: a source has compared the columns' names already, if it has any.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        kept = _sample(len(source), _KEPT, seed)
        codes, figures = _streamed(estimator, source, kept)
    if len(kept) < len(source):
        source, labels = source.subset(kept), None if labels is None else labels[kept]
    figures["trustworthiness"] = _trust(source, codes, seed)
    if labels is not None and _are_classes(labels if among_labels is None else among_labels):
        figures |= _accuracies(codes, labels, among, among_labels, seed)
    figures["rows_per_second"] = figures.pop("rows_per_second")  # last: it judges the machine, too
    return {key: value for key, value in figures.items() if not math.isnan(value)}


def _streamed(
    estimator: Any, source: Source, kept: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """Read every row once, take from it all that needs no other row, and keep some rows' codes."""
    codes: list[np.ndarray] = []
    spent, sums = 0.0, {"mse": 0.0}
    measures = {"mse": lambda rows: float(np.mean(estimator.reconstruction_error(rows)))}
    if ModelInfo.from_estimator(estimator).is_variational:
        measures["negative_elbo"] = lambda rows: -float(estimator.score(rows))
        sums["negative_elbo"] = 0.0
    for where, rows in read_batches(source):
        if not codes:
            estimator.transform(rows[:1])  # what is compiled on first use is no speed of rows
        start = time.perf_counter()
        found = _matrix(estimator.transform(rows))
        spent += time.perf_counter() - start
        here = slice(*np.searchsorted(kept, [where.start, where.stop]))
        codes.append(found[kept[here] - where.start])
        for name, measure in measures.items():
            sums[name] += measure(rows) * len(rows)
    means = {name: total / len(source) for name, total in sums.items()}
    speed = len(source) / max(spent, 1e-9)
    return np.concatenate(codes), {"rows": len(source), **means, "rows_per_second": speed}


def _trust(source: Source, codes: np.ndarray, seed: int) -> float:
    chosen = _sample(len(source), trusted_rows(math.prod(source.row_shape), len(source)), seed)
    return trustworthiness(source[chosen], codes[chosen])


def trusted_rows(width: int, rows: int) -> int:
    """Tell how many of so many rows of so many numbers trustworthiness looks at.

    Examples
    --------
    >>> trusted_rows(784, 10_000), trusted_rows(2**24, 10_000), trusted_rows(2, 100)
    (5000, 4, 100)
    """
    pairs = memory.BUDGET.trustworthiness.max_bytes() // _TRUST_PAIR
    return min(rows, math.isqrt(pairs), max(_SAMPLE_NUMBERS // width, 3))


def _accuracies(
    codes: np.ndarray, labels: np.ndarray, among: Any, among_labels: Any, seed: int
) -> dict[str, float]:
    chosen = _sample(len(codes), _QUERIES, seed)
    pairs = (codes[chosen], labels[chosen], among, among_labels)
    return {f"accuracy_{k}": neighbor_accuracy(*pairs, k=k) for k in _VOTERS}


def _are_classes(labels: Any) -> bool:
    return 1 < len(np.unique(labels)) <= len(labels) / 2


def _others(codes: np.ndarray, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=min(k, len(codes) - 1), algorithm="brute")
    if len(codes) < 2:
        return np.empty((len(codes), 0), dtype=int)
    return search.fit(codes).kneighbors(return_distance=False)


def _neighbors(codes: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    if codes.shape[1] != among.shape[1]:
        expected, found = among.shape[1], codes.shape[1]
        raise DataError(f"codes: expected the {expected} numbers of among, found {found}")
    search = NearestNeighbors(n_neighbors=min(k, len(among)), algorithm="brute")
    return search.fit(among).kneighbors(codes, return_distance=False)


def _majority(labels: np.ndarray, voters: np.ndarray) -> np.ndarray:
    names, numbers = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(voters), len(names)), dtype=np.int32)
    np.add.at(counts, (np.arange(len(voters))[:, None], numbers[voters]), 1)
    return names[counts.argmax(axis=1)]


def _sample(count: int, limit: int, seed: int) -> np.ndarray:
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def _matrix(rows: Any) -> np.ndarray:
    """Flatten rows to (n, d) float32, which halves what the distances take."""
    array = np.asarray(rows)
    return array.reshape(len(array), -1).astype(np.float32, copy=False)


def _check_pairs(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise DataError(f"{what}: expected {expected}, one for every row, found {found}")


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise SettingError(f"{name}: expected at least 1, found {value}")
