"""What is known of rows beside their place: confidence, error, outlier score, cluster.

Some take a pass over all rows, so each is computed when it is first asked for, and once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.analysis import OutlierDetector, cluster
from latentmap.analysis.attribution import scaled_difference
from latentmap.data import Source
from latentmap.explorer.shared_source import over_rows

__all__ = ["CLUSTER", "CONFIDENCE", "ERROR", "OUTLIER", "Figures"]

CLUSTER, CONFIDENCE, ERROR, OUTLIER = "cluster", "confidence", "error", "outlier score"


class Figures:
    """Figures of all rows, each an array of shape (n,).

    Parameters
    ----------
    estimator : fitted estimator
    source : Source
        The n rows.
    codes : ndarray of shape (n, n_components)
    decode : callable
        From codes to rows: the estimator's ``inverse_transform``, or what is faster.
    verbose : bool
        Say on the console what is computed.

    Attributes
    ----------
    names : tuple of str
        Those that there are: confidence is a map's.

    Examples
    --------
    >>> from latentmap import AutoEncoder
    >>> from latentmap.data import as_source
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> ae = AutoEncoder(2, epochs=1, random_state=0).fit(X)
    >>> figures = Figures(ae, as_source(X), ae.transform(X), ae.inverse_transform)
    >>> figures.names, figures.known("error")
    (('cluster', 'error', 'outlier score'), False)
    >>> bool(np.allclose(figures["error"], ae.reconstruction_error(X))), figures.known("error")
    (True, True)
    """

    def __init__(
        self,
        estimator: Any,
        source: Source,
        codes: np.ndarray,
        decode: Callable[[np.ndarray], np.ndarray],
        verbose: bool = False,
    ) -> None:
        self._estimator, self._source, self._codes = estimator, source, codes
        self._decode, self._verbose = decode, verbose
        self._makers: dict[str, Callable[[], np.ndarray]] = {
            CLUSTER: self._cluster,
            CONFIDENCE: self._confidence,
            ERROR: self._error,
            OUTLIER: self._outlier,
        }
        if not hasattr(estimator, "confidence"):
            del self._makers[CONFIDENCE]
        self._turns = {name: threading.Lock() for name in self._makers}
        self._found: dict[str, np.ndarray] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for."""
        return tuple(self._makers)

    def known(self, name: str) -> bool:
        """Tell whether a figure has been computed."""
        return name in self._found

    def __getitem__(self, name: str) -> np.ndarray:
        with self._turns[name]:  # who asks meanwhile waits for the same answer
            if name not in self._found:
                self._found[name] = self._makers[name]()
        return self._found[name]

    def told(self, numbers: Any) -> dict[str, np.ndarray]:
        """Give what is known of some rows, computing what is quick: confidence and error.

        Parameters
        ----------
        numbers : array-like of int, shape (m,)

        Returns
        -------
        dict from name to ndarray of shape (m,)
        """
        known = {name: self._found[name][numbers] for name in self.names if self.known(name)}
        if CONFIDENCE in known and ERROR in known:
            return known
        return self.judged(self._source.subset(numbers), self._codes[numbers]) | known

    def judged(self, rows: Source, codes: np.ndarray) -> dict[str, np.ndarray]:
        """Give confidence, where there is such a thing, and error of any rows with their codes."""
        sure = {CONFIDENCE: self._estimator.confidence(rows)} if CONFIDENCE in self.names else {}
        return {**sure, ERROR: self._error_of(rows[:], codes)}

    def _error_of(self, rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Give the mean squared error of what is shown beside a row, in the network's units."""
        difference = scaled_difference(self._estimator, rows, self._decode(codes))
        return np.mean(difference.astype(np.float64) ** 2, axis=1)

    def _cluster(self) -> np.ndarray:
        return cluster(self._codes, n_exemplars=1, verbose=self._verbose).labels

    def _confidence(self) -> np.ndarray:
        return self._pass(self._estimator.confidence, "Asking the map how sure it is of")

    def _error(self) -> np.ndarray:
        def judge(rows: Source) -> np.ndarray:
            return self._error_of(rows[:], self._estimator.transform(rows))

        return self._pass(judge, "Measuring the errors of")

    def _outlier(self) -> np.ndarray:
        usual = OutlierDetector(self._estimator, self._source, verbose=self._verbose)
        found = usual.score(self._source, self._verbose)
        self._found.setdefault(ERROR, found.errors)
        return found.scores

    def _pass(self, judge: Callable[[Source], np.ndarray], text: str) -> np.ndarray:
        return over_rows(judge, self._source, f"{text} {len(self._source):,} rows", self._verbose)
