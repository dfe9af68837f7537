"""Scores of rows, each computed when it is first requested."""

import threading
from collections.abc import Callable, Sequence

import numpy as np

from latentmap.analysis import OutlierDetector, cluster
from latentmap.analysis.attribution import scaled_difference
from latentmap.analysis.encoding import mean_squared_errors, sum_by_column
from latentmap.analysis.model_info import FittedEstimator, as_map
from latentmap.data import Source
from latentmap.explorer.shared_source import map_batches
from latentmap.metrics.direction_rows import comparable_rows
from latentmap.metrics.sample_metrics import EncodedRows, row_recalls

CLUSTER, CONFIDENCE, ERROR = "cluster", "confidence", "error"
RECALL, OUTLIER = "neighbour recall", "outlier score"


class RowScores:
    """Scores of all rows, each an array of shape (n,); only maps have a confidence."""

    def __init__(
        self,
        estimator: FittedEstimator,
        source: Source,
        codes: np.ndarray,
        decode: Callable[[np.ndarray], np.ndarray],
        verbose: bool = False,
    ) -> None:
        self._estimator, self._map = estimator, as_map(estimator)
        self._source, self._codes = source, codes
        self._decode, self._verbose = decode, verbose
        confidence = {} if self._map is None else {CONFIDENCE: self._confidence}
        errors = {ERROR: self._error, RECALL: self._recall, OUTLIER: self._outlier}
        self._score_functions = {CLUSTER: self._cluster, **confidence, **errors}
        self.names = tuple(self._score_functions)
        self._locks = {name: threading.Lock() for name in self.names}
        self._computed: dict[str, np.ndarray] = {}

    def is_computed(self, name: str) -> bool:
        """Return whether a score has been computed."""
        return name in self._computed

    def __getitem__(self, name: str) -> np.ndarray:
        with self._locks[name]:  # Concurrent requests wait for one computation.
            if name not in self._computed:
                self._computed[name] = self._score_functions[name]()
        return self._computed[name]

    def of_rows(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return the confidence, the error and all computed scores of the rows at ``indices``."""
        scores = {name: self[name][indices] for name in self.names if self.is_computed(name)}
        if CONFIDENCE in scores and ERROR in scores:
            return scores
        return self.score(self._source.subset(indices), self._codes[indices]) | scores

    def score(self, rows: Source, codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return the error and, for a map, the confidence of rows inside or outside the scene."""
        confidence = {} if self._map is None else {CONFIDENCE: self._map.confidence(rows)}
        return {**confidence, ERROR: self._reconstruction_errors(rows[:], codes)}

    def _reconstruction_errors(self, rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the mean squared error of the displayed reconstructions, in scaled units."""
        difference = scaled_difference(self._estimator, rows, self._decode(codes))
        difference = sum_by_column(self._estimator, difference)
        return mean_squared_errors(self._source, rows, difference)

    def _cluster(self) -> np.ndarray:
        return cluster(self._codes, n_exemplars=1, verbose=self._verbose).labels

    def _confidence(self) -> np.ndarray:
        assert self._map is not None
        return self._for_all_rows(self._map.confidence, "Computing the confidence")

    def _error(self) -> np.ndarray:
        def errors(rows: Source) -> np.ndarray:
            return self._reconstruction_errors(rows[:], self._estimator.transform(rows))

        return self._for_all_rows(errors, "Computing the reconstruction error")

    def _recall(self) -> np.ndarray:
        rows = comparable_rows(self._estimator, self._source)
        return row_recalls(EncodedRows(rows, self._codes), verbose=self._verbose)

    def _outlier(self) -> np.ndarray:
        detector = OutlierDetector(self._estimator, self._source, verbose=self._verbose)
        result = detector.score(self._source, self._verbose)
        self._computed.setdefault(ERROR, result.errors)
        return result.scores

    def _for_all_rows(self, function: Callable[[Source], np.ndarray], task: str) -> np.ndarray:
        task = f"{task} of {len(self._source):,} rows"
        return map_batches(function, self._source, task, self._verbose)
