"""Rows and codes as arrays of numbers, and checks of the arguments of metrics."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.sampling import sample_rows
from latentmap.data.code_checks import check_codes
from latentmap.data.sources import Source
from latentmap.data.types import DataLike
from latentmap.errors import DataError
from latentmap.number_checks import check_number, check_seed


def flatten(rows: ArrayLike) -> np.ndarray:
    """Return rows as float32 of shape (n, d), for which distances take half the memory."""
    array = np.asarray(rows)
    flat = array.reshape(len(array), -1).astype(np.float32, copy=False)
    # The mean of each encoded column is 0, so 0 replaces missing values.
    is_missing = np.isnan(flat)
    return np.where(is_missing, np.float32(0), flat) if is_missing.any() else flat


def flatten_rows(rows: np.ndarray) -> np.ndarray:
    """Return raw rows as float32 of shape (n, d), without offsets that float32 cannot resolve."""
    flat = rows.reshape(len(rows), -1)
    return flatten(flat - np.nan_to_num(flat).mean(axis=0) if flat.dtype.itemsize == 8 else flat)


def read_rows_and_codes(
    X: DataLike, codes: ArrayLike, max_rows: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return flat rows and their codes, or a random sample of them; raise DataError if they differ.

    Only the sampled rows are read.
    """
    source, points = numeric_rows(None, X), check_codes(codes)
    check_length("codes", len(points), len(source))
    if max_rows is None:
        return flatten_rows(read_rows(source)), points
    check_number("max_rows", max_rows, Integral, 1)
    check_seed(seed)
    sample = sample_rows(len(source), max_rows, seed)
    return flatten_rows(read_rows(source.subset(sample))), points[sample]


def read_rows(source: Source) -> np.ndarray:
    """Read all rows, with 0 for a missing value of a table; raise DataError for other NaNs."""
    rows = source[:]
    source.check(rows, 0)
    return fill_missing(source, rows)


def fill_missing(source: Source, rows: np.ndarray) -> np.ndarray:
    """Return rows of a source with 0 for missing values; the mean of an encoded column is 0."""
    return np.nan_to_num(rows) if source.allow_nan else rows


def check_length(name: str, length: int, expected: int) -> None:
    """Raise DataError unless an argument has one entry for each row."""
    if length != expected:
        raise DataError(f"{name}: expected {expected}, one for each row, found {length}")


def check_width(name: str, width: int, expected: int, reference: str) -> None:
    """Raise DataError unless rows or codes have as many numbers as those of the reference."""
    if width != expected:
        unit = "components" if "codes" in name else "numbers"
        raise DataError(f"{name}: expected {expected} {unit}, as in {reference}, found {width}")
