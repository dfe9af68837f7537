"""From raw rows to the numbers a network likes, decided once from the fitted rows.

One pass over the rows finds their range, means and variances, and refuses NaN and infinity. By
default every column is divided by the same number, as PCA would have it: dividing each by its own
would change which reconstruction is the best one. Ask for "columns" where the units differ. Of
sparse rows only the stored numbers are read; the statistics, zeros included, are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from latentmap.data.sources import Source
from latentmap.data.sparse import SparseSource, is_sparse
from latentmap.errors import SettingError, UnknownNameError
from latentmap.progress import progress

__all__ = ["SCALINGS", "Scale", "Statistics", "choose_scale", "row_statistics"]

SCALINGS = ("auto", "balanced", "unit", "standard", "columns", "none")
PASS_NUMBERS = 1 << 22
EXACT_BYTES = 256
"""The squares of so many bytes add up to less than 2²⁴."""
TINY = np.finfo(np.float32).tiny
"""Rows that spread less than this are constant as far as float32 can tell."""

COUNTING = 1.25
"""With fewer columns that count, "balanced" gives each the same; of two, neither drowns."""


class Statistics(NamedTuple):
    """What one pass over the rows finds."""

    low: float
    high: float
    mean: np.ndarray
    """Of each column, shape (d,)."""
    variance: np.ndarray
    """Of each column, shape (d,)."""


class Scale(NamedTuple):
    """Scaled rows are (rows − offset) / scale; ``unit`` says that they are in 0–1."""

    offset: np.ndarray
    scale: np.ndarray
    unit: bool


def row_statistics(rows: Source, visible: bool = False) -> Statistics:
    """Find the range, means and variances of all rows in one pass.

    Parameters
    ----------
    rows : Source
    visible : bool
        Show progress, where rows are not in memory.

    Returns
    -------
    Statistics
        In the rows' own units, float64; means and variances by the pairwise update of T. F. Chan,
        G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", 1983.

    Raises
    ------
    DataError
        If a number is NaN, infinite, or beyond what float32 holds.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> found = row_statistics(ArraySource(np.array([[1.0, 5.0], [3.0, 5.0]])))
    >>> found.low, found.high, found.mean.tolist(), found.variance.tolist()
    (1.0, 5.0, [2.0, 5.0], [1.0, 0.0])
    """
    d = int(np.prod(rows.row_shape))
    low, high, done = np.inf, -np.inf, 0
    mean, spread = np.zeros(d), np.zeros(d)
    shown = visible and not rows.in_memory
    with progress("looking at all rows", len(rows), shown) as advance:
        for batch in _batches(rows, d):
            rows.check(batch, done)
            found = _of_stored(batch) if is_sparse(batch) else _of_dense(batch)
            low, high = min(low, found.low), max(high, found.high)
            count, total = batch.shape[0], done + batch.shape[0]
            step = found.mean - mean
            spread += found.variance * count + step**2 * (done * count / total)
            mean += step * (count / total)
            done = total
            advance(count)
    return Statistics(low, high, mean, spread / done)


def _batches(rows: Source, d: int) -> Iterator[Any]:
    if isinstance(rows, SparseSource):
        return rows.sparse_batches(PASS_NUMBERS)
    return rows.batches(max(1, PASS_NUMBERS // d))


def _of_dense(batch: np.ndarray) -> Statistics:
    flat = batch.reshape(len(batch), -1)
    low, high = float(flat.min()), float(flat.max())
    if flat.dtype == np.uint8:
        return Statistics(low, high, *_of_bytes(flat))
    flat = flat.astype(np.float64)
    return Statistics(low, high, flat.mean(axis=0), flat.var(axis=0))


def _of_bytes(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give means and variances from sums that are whole numbers, and exact in float32: images."""
    sums, squares = np.zeros(flat.shape[1]), np.zeros(flat.shape[1])
    for start in range(0, len(flat), EXACT_BYTES):
        part = flat[start : start + EXACT_BYTES].astype(np.float32)
        sums += part.sum(axis=0)
        squares += np.einsum("ij,ij->j", part, part)
    mean = sums / len(flat)
    return mean, np.maximum(squares / len(flat) - mean**2, 0.0)


