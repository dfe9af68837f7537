"""Scaling of raw rows for a network, chosen from the statistics of the fitted rows.

One pass over the rows computes their range, means and variances, and checks that all numbers are
finite. By default every column is divided by the same number, as in PCA, unless columns have
different units. Only the stored numbers of sparse rows are read; the statistics include the zeros.

Large offsets are subtracted in double precision, before networks compute in float32, which resolves
24 bits: times in seconds since 1970 that vary by a few seconds would all be equal.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.batching import read_batches
from latentmap.data.converted_rows import ConvertedRows
from latentmap.data.sources import Source
from latentmap.data.sparse import SparseSource, is_sparse
from latentmap.data.types import csr_array
from latentmap.errors import DataWarning, SettingError, UnknownNameError

SCALINGS = ("auto", "unit", "standard", "columns", "none")
BATCH_NUMBERS = 1 << 22
# The sum of the squares of 256 bytes is below 2²⁴, so that float32 holds it exactly.
EXACT_BYTES = 256
# float32 loses digits below this number, so smaller variances count as zero.
TINY = float(np.finfo(np.float32).tiny)
# "auto" divides each column by its own deviation if the effective number of columns is lower.
MIN_EFFECTIVE_COLUMNS = 1.25
MAX_UNITS = 500
MIN_RELATIVE_MEAN = 0.5
# A smaller deviation, relative to the largest one, cannot be a rounding error of float64.
MIN_RELATIVE_DEVIATION = 1e-20
DOMINANT_SHARE = 0.9
LARGEST_PIXELS = (255.0, 65535.0)


class Statistics(NamedTuple):
    """Range, and mean and variance of each column, shape (d,)."""

    low: float
    high: float
    mean: np.ndarray
    variance: np.ndarray


class Scale(NamedTuple):
    """Scaled rows are (rows − offset) / scale.

    With ``in_unit_range``, they are between 0 and 1. With ``allow_nan``, a number may be NaN, which
    marks a missing value.
    """

    offset: np.ndarray
    scale: np.ndarray
    in_unit_range: bool
    allow_nan: bool = False


def row_statistics(rows: Source, verbose: bool = False) -> Statistics:
    """Compute the range, means and variances of all rows in one pass, in their units, float64.

    Batches are combined by the pairwise update of T. F. Chan, G. H. Golub, R. J. LeVeque,
    "Algorithms for computing the sample variance", 1983. Progress is shown if ``verbose``, unless
    the rows are in memory. Raise DataError if a number is not finite in float32.
    """
    d = int(np.prod(rows.row_shape))
    low, high = np.inf, -np.inf
    mean, squares = np.zeros(d), np.zeros(d)
    show_progress = verbose and not rows.in_memory
    sparse = rows.sparse_batches(BATCH_NUMBERS) if isinstance(rows, SparseSource) else None
    size, task = max(1, BATCH_NUMBERS // d), "computing the statistics of all rows"
    for batch_slice, batch in read_batches(
        rows, size, task=task, verbose=show_progress, batches=sparse
    ):
        part = _sparse_statistics(batch) if is_sparse(batch) else _dense_statistics(batch)
        low, high = min(low, part.low), max(high, part.high)
        n_before, n_total, count = batch_slice.start, batch_slice.stop, batch.shape[0]
        step = part.mean - mean
        squares += part.variance * count + step**2 * (n_before * count / n_total)
        mean += step * (count / n_total)
    return Statistics(low, high, mean, squares / len(rows))


def _dense_statistics(batch: np.ndarray) -> Statistics:
    flat = batch.reshape(len(batch), -1)
    low, high = float(flat.min()), float(flat.max())
    if flat.dtype == np.uint8:
        return Statistics(low, high, *_byte_moments(flat))
    flat = flat.astype(np.float64)
    return Statistics(low, high, flat.mean(axis=0), flat.var(axis=0))


def _byte_moments(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and variances from sums of whole numbers, which float32 holds exactly."""
    sums, squares = np.zeros(flat.shape[1]), np.zeros(flat.shape[1])
    for start in range(0, len(flat), EXACT_BYTES):
        part = flat[start : start + EXACT_BYTES].astype(np.float32)
        sums += part.sum(axis=0)
        squares += np.einsum("ij,ij->j", part, part)
    mean = sums / len(flat)
    return mean, np.maximum(squares / len(flat) - mean**2, 0.0)


