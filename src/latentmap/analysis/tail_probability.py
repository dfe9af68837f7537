"""Upper-tail probabilities of scores: empirical ranks, and a parametric tail above a threshold."""

import numpy as np
from numpy.typing import ArrayLike

# The parametric tail is fitted to this fraction of the reference values.
TAIL_FRACTION = 0.05
# Values are clipped to this range before the logarithm; float32 errors exceed the lower limit.
MIN_VALUE, MAX_VALUE = 1e-12, 1e300


class TailDistribution:
    """Estimate of P(X ≥ x), from a sample of reference values.

    Up to the threshold u, which 5 % of the reference values exceed, p(x) = (#{values ≥ x} + 1) /
    (n + 1). Above it, p(x) = p(u) exp(−(x − u) / h): peaks over threshold, with an exponential
    tail. h is the mean excess over u, computed with one additional excess of 1, so that it is
    finite and positive for few or equal values. On logarithms of the values, this is the Pareto
    tail of B. M. Hill, "A simple general approach to inference about the tail of a distribution",
    Annals of Statistics 3, 1975.
    """

    def __init__(self, reference: ArrayLike) -> None:
        self._reference = np.sort(np.asarray(reference, np.float64).ravel())
        n_tail = max(1, round(TAIL_FRACTION * len(self._reference)))
        self._threshold = self._reference[max(len(self._reference) - n_tail - 1, 0)]
        excess = self._reference[self._reference > self._threshold] - self._threshold
        self._mean_excess = (1.0 + excess.sum()) / (1.0 + len(excess))
        self._tail_share = (1.0 + len(excess)) / (1.0 + len(self._reference))

    def surprisal(self, values: ArrayLike) -> np.ndarray:
        """Return −ln P(X ≥ x) of each value, in nats, shape (n,); 0 is the minimum."""
        values = np.asarray(values, np.float64)
        count = len(self._reference)
        n_above = count - np.searchsorted(self._reference, values, side="left")
        parametric_surprisal = (values - self._threshold) / self._mean_excess - np.log(
            self._tail_share
        )
        empirical_surprisal = np.log1p(count) - np.log1p(n_above)
        return np.where(values > self._threshold, parametric_surprisal, empirical_surprisal)


def finite_logs(values: ArrayLike) -> np.ndarray:
    """Return logarithms of nonnegative values, clipped so that all of them are finite."""
    array = np.nan_to_num(np.asarray(values, np.float64), nan=MAX_VALUE, posinf=MAX_VALUE)
    return np.log(np.clip(array, MIN_VALUE, MAX_VALUE))
