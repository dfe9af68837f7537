"""Outlier scores from reconstruction errors and from distances between codes.

Each measure alone misses outliers. A flexible model reconstructs unusual rows well, but their codes
are far from all other codes. Another row may have a usual code and values that no code can
represent. Both are therefore measured on reference rows, converted to tail probabilities, and
combined. Only the codes and errors of a sample of reference rows are stored; all other rows are
processed in batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from latentmap.analysis.attribution import scaled_difference
from latentmap.analysis.encoding import (
    encode_batch,
    mean_squared_errors,
    numeric_model,
    numeric_rows,
    sum_by_column,
)
from latentmap.analysis.model_info import FittedEstimator, fitted_table
from latentmap.analysis.tail_probability import TailDistribution, finite_logs
from latentmap.data import Source
from latentmap.data.batching import read_batches
from latentmap.data.types import DataLike
from latentmap.errors import DataError
from latentmap.number_checks import check_seed
from latentmap.preprocessing.neighbors import NeighborIndex

REFERENCE_ROWS = 10_000
# A reference code at a smaller standardised distance is the row's own code.
MAX_SAME_CODE_DISTANCE = 1e-6
# Standardised codes are clipped here, so that squared distances do not overflow.
MAX_COORDINATE = 1e15


@dataclass(frozen=True)
class OutlierScores:
    """Outlier scores of n rows; every attribute is an array of shape (n,).

    Attributes
    ----------
    scores : ndarray
        −log₁₀ of the share of reference rows that are at least as unusual, from 0: a score of 3
        corresponds to one in 1,000 reference rows.
    error_scores, distance_scores : ndarray
        Scores of the reconstruction error alone, and of the distance between codes alone.
    errors : ndarray
        Mean squared error of the scaled row, as the estimator's ``reconstruction_error``.
    distances : ndarray
        Distance of the row's code to the nearest other reference code, in units of the median
        distance of the reference codes to their median.
    top_features : ndarray of int
        Index of the feature with the largest difference from `OutlierDetector.expected`.
    """

    scores: np.ndarray
    error_scores: np.ndarray
    distance_scores: np.ndarray
    errors: np.ndarray
    distances: np.ndarray
    top_features: np.ndarray

    @property
    def ranking(self) -> np.ndarray:
        """Row numbers by descending score; ties keep the order of the rows."""
        return np.argsort(-self.scores, kind="stable")

    @classmethod
    def concatenate(cls, parts: Sequence[OutlierScores]) -> Self:
        """Return the scores of several batches of rows as one object."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def select(self, rows: np.ndarray) -> OutlierScores:
        """Return the scores of the rows with these numbers."""
        return OutlierScores(*(getattr(self, field.name)[rows] for field in fields(self)))