def _sparse_statistics(batch: csr_array) -> Statistics:
    (n, d), values, columns = batch.shape, batch.data.astype(np.float64), batch.indices
    zeros = n - np.bincount(columns, minlength=d)
    ends = np.append(values, 0.0) if zeros.any() else values
    mean = np.bincount(columns, values, d) / n
    squares = np.bincount(columns, (values - mean[columns]) ** 2, d) + zeros * mean**2
    return Statistics(float(ends.min()), float(ends.max()), mean, squares / n)


def choose_scale(
    scaling: str, statistics: Statistics, dtype: np.dtype, are_images: bool = False
) -> Scale:
    """Return the offset and scale of a named scaling.

    "unit" maps the range of the rows to 0–1. "standard" subtracts the mean of each column and
    divides all columns by one number; "columns" divides each column by its own deviation. "auto" is
    "unit" for images of whole numbers, for numbers between 0 and 1, and for rows that range from 0
    to 255. It is "columns" if columns have units of different sizes (`_is_dominated` and
    `_has_vanishing_columns`), and otherwise "standard", with a warning if one column holds nearly
    all the variance.
    "auto" distinguishes only types of whole numbers from other types.
    """
    if not isinstance(scaling, str):
        raise SettingError(f"scaling: expected one of {', '.join(SCALINGS)}, found {scaling!r}")
    are_integers = dtype.kind in "ui"
    if scaling == "auto":
        scaling = _choose_scaling(statistics, are_integers and are_images)
    if scaling not in _SCALINGS:
        raise UnknownNameError("scaling", scaling, SCALINGS)
    offset, scale, unit = _SCALINGS[scaling](statistics, are_integers)
    scale = np.asarray(scale, np.float32)
    scale = np.where(scale > TINY, scale, np.float32(1.0))
    return Scale(np.asarray(offset, np.float32), scale, unit)


def _choose_scaling(statistics: Statistics, are_pixels: bool) -> str:
    in_pixel_range = are_pixels and statistics.low >= 0
    if in_pixel_range or _in_unit_range(statistics) or _in_byte_range(statistics):
        return "unit"
    if _is_dominated(statistics) or _has_vanishing_columns(statistics):
        return "columns"
    share = statistics.variance / max(statistics.variance.sum(), TINY)
    if len(share) > 1 and share.max() > DOMINANT_SHARE:
        warnings.warn(
            f"column {int(share.argmax())} holds {share.max():.1%} of the variance and will "
            "dominate the model; scaling='columns' gives all columns equal weight",
            DataWarning,
            stacklevel=2,
        )
    return "standard"


def _in_unit_range(statistics: Statistics) -> bool:
    return statistics.low >= 0.0 and statistics.high <= 1.0 and statistics.high > statistics.low


def _in_byte_range(statistics: Statistics) -> bool:
    """Return whether the range is that of images, read as bytes and converted to another type."""
    return statistics.low == 0.0 and statistics.high == 255.0