def _of_stored(batch: Any) -> Statistics:
    """Find the same of a batch in CSR, whose numbers that are not stored are zero."""
    (n, d), values, columns = batch.shape, batch.data.astype(np.float64), batch.indices
    zeros = n - np.bincount(columns, minlength=d)
    ends = np.append(values, 0.0) if zeros.any() else values
    mean = np.bincount(columns, values, d) / n
    squares = np.bincount(columns, (values - mean[columns]) ** 2, d) + zeros * mean**2
    return Statistics(float(ends.min()), float(ends.max()), mean, squares / n)


def choose_scale(scaling: str, found: Statistics, dtype: np.dtype) -> Scale:
    """Decide how rows are scaled.

    Parameters
    ----------
    scaling : {"auto", "balanced", "unit", "standard", "columns", "none"}
        "unit" maps the range of the rows to 0–1, "standard" takes away the mean and divides by one
        number for all columns, "columns" by each column's own deviation. "auto" is "unit" for
        unsigned integers, for floats that lie in 0–1 already and for rows that range from 0 to 255,
        else "standard". "balanced" is that, too, but "columns" in place of "standard" where one of
        three or more columns holds nearly all the variance: where (Σv)² / Σv², the number of
        columns that count, is below 1.25.
    found : Statistics
    dtype : numpy.dtype
        Of the rows as read.

    Returns
    -------
    Scale

    Raises
    ------
    UnknownNameError
        For another word.

    Examples
    --------
    >>> found = Statistics(0.0, 250.0, np.array([40.0]), np.array([9.0]))
    >>> scale = choose_scale("auto", found, np.dtype("uint8"))
    >>> float(scale.offset), float(scale.scale), scale.unit
    (0.0, 255.0, True)
    """
    if not isinstance(scaling, str):
        raise SettingError(f"scaling: expected one of {', '.join(SCALINGS)}, found {scaling!r}")
    if scaling in ("auto", "balanced"):
        unit = dtype.kind == "u" or _in_unit(found) or _in_bytes(found)
        plain = "columns" if scaling == "balanced" and _lopsided(found.variance) else "standard"
        scaling = "unit" if unit else plain
    if scaling not in _CHOICES:
        raise UnknownNameError("scaling", scaling, SCALINGS)
    offset, scale, unit = _CHOICES[scaling](found, dtype)
    scale = np.asarray(scale, np.float32)
    scale = np.where(scale > TINY, scale, np.float32(1.0))
    return Scale(np.asarray(offset, np.float32), scale, unit)


def _in_unit(found: Statistics) -> bool:
    return found.low >= 0.0 and found.high <= 1.0 and found.high > found.low


def _in_bytes(found: Statistics) -> bool:
    """Tell images that were read as bytes and kept as other numbers."""
    return found.low == 0.0 and found.high == 255.0


def _lopsided(variance: np.ndarray) -> bool:
    """Tell whether the unit of one column drowns all the others."""
    share = variance / max(variance.sum(), TINY)
    return bool(min(COUNTING, len(variance) / 2) * (share**2).sum() > 1.0)


def _unit(found: Statistics, dtype: np.dtype) -> tuple:
    """Divide by the type's largest number where the rows use its upper half, as images do."""
    if _in_unit(found):
        return 0.0, 1.0, True
    if dtype.kind == "u":
        top = float(np.iinfo(dtype).max)
        return 0.0, top if found.high > top / 2 else found.high or 1.0, True
    return found.low, (found.high - found.low) or 1.0, True


def _standard(found: Statistics, dtype: np.dtype) -> tuple:
    return found.mean, np.sqrt(found.variance.mean()) or 1.0, False


def _columns(found: Statistics, dtype: np.dtype) -> tuple:
    deviation = np.sqrt(found.variance)
    constant = deviation <= 1e-7 * np.maximum(1.0, np.abs(found.mean))
    return found.mean, np.where(constant, 1.0, deviation), False


def _none(found: Statistics, dtype: np.dtype) -> tuple:
    return 0.0, 1.0, _in_unit(found)


_CHOICES = {"unit": _unit, "standard": _standard, "columns": _columns, "none": _none}
