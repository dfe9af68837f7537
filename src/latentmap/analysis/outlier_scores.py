"""Which rows fit badly: those that come back changed, and those whose code lies where few do.

Either alone misses some. A network that gives back whatever it is shown has small errors, but the
odd row's code lies apart; and a code may look usual while the row holds what no code can tell. So
each is measured against usual rows and turned into how rare it is among them; then the two can be
added. Of usual rows a sample's codes and errors are kept; all other rows stream.

The module is not called after its function: the doorway gives a module precedence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from latentmap.analysis.attribution import scaled_difference
from latentmap.analysis.encoding import encode_batch
from latentmap.analysis.tail_probability import Tail, logs
from latentmap.data import Source, as_source
from latentmap.errors import DataError
from latentmap.preprocessing.neighbors import NeighborIndex
from latentmap.progress import progress

__all__ = ["Outliers", "Usual", "outliers", "worst"]

USUAL_ROWS = 10_000
"""Usual rows that are kept: every distance to them is computed."""
SAME = 1e-6
"""A usual code nearer than this is the row's own, and no neighbour; in the unit of `rarities`."""
FARTHEST = 1e15
"""Codes farther out lie here: the squares of their distances must not overflow."""
BATCH_NUMBERS, BATCH_ROWS = 2**22, 8192