class OutlierDetector:
    """Outlier detector that compares rows with reference rows.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``.
    reference : Source, sparse matrix, data frame or array-like of shape (m, ...)
        Rows without outliers, such as the fitted rows. A sample of at most 10,000 is used.
    seed : int
        Random seed of the sample.
    verbose : bool
        Show a progress bar.

    Raises
    ------
    DataError
        If the rows do not match the fitted rows.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> rows = np.random.default_rng(0).normal(size=(500, 3)) * [9, 3, 1]
    >>> detector = OutlierDetector(PCA(2).fit(rows), rows)
    >>> result = detector.score([[0, 0, 0], [0, 0, 8], [90, 0, 0]])
    >>> result.ranking.tolist()[-1], result.top_features.tolist()[1:]
    (0, [2, 0])
    >>> bool(detector.expected([[90, 0, 0]])[0, 0] < 40)
    True
    """

    def __init__(
        self, estimator: FittedEstimator, reference: DataLike, seed: int = 0, verbose: bool = False
    ) -> None:
        check_seed(seed)
        self.estimator = estimator
        self._model = numeric_model(estimator)
        sample = numeric_rows(estimator, reference).sample(REFERENCE_ROWS, seed)
        text = f"Measuring {len(sample):,} reference rows"
        parts = [
            self._reconstruct(sample, rows)[::2]
            for _, rows in read_batches(sample, task=text, verbose=verbose)
        ]
        self.codes, errors = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        self._center = np.median(self.codes.astype(np.float64), axis=0)
        radii = np.linalg.norm(self.codes - self._center, axis=1)
        self._radius = float(np.median(radii) or radii.mean()) or 1.0
        self._points = self._standardize(self.codes)
        self._index = NeighborIndex(self._points, seed)
        distances, _ = self._nearest_reference(self.codes)
        self._error_tail = TailDistribution(finite_logs(errors))
        self._distance_tail = TailDistribution(finite_logs(distances))
        # With more components, outliers differ less in the error and more in the code.
        self._weight = max(1.0, np.log2(self.codes.shape[1]))
        self._tail = TailDistribution(self._combine(self._surprisals(errors, distances)))

    def score(self, X: DataLike, verbose: bool = False) -> OutlierScores:
        """Return the `OutlierScores` of rows, which are read in batches."""
        return OutlierScores.concatenate(list(self.score_batches(X, verbose)))

    def score_batches(self, X: DataLike, verbose: bool = False) -> Iterator[OutlierScores]:
        """Yield the outlier scores of rows batch by batch, if they do not fit in memory."""
        source = numeric_rows(self.estimator, X)
        text = f"Scoring {len(source):,} rows"
        for _, rows in read_batches(source, task=text, verbose=verbose):
            yield self._score_batch(source, rows)[0]

    def expected(self, X: DataLike) -> np.ndarray:
        """Return the rows that the model expects instead of X, in the shape and units of X.

        This is the reconstruction. If a row's code is more unusual than its error, it is the
        reconstruction of the nearest reference code, because the row's own code would reproduce
        what is unusual about it. All rows are read into memory.
        """
        source = numeric_rows(self.estimator, X)
        rows = source[:]
        source.check(rows, 0)
        expected = self._score_batch(source, rows)[1].reshape(rows.shape)
        table = fitted_table(self.estimator)
        return expected if table is None else table.decode(expected)

    def _score_batch(self, source: Source, rows: np.ndarray) -> tuple[OutlierScores, np.ndarray]:
        """Return the scores of a batch, and the rows that the model expects instead."""
        codes, expected, errors = self._reconstruct(source, rows)
        distances, nearest = self._nearest_reference(codes)
        surprisals = self._surprisals(errors, distances)
        has_unusual_code = surprisals[1] > surprisals[0]
        if has_unusual_code.any():
            replacements = self._model.inverse_transform(self.codes[nearest[has_unusual_code]])
            expected[has_unusual_code] = replacements
        difference = self._difference(rows, expected)
        combined_surprisal = self._tail.surprisal(self._combine(surprisals))
        scores = [values / np.log(10) for values in (combined_surprisal, *surprisals)]
        top_features = np.abs(difference).argmax(axis=1)
        arrays = [*scores, errors, distances, top_features]
        return OutlierScores(*arrays), expected

    def _reconstruct(self, source: Source, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return codes, reconstructions and reconstruction errors of a batch."""
        codes = np.nan_to_num(encode_batch(self._model, rows, source))
        reconstructions = np.array(self._model.inverse_transform(codes))
        difference = self._difference(rows, reconstructions)
        return codes, reconstructions, mean_squared_errors(source, rows, difference)

    def _difference(self, rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
        difference = scaled_difference(self.estimator, rows, expected)
        return sum_by_column(self.estimator, difference)

    def _surprisals(self, errors: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """Return the surprisals of errors and of distances, shape (2, n)."""
        tails = (self._error_tail, errors), (self._distance_tail, distances)
        return np.stack([tail.surprisal(finite_logs(values)) for tail, values in tails])

    def _combine(self, surprisals: np.ndarray) -> np.ndarray:
        return surprisals[0] + self._weight * surprisals[1]

    def _nearest_reference(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distance to the nearest code of another reference row, and its index."""
        points = self._standardize(codes)
        neighbors = self._index.search(points, min(2, len(self._points)))
        is_same_code = self._distances(points, neighbors[:, 0]) < MAX_SAME_CODE_DISTANCE
        nearest = np.where(is_same_code, neighbors[:, -1], neighbors[:, 0])
        return self._distances(points, nearest), nearest

    def _standardize(self, codes: np.ndarray) -> np.ndarray:
        """Center codes on the reference median and divide them by the median radius."""
        points = (codes.astype(np.float64) - self._center) / self._radius
        return np.clip(points, -MAX_COORDINATE, MAX_COORDINATE).astype(np.float32)

    def _distances(self, points: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points - self._points[numbers], axis=1)


def score_outliers(
    estimator: FittedEstimator,
    X: DataLike,
    reference: DataLike | None = None,
    seed: int = 0,
    verbose: bool = False,
) -> OutlierScores:
    """Score how unusual each row is, by its reconstruction error and by its code.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``.
    X : Source, sparse matrix, data frame or array-like of shape (n, ...)
        Rows to score. They are read in batches.
    reference : Source, sparse matrix, data frame or array-like of shape (m, ...), optional
        Rows without outliers, such as the fitted rows. By default X itself, which finds a few
        outliers among many rows, but not a large group of similar outliers.
    seed : int
        Random seed of the sample of 10,000 reference rows.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    OutlierScores

    Raises
    ------
    DataError
        If the rows do not match the fitted rows.

    Notes
    -----
    The error e of a row is the mean squared error of its scaled values. The distance d of its code
    is the distance to the nearest reference code other than its own (S. Ramaswamy, R. Rastogi,
    K. Shim, "Efficient algorithms for mining outliers from large data sets", SIGMOD 2000). Each is
    converted to the share p of reference rows with at least the same value (`TailDistribution`).
    The logarithms are added (R. A. Fisher, "Statistical Methods for Research Workers", 1925) with
    weights (I. J. Good, "On the weighted combination of significance tests", JRSS B 17, 1955):
    T = −ln p(e) − w ln p(d), with w = max(1, log₂ n_components), because codes with few components
    are never far from all others, while models with many components also reconstruct rows unlike
    those they were fitted to. The score is −log₁₀ of the share of reference rows with at least the
    same T, so no independence is assumed.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> rows = np.random.default_rng(0).normal(size=(500, 3)) * [9, 3, 1]
    >>> rows[7] = [0, 0, 9]
    >>> result = score_outliers(PCA(2).fit(rows), rows)
    >>> result.ranking.tolist()[0], result.top_features.tolist()[7]
    (7, 2)
    """
    reference = X if reference is None else reference
    return OutlierDetector(estimator, reference, seed, verbose).score(X, verbose)


def top_outliers(parts: Iterable[OutlierScores], count: int) -> tuple[np.ndarray, OutlierScores]:
    """Return the numbers and scores of the rows with the highest scores, from batches."""
    numbers, top, n_read = np.empty(0, np.int64), None, 0
    for part in parts:
        numbers = np.append(numbers, np.arange(n_read, n_read + len(part.scores)))
        top = part if top is None else OutlierScores.concatenate([top, part])
        order = top.ranking[:count]
        numbers, top, n_read = numbers[order], top.select(order), n_read + len(part.scores)
    if top is None:
        raise DataError("outliers: expected at least one row, found none")
    return numbers, top
