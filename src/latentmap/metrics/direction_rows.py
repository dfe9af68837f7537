"""Rows of unit length, whose Euclidean distances rank rows by the cosine or the correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.model_info import ModelInfo
from latentmap.data.converted_rows import ConvertedRows
from latentmap.data.sources import Source
from latentmap.preprocessing.neighbors import DIRECTION_METRICS
from latentmap.preprocessing.scaling import TINY


class DirectionRows(ConvertedRows):
    """Rows divided by the scale and by their length, float32.

    Parameters
    ----------
    rows : Source
    metric : {"cosine", "correlation"}
        For "correlation", the mean of each row is subtracted first.
    scale : ndarray of shape (1,) or (n_features,)

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> source = ArraySource(np.array([[3.0, 4.0], [30.0, 40.0], [0.0, 0.0]]))
    >>> DirectionRows(source, "cosine", np.ones(1))[:].round(3).tolist()
    [[0.6..., 0.8...], [0.6..., 0.8...], [0.0, 0.0]]
    """

    dtype = np.dtype(np.float32)

    def __init__(self, rows: Source, metric: str, scale: np.ndarray) -> None:
        super().__init__(rows)
        self.metric, self.scale = metric, scale

    def take(self, indices: ArrayLike) -> np.ndarray:
        """Return the directions of the rows at ``indices``."""
        rows = self.rows.take(indices)
        vectors = np.nan_to_num(rows.reshape(len(rows), -1) / self.scale.astype(np.float64))
        if self.metric == "correlation":
            vectors -= vectors.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        directions = vectors / np.maximum(lengths, TINY)
        return directions.reshape(rows.shape).astype(np.float32)


def comparable_rows(estimator: object, rows: Source) -> Source:
    """Return rows whose Euclidean distances rank rows by the metric of an estimator.

    They are the directions of the rows for an estimator whose ``metric`` is "cosine" or
    "correlation", and the rows themselves for all others.
    """
    info = ModelInfo.from_estimator(estimator)
    if info.metric is None or info.metric not in DIRECTION_METRICS:
        return rows
    return DirectionRows(rows, info.metric, info.scale)
