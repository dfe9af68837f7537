"""How rare a value is, in units in which values of different kinds can be added.

An error and a distance have nothing in common but this: each is usual or not. Within what is usual
the ranks tell how rare a value is; beyond the largest of them ranks tell nothing, and a tail of
known form goes on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Tail", "logs"]

TOP = 0.05
"""The share of usual values that the tail's form is fitted to."""
FLOOR, CEILING = 1e-12, 1e300
"""Errors and distances between these differ; float32 cannot tell what is below from nothing."""


class Tail:
    """The upper tail of what is usual: from a value to the share of usual ones as large.

    Parameters
    ----------
    usual : array-like of shape (n,)
        Values of rows that are as they should be.

    Notes
    -----
    Up to the threshold u, which a twentieth of the usual values exceed, the share is counted:
    p(x) = (#{usual ≥ x} + 1) / (n + 1). Beyond it, p(x) = p(u) exp(−(x − u) / h): peaks over a
    threshold, with an exponential tail. h is the mean excess over u, one excess of 1 added, so that
    a few usual values, or equal ones, give a finite one. On logarithms that is the Pareto tail of
    B. M. Hill, "A simple general approach to inference about the tail of a distribution", Annals of
    Statistics 3, 1975.

    Examples
    --------
    >>> tail = Tail(np.arange(99.0))
    >>> [round(float(p), 3) for p in np.exp(-tail.surprise([0.0, 49.0, 200.0]))]
    [1.0, 0.51, 0.0]
    """

    def __init__(self, usual: Any) -> None:
        self._usual = np.sort(np.asarray(usual, np.float64).ravel())
        top = max(1, round(TOP * len(self._usual)))
        self._start = self._usual[max(len(self._usual) - top - 1, 0)]
        excess = self._usual[self._usual > self._start] - self._start
        self._mean_excess = (1.0 + excess.sum()) / (1.0 + len(excess))
        self._share = (1.0 + len(excess)) / (1.0 + len(self._usual))

    def surprise(self, values: Any) -> np.ndarray:
        """Give −ln p of each value, in nats, shape (n,): 0 where all usual ones are as large."""
        values = np.asarray(values, np.float64)
        count = len(self._usual)
        as_large = count - np.searchsorted(self._usual, values, side="left")
        beyond = (values - self._start) / self._mean_excess - np.log(self._share)
        counted = np.log1p(count) - np.log1p(as_large)
        return np.where(values > self._start, beyond, counted)


def logs(values: Any) -> np.ndarray:
    """Give logarithms of errors or distances, none of them infinite.

    Examples
    --------
    >>> [round(float(log), 1) for log in logs([0.0, 1.0, np.inf, np.nan])]
    [-27.6, 0.0, 690.8, 690.8]
    """
    known = np.nan_to_num(np.asarray(values, np.float64), nan=CEILING, posinf=CEILING)
    return np.log(np.clip(known, FLOOR, CEILING))
