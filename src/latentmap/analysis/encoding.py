"""Encoding of batches that were read from a source, by any fitted estimator."""

import warnings

import numpy as np

from latentmap.analysis.model_info import FittedEstimator, ModelInfo
from latentmap.data.sources import ArraySource, Source


def encode_batch(estimator: FittedEstimator, rows: np.ndarray, source: Source) -> np.ndarray:
    """Return the codes of rows of a source; only estimators of this library compare its names."""
    if ModelInfo.from_estimator(estimator).is_latentmap:
        batch = ArraySource(rows, feature_names=source.feature_names, name=source.name)
        return np.asarray(estimator.transform(batch))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        return np.asarray(estimator.transform(rows))
