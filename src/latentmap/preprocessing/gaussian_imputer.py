"""Estimation of the missing values of encoded rows by their conditional mean in a Gaussian.

The Gaussian is that of a factor model (D. B. Rubin, D. T. Thayer, "EM algorithms for ML factor
analysis", Psychometrika 47, 1982) with principal components and a separate noise for each number.
The user chooses no number of components, and no training is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.preprocessing.threads import use_one_thread
from latentmap.value_types import PositiveArray

MAX_COMPONENTS = 64
MAX_NUMBERS = 1 << 20  # Maximum number of values in the sample of rows that is decomposed.
MIN_NOISE = 0.1  # Minimum variance of the noise of a column, as a share of the column's variance.
_MIN_VARIANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class GaussianImputer(FileRecord):
    """Gaussian of encoded rows, the weight of reconstructions, and the error of each column.

    Attributes
    ----------
    mean : ndarray of shape (width,)
    components : ndarray of shape (n_components, width)
        Principal components, each multiplied by its standard deviation.
    noise : ndarray of shape (width,)
        Variance of the part of each number that the components do not explain.
    scale : ndarray of shape (n_columns,)
        Root of the summed variances of the numbers of each column.
    weights : ndarray of shape (n_columns,)
        Weight of the reconstruction in the estimate of a column; the Gaussian has the rest.
    errors : ndarray of shape (n_columns,)
        Root mean squared error of the estimates of known values that were masked, divided by
        ``scale``.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=500)
    >>> imputer = GaussianImputer.fit(np.column_stack([x, x]).astype("float32"), [0, 1])
    >>> imputer.impute(np.array([[1.0, np.nan], [np.nan, -1.0]], "float32")).round(1)
    array([[ 1. , 0.9], [-0.9, -1. ]], dtype=float32)
    """

    mean: np.ndarray
    components: np.ndarray
    noise: np.ndarray
    scale: PositiveArray
    weights: np.ndarray
    errors: np.ndarray

    @classmethod
    def fit(cls, rows: np.ndarray, starts: Sequence[int]) -> Self:
        """Fit the Gaussian to rows of shape (n, width) with missing values.

        The weights of reconstructions are 0, and the errors are 1.
        """
        means = np.nan_to_num(np.nanmean(rows, axis=0, dtype=np.float64))
        filled = np.where(np.isnan(rows), means, rows).astype(np.float32)
        imputer = cls._fit_complete(filled, starts)
        if np.isnan(rows).any():  # Estimates replace the means in a second fit.
            imputer = cls._fit_complete(imputer.impute(rows), starts)
        return imputer

    @classmethod
    def _fit_complete(cls, x: np.ndarray, starts: Sequence[int]) -> Self:
        # Several threads wait for each other if other processes use the same cores.
        with use_one_thread():
            mean, components = _scaled_components(x)
        variances = x.var(axis=0, dtype=np.float64)
        column_variances = np.maximum(np.add.reduceat(variances, starts), _MIN_VARIANCE)
        widths = np.diff([*starts, x.shape[1]])
        residual = np.maximum(variances - (components**2).sum(axis=0), 0.0)
        n_columns = len(starts)
        return cls(
            mean=mean.astype(np.float32),
            components=components.astype(np.float32),
            noise=(residual + np.repeat(MIN_NOISE * column_variances, widths)).astype(np.float32),
            scale=np.sqrt(column_variances).astype(np.float32),
            weights=np.zeros(n_columns, np.float32),
            errors=np.ones(n_columns, np.float32),
        )

    def impute(self, rows: np.ndarray) -> np.ndarray:
        """Return rows, shape (n, width), with the conditional mean in place of each NaN."""
        filled = np.array(rows, np.float32)
        patterns, numbers = np.unique(np.isnan(filled), axis=0, return_inverse=True)
        order = np.argsort(numbers.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(numbers.ravel(), minlength=len(patterns)))
        components = self.components.astype(np.float64)
        weighted = components / self.noise
        precision = weighted @ components.T + np.eye(len(components))
        with use_one_thread():  # Small matrices take longer with more threads.
            for is_missing, members in zip(patterns, np.split(order, ends[:-1]), strict=True):
                missing = np.flatnonzero(is_missing)
                if not len(missing):
                    continue
                deviations = np.where(is_missing, 0.0, rows[members].astype(np.float64) - self.mean)
                known_precision = precision - weighted[:, missing] @ components[:, missing].T
                codes = np.linalg.solve(known_precision, weighted @ deviations.T).T
                means = codes @ components[:, missing] + self.mean[missing]
                filled[np.ix_(members, missing)] = means
        return filled

    def validate(self, starts: Sequence[int], width: int) -> None:
        """Raise ValueError if the arrays do not fit the columns of a table."""
        n_columns = (len(starts),)
        shapes = [(width,), (self.components.shape[0], width), (width,), *[n_columns] * 3]
        arrays = self.to_arrays().values()
        if [array.shape for array in arrays] != shapes:
            raise ValueError("missing values: expected arrays that fit the columns of the table")
        if not all(np.isfinite(array).all() for array in arrays) or not (self.noise > 0).all():
            raise ValueError("missing values: expected finite numbers, and noise above 0")


def _scaled_components(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of rows, and their principal components times the standard deviations.

    They are eigenvectors of the covariance, or of the products of rows if there are fewer rows than
    columns. The decomposed matrix has at most √`MAX_NUMBERS` rows, or a hundred.
    """
    from scipy.linalg import eigh

    n, width = x.shape
    mean = x.mean(axis=0, dtype=np.float64)
    centred = x - mean
    matrix = centred.T @ centred if width <= n else centred @ centred.T
    rank = min(MAX_COMPONENTS, len(matrix))
    values, vectors = eigh(matrix / n, subset_by_index=(len(matrix) - rank, len(matrix) - 1))
    if width <= n:
        return mean, (vectors * np.sqrt(np.maximum(values, 0.0))).T[::-1]
    return mean, (vectors.T @ centred)[::-1] / np.sqrt(n)
