"""Checks of codes and layouts, which are plain arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import as_numbers, check_finite, check_rows
from latentmap.errors import DataError

__all__ = ["check_codes", "check_layout"]


def check_codes(codes: ArrayLike, n_components: int) -> np.ndarray:
    """Return codes as float32, or raise if they are not codes of n_components numbers.

    Raises
    ------
    DataError
        If the codes are not finite numbers of shape (n, n_components).

    Examples
    --------
    >>> check_codes([[1, 2]], 2)
    array([[1., 2.]], dtype=float32)
    """
    try:
        array = np.asarray(codes, dtype=np.float32)
    except (ValueError, TypeError):
        raise DataError("codes: expected numbers, found something else") from None
    if array.ndim != 2 or array.shape[1] != n_components:
        raise DataError(f"codes: expected shape (n, {n_components}), found {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise DataError(f"codes, row {row}: expected finite numbers, found {array[row]}")
    return array


def check_layout(layout: ArrayLike, n_rows: int) -> np.ndarray:
    """Return a user's layout as float64, or raise if it is not one position for every row.

    Raises
    ------
    DataError
        If the layout is not a matrix of finite numbers of shape (n_rows, 2) or (n_rows, 3).

    Examples
    --------
    >>> check_layout([[0, 1], [2, 3]], 2).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    positions = as_numbers("layout", layout)
    check_rows("layout", positions.shape, positions.dtype)
    positions = positions.astype(np.float64)
    if positions.ndim != 2 or positions.shape[1] not in (2, 3) or len(positions) != n_rows:
        raise DataError(
            f"layout: expected shape ({n_rows}, 2) or ({n_rows}, 3), a position for every row, "
            f"found {positions.shape}"
        )
    check_finite(positions, 0, "layout")
    return positions
