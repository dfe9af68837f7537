"""Application of the networks of a fitted estimator, by NumPy or by the engine of Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from latentmap.autoencoders.validation import new_rows, row_batches
from latentmap.backend import predict, predict_batches
from latentmap.data.types import DataLike
from latentmap.networks.network_functions import NetworkFunctions

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder


def apply_to_rows(
    estimator: BaseAutoEncoder,
    X: DataLike,
    by_numpy: Callable[[NetworkFunctions], Callable[[np.ndarray], np.ndarray]],
    by_engine: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]],
) -> np.ndarray:
    """Apply a function to new rows: by NumPy if that is faster for their number.

    Parameters
    ----------
    estimator : BaseAutoEncoder
    X : array-like, sparse matrix, data frame, or Source
    by_numpy : callable
        Function from the `NetworkFunctions` of the estimator to the function of a batch.
    by_engine : callable
        Function from batches of rows to batches of results.
    """
    source = new_rows(estimator, X)
    functions = estimator._networks.functions_for(len(source))
    batches = row_batches(estimator, source)
    results = by_engine(batches) if functions is None else map(by_numpy(functions), batches)
    return np.concatenate(list(results))


def encode_rows(estimator: BaseAutoEncoder, X: DataLike) -> np.ndarray:
    """Return the codes that the encoder gives to new rows, shape (n, n_components)."""
    return apply_to_rows(
        estimator,
        X,
        lambda functions: functions.encode,
        lambda batches: predict_batches(estimator.encoder_, batches),
    )


def encode_batch(
    estimator: BaseAutoEncoder, rows: np.ndarray, batch_size: int | None = None
) -> np.ndarray:
    """Return the codes that the encoder gives to an array of checked rows.

    If the rows are part of a batch, ``batch_size`` is its number of rows, which determines whether
    NumPy or the engine computes the codes.
    """
    functions = estimator._networks.functions_for(batch_size or len(rows))
    return predict(estimator.encoder_, rows) if functions is None else functions.encode(rows)


def decode_codes(
    estimator: BaseAutoEncoder, codes: np.ndarray, block_size: int | None = None
) -> np.ndarray:
    """Return the rows that the decoder gives to checked codes; see `predict` for ``block_size``."""
    functions = estimator._networks.functions_for(len(codes))
    if functions is None:
        return predict(estimator.decoder_, codes, block_size)
    return functions.decode(codes)


def reconstruction_errors(estimator: BaseAutoEncoder, X: DataLike) -> np.ndarray:
    """Return the mean squared error of each new row after scaling, shape (n,)."""
    return apply_to_rows(
        estimator,
        X,
        lambda functions: functions.errors,
        lambda batches: (metrics[:, 1] for metrics in _row_metrics(estimator, batches)),
    )


def window_masses(estimator: BaseAutoEncoder, X: DataLike) -> np.ndarray:
    """Return the share of a map's distribution around its mode for each new row, shape (n,)."""
    return apply_to_rows(
        estimator,
        X,
        lambda functions: functions.masses,
        lambda batches: (metrics[:, 2] for metrics in _row_metrics(estimator, batches)),
    )


def row_metrics(estimator: BaseAutoEncoder, X: DataLike) -> np.ndarray:
    """Return the metrics that the objective computes for each new row, shape (n, n_metrics)."""
    batches = row_batches(estimator, new_rows(estimator, X))
    return np.concatenate(list(_row_metrics(estimator, batches)))


def _row_metrics(estimator: BaseAutoEncoder, batches: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    return predict_batches(estimator._objective, batches)