def _is_dominated(statistics: Statistics) -> bool:
    """Return whether few columns hold nearly all the variance because of their units.

    The effective number of columns, (Σv)² / Σv², is then below 1.25, or below a fifth of at most
    500 columns. In the second case most means must also be far from 0 compared with the deviation,
    as for measurements, but not for principal components or rare counts.
    """
    variance, n_columns = statistics.variance, len(statistics.variance)
    if not variance.any():
        return False
    share = variance / max(variance.sum(), TINY)
    n_effective = 1.0 / max((share**2).sum(), TINY)
    if n_effective < min(MIN_EFFECTIVE_COLUMNS, n_columns / 2):
        return True
    varying = variance > 0
    relative_means = np.abs(statistics.mean[varying]) / np.sqrt(variance[varying])
    are_measurements = n_columns <= MAX_UNITS and np.median(relative_means) > MIN_RELATIVE_MEAN
    return bool(are_measurements and n_effective < n_columns / 5)


def _has_vanishing_columns(statistics: Statistics) -> bool:
    """Return whether a column varies so little that float32 would lose it beside the others."""
    deviation = np.sqrt(statistics.variance)
    varying = deviation[deviation > 0]
    return len(varying) > 0 and bool(varying.min() < MIN_RELATIVE_DEVIATION * varying.max())


_OffsetAndScale = tuple[float | np.ndarray, float | np.ndarray, bool]


def _unit_scale(statistics: Statistics, are_integers: bool) -> _OffsetAndScale:
    """Divide by the maximum of 8 or 16 bits if the rows use the upper half of its range."""
    if _in_unit_range(statistics):
        return 0.0, 1.0, True
    if are_integers and statistics.low >= 0:
        max_pixel = next((x for x in LARGEST_PIXELS if statistics.high <= x), 0.0)
        return 0.0, max_pixel if statistics.high > max_pixel / 2 else statistics.high or 1.0, True
    return statistics.low, (statistics.high - statistics.low) or 1.0, True


def _standard_scale(statistics: Statistics, are_integers: bool) -> _OffsetAndScale:
    return statistics.mean, np.sqrt(statistics.variance.mean()) or 1.0, False


def _column_scale(statistics: Statistics, are_integers: bool) -> _OffsetAndScale:
    deviation = np.sqrt(statistics.variance)
    is_constant = deviation <= 1e-7 * np.abs(statistics.mean)
    return statistics.mean, np.where(is_constant, 1.0, deviation), False


def _identity_scale(statistics: Statistics, are_integers: bool) -> _OffsetAndScale:
    return 0.0, 1.0, _in_unit_range(statistics)


_SCALINGS: dict[str, Callable[[Statistics, bool], _OffsetAndScale]] = {
    "unit": _unit_scale,
    "standard": _standard_scale,
    "columns": _column_scale,
    "none": _identity_scale,
}


# float32 loses more than 12 bits of a column whose mean exceeds this number of deviations.
MAX_RELATIVE_MEAN = 4096.0
SAMPLE_ROWS = 1000


def find_offset(rows: Source, seed: int = 0) -> np.ndarray | None:
    """Return the mean of each column that needs an offset, and 0 for others; None without offsets.

    The means are those of a uniform sample, in float64, in the shape of a row.
    """
    if rows.dtype.itemsize < 8 or rows.dtype.kind not in "iuf":
        return None
    sample = rows.sample(SAMPLE_ROWS, seed)[:].astype(np.float64)
    with np.errstate(all="ignore"):
        mean, deviation = sample.mean(axis=0), sample.std(axis=0)
        is_large = np.abs(mean) > MAX_RELATIVE_MEAN * deviation
    is_large &= (deviation > 0) & np.isfinite(mean)
    return np.where(is_large, mean, 0.0) if is_large.any() else None


class ShiftedRows(ConvertedRows):
    """Rows minus an offset, as float32; the difference is computed in float64."""

    dtype = np.dtype(np.float32)

    def __init__(self, rows: Source, offset: np.ndarray) -> None:
        super().__init__(rows)
        self.offset = offset.reshape(rows.row_shape)

    def take(self, indices: ArrayLike) -> np.ndarray:
        """Return the shifted rows at ``indices``."""
        return (self.rows.take(indices) - self.offset).astype(np.float32)
