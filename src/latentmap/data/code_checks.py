"""Checks of codes and layouts, which are plain arrays."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import as_numbers, check_finite, check_rows
from latentmap.data.memmap import release_pages
from latentmap.errors import DataError

BLOCK_ROWS = 2**20


def check_codes(
    codes: ArrayLike, n_components: int | None = None, *, name: str = "codes", min_rows: int = 0
) -> np.ndarray:
    """Return codes as float32; raise DataError unless they are finite and have the right shape."""
    as_array = np.asanyarray if isinstance(codes, np.memmap) else np.asarray
    try:
        numbers = as_array(codes)
        if np.iscomplexobj(numbers):
            raise TypeError
        array = as_array(numbers, dtype=np.float32)
    except (ValueError, TypeError):
        raise DataError(f"{name}: expected an array of real numbers, found other values") from None
    width = array.shape[1] if array.ndim == 2 else 0
    if width < 1 or width != (n_components or width) or len(array) < min_rows:
        expected = n_components or "n_components"
        min_rows_text = f", n at least {min_rows}" if min_rows > 1 else ""
        raise DataError(
            f"{name}: expected shape (n, {expected}){min_rows_text}, found {array.shape}"
        )
    for start, block in code_blocks(array):
        is_finite = np.isfinite(block).all(axis=1)
        if not is_finite.all():
            row = start + int(np.flatnonzero(~is_finite)[0])
            raise DataError(f"{name}, row {row}: expected finite numbers, found {array[row]}")
    return array


def code_blocks(codes: np.ndarray, size: int = BLOCK_ROWS) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first row number and the codes of each block, for codes in a memory-mapped file."""
    for start in range(0, len(codes), size):
        yield start, np.asarray(codes[start : start + size])
        release_pages(codes)


def check_layout(layout: ArrayLike, n_rows: int) -> np.ndarray:
    """Return a layout as float64; raise DataError unless it has a position for every row.

    A row of NaN has no position yet; at least one row must have one.
    """
    positions = as_numbers("layout", layout)
    check_rows("layout", positions.shape, positions.dtype)
    positions = positions.astype(np.float64)
    if positions.ndim != 2 or positions.shape[1] not in (2, 3) or len(positions) != n_rows:
        raise DataError(
            f"layout: expected shape ({n_rows}, 2) or ({n_rows}, 3), a position for every row, "
            f"found {positions.shape}"
        )
    is_missing = np.isnan(positions).all(axis=1)
    if is_missing.all():
        raise DataError(
            f"layout: expected a position for at least one of {n_rows:,} rows, found NaN in every "
            "row: leave out layout to compute all positions"
        )
    check_finite(np.where(is_missing[:, None], 0.0, positions), 0, "layout")
    return positions