@dataclass(frozen=True)
class Outliers:
    """How badly rows fit, each array of shape (n,).

    Attributes
    ----------
    scores : ndarray
        From 0, as usual as can be, up: 3 says that of 1,000 usual rows one fits as badly.
    error_parts, rarity_parts : ndarray
        The same of the error alone, and of the code's rarity alone.
    errors : ndarray
        Mean squared error of the scaled row, as the estimator's ``reconstruction_error``.
    rarities : ndarray
        Distance of the code to the nearest usual one other than its own; 1 is how far half of the
        usual codes are from the middle of them.
    blamed : ndarray of int
        The number, counted from 0, of the column that adds most to the difference between the row
        and what the model expects, see `Usual.expected`.
    """

    scores: np.ndarray
    error_parts: np.ndarray
    rarity_parts: np.ndarray
    errors: np.ndarray
    rarities: np.ndarray
    blamed: np.ndarray

    @property
    def ranking(self) -> np.ndarray:
        """Row numbers, the worst row first; of equal ones the first."""
        return np.argsort(-self.scores, kind="stable")

    @classmethod
    def joined(cls, parts: Sequence[Outliers]) -> Self:
        """Put what is known of some rows behind what is known of others."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def picked(self, rows: np.ndarray) -> Outliers:
        """Give what is known of the rows of these numbers."""
        return Outliers(*(getattr(self, field.name)[rows] for field in fields(self)))


class Usual:
    """What is usual: the codes and the errors of rows that are as they should be.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``.
    among : Source, sparse matrix, data frame or array-like of shape (m, ...)
        Usual rows, best those that were fitted; at most 10,000 of them are sampled.
    seed : int
        Chooses the sample.
    verbose : bool
        Show progress with the time left.

    Raises
    ------
    DataError
        If the rows do not look like those that were fitted.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> rows = np.random.default_rng(0).normal(size=(500, 3)) * [9, 3, 1]
    >>> usual = Usual(PCA(2).fit(rows), rows)
    >>> odd = usual.judge([[0, 0, 0], [0, 0, 8], [90, 0, 0]])
    >>> odd.ranking.tolist()[-1], odd.blamed.tolist()[1:]
    (0, [2, 0])
    >>> bool(usual.expected([[90, 0, 0]])[0, 0] < 40)
    True
    """

    def __init__(self, estimator: Any, among: Any, seed: int = 0, verbose: bool = False) -> None:
        self.estimator = estimator
        some = as_source(among).sample(USUAL_ROWS, seed)
        text = f"Finding what is usual among {len(some):,} rows"
        seen = [self._through(some, rows)[::2] for rows in _batches(some, text, verbose)]
        self.codes, errors = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        self._middle = np.median(self.codes.astype(np.float64), axis=0)
        radii = np.linalg.norm(self.codes - self._middle, axis=1)
        self._spread = float(np.median(radii) or radii.mean()) or 1.0
        self._points = self._standard(self.codes)
        self._index = NeighborIndex(self._points, seed)
        rarities, _ = self._rarities(self.codes)
        self._error_tail, self._rarity_tail = Tail(logs(errors)), Tail(logs(rarities))
        # The more numbers a code has, the less its error tells, and the more its place.
        self._weight = max(1.0, np.log2(self.codes.shape[1]))
        self._tail = Tail(self._sum(*self._surprises(errors, rarities)))

    def judge(self, X: Any, verbose: bool = False) -> Outliers:
        """Tell how badly rows fit.

        Parameters
        ----------
        X : Source, sparse matrix, data frame or array-like of shape (n, ...)
            They stream: memory does not grow with them, but for a few numbers a row.
        verbose : bool
            Show progress with the time left.

        Returns
        -------
        Outliers
        """
        return Outliers.joined(list(self.judged(X, verbose)))

    def judged(self, X: Any, verbose: bool = False) -> Iterator[Outliers]:
        """Tell the same batch by batch, where a few numbers for each row would be too many."""
        source = as_source(X)
        for rows in _batches(source, f"Looking at {len(source):,} rows", verbose):
            yield self._look(source, rows)[0]

    def expected(self, X: Any) -> np.ndarray:
        """Give what the model expects in place of rows, in their own units.

        That is the reconstruction; where a row's code is rarer than its error, the reconstruction
        of the nearest usual code, for its own would repeat what is odd about the row.

        Parameters
        ----------
        X : Source, sparse matrix, data frame or array-like of shape (n, ...)
            So many as fit into memory.

        Returns
        -------
        ndarray of shape (n, ...)
        """
        source = as_source(X)
        rows = source[:]
        source.check(rows, 0)
        return self._look(source, rows)[1].reshape(rows.shape)

    def _look(self, source: Source, rows: np.ndarray) -> tuple[Outliers, np.ndarray]:
        """Judge a batch of rows, and give what is expected in their place."""
        codes, back, errors = self._through(source, rows)
        rarities, nearest = self._rarities(codes)
        of_error, of_code = self._surprises(errors, rarities)
        rare = of_code > of_error
        if rare.any():
            back[rare] = self.estimator.inverse_transform(self.codes[nearest[rare]])
        difference = scaled_difference(self.estimator, rows, back)
        score = self._tail.surprise(self._sum(of_error, of_code))
        tens = [surprise / np.log(10) for surprise in (score, of_error, of_code)]
        blamed = np.abs(difference).argmax(axis=1)
        return Outliers(tens[0], tens[1], tens[2], errors, rarities, blamed), back

    def _through(self, source: Source, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Give the codes of rows, what comes back of them, and how far that is from them."""
        codes = np.nan_to_num(encode_batch(self.estimator, rows, source))
        back = np.array(self.estimator.inverse_transform(codes))
        difference = scaled_difference(self.estimator, rows, back).astype(np.float64)
        return codes, back, np.mean(difference**2, axis=1)

    def _surprises(self, errors: np.ndarray, rarities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give −ln of the share of usual rows with as large an error, and with as rare a code."""
        return self._error_tail.surprise(logs(errors)), self._rarity_tail.surprise(logs(rarities))

    def _sum(self, of_error: np.ndarray, of_code: np.ndarray) -> np.ndarray:
        return of_error + self._weight * of_code

    def _rarities(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the distance to the nearest other usual code, and its number."""
        points = self._standard(codes)
        near = self._index.search(points, min(2, len(self._points)))
        own = self._distances(points, near[:, 0]) < SAME
        nearest = np.where(own, near[:, -1], near[:, 0])
        return self._distances(points, nearest), nearest

    def _standard(self, codes: np.ndarray) -> np.ndarray:
        """Move and scale codes, so that their unit does not matter and none overflows."""
        scaled = (codes.astype(np.float64) - self._middle) / self._spread
        return np.clip(scaled, -FARTHEST, FARTHEST).astype(np.float32)

    def _distances(self, points: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points - self._points[numbers], axis=1)


def outliers(
    estimator: Any, X: Any, among: Any = None, seed: int = 0, verbose: bool = False
) -> Outliers:
    """Tell how badly each row fits: by its reconstruction error and the rarity of its code.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``.
    X : Source, sparse matrix, data frame or array-like of shape (n, ...)
        The rows to judge. They stream: any number of them.
    among : Source, sparse matrix, data frame or array-like of shape (m, ...), optional
        Usual rows, best those that were fitted. Without them ``X`` itself says what is usual, which
        finds few odd rows among many, but not many that are odd alike.
    seed : int
        Chooses a sample of 10,000 usual rows where there are more.
    verbose : bool
        Show progress with the time left.

    Returns
    -------
    Outliers

    Raises
    ------
    DataError
        If rows do not look like those that were fitted.

    Notes
    -----
    The error e of a row is the mean squared error of its scaled numbers. The rarity r of its code
    is the distance to the nearest usual code, its own left out (S. Ramaswamy, R. Rastogi, K. Shim,
    "Efficient algorithms for mining outliers from large data sets", SIGMOD 2000). `Tail` makes of
    each the share p of usual rows that have as large a one. They are added as logarithms (R. A.
    Fisher, "Statistical Methods for Research Workers", 1925), with weights (I. J. Good, "On the
    weighted combination of significance tests", JRSS B 17, 1955): T = −ln p(e) − w ln p(r), where
    w = log₂ n_components, at least 1: a code of two numbers cannot lie apart from all others, while
    one of many gives back also what it was never shown. The score is −log₁₀ of the share of usual
    rows whose T is as large, so that no independence is assumed.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> rows = np.random.default_rng(0).normal(size=(500, 3)) * [9, 3, 1]
    >>> rows[7] = [0, 0, 9]
    >>> found = outliers(PCA(2).fit(rows), rows)
    >>> found.ranking.tolist()[0], found.blamed.tolist()[7]
    (7, 2)
    """
    return Usual(estimator, X if among is None else among, seed, verbose).judge(X, verbose)


def worst(parts: Iterable[Outliers], count: int) -> tuple[np.ndarray, Outliers]:
    """Find the rows that fit worst among many that stream past.

    Parameters
    ----------
    parts : iterable of Outliers
        As `Usual.judged` gives them.
    count : int
        At most so many rows are found.

    Returns
    -------
    numbers : ndarray of shape (count,)
        The rows, the worst first, as `Outliers.ranking` has them.
    found : Outliers
        What is known of them.

    Examples
    --------
    >>> a, b = (Outliers(*[np.array(scores)] * 6) for scores in ([1.0, 5.0], [9.0, 1.0]))
    >>> worst([a, b], 3)[0].tolist()
    [2, 1, 0]
    """
    numbers, found, done = np.empty(0, np.int64), None, 0
    for part in parts:
        numbers = np.append(numbers, np.arange(done, done + len(part.scores)))
        found = part if found is None else Outliers.joined([found, part])
        first = found.ranking[:count]
        numbers, found, done = numbers[first], found.picked(first), done + len(part.scores)
    if found is None:
        raise DataError("outliers: expected at least one row, found none")
    return numbers, found


def _batches(source: Source, text: str, verbose: bool) -> Iterator[np.ndarray]:
    """Read all rows in order, checked."""
    size, done = int(np.clip(BATCH_NUMBERS // np.prod(source.row_shape), 1, BATCH_ROWS)), 0
    with progress(text, len(source), verbose) as advance:
        for rows in source.batches(size):
            source.check(rows, done)
            done += len(rows)
            yield rows
            advance(len(rows))
