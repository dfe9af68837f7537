"""Subtraction of large offsets in double precision, before networks compute in float32.

float32 resolves 24 bits. Numbers such as times in seconds since 1970, which vary by a few seconds,
would all be equal in float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.converted_rows import ConvertedRows
from latentmap.data.sources import Source

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
