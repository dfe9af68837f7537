"""Lookup of rows by equality of all their numbers."""

import numpy as np


class RowLookup:
    """Finds rows of an array that are equal to given rows.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Floating-point numbers.

    Examples
    --------
    >>> lookup = RowLookup(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]]))
    >>> lookup.find(np.array([[0.0, 3.0], [1.0, 2.0], [9.0, 9.0]])).tolist()
    [1, 0, -1]
    """

    def __init__(self, rows: np.ndarray) -> None:
        keys = _to_bytes(rows)
        # Of equal keys, a dict keeps the last value, so the first row is added last.
        self._indices = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        self._dtype = rows.dtype

    def find(self, rows: np.ndarray) -> np.ndarray:
        """Return the index of the first row equal to each given row, or −1; shape (m,)."""
        keys = _to_bytes(rows.astype(self._dtype, copy=False))
        return np.array([self._indices.get(key, -1) for key in keys], dtype=np.intp)


def _to_bytes(rows: np.ndarray) -> list[bytes]:
    words = np.ascontiguousarray(rows).view(f"u{rows.itemsize}")
    # −0 equals 0, but their bytes differ. Comparing integers is faster than adding a float16.
    negative_zero = words.dtype.type(1 << (8 * rows.itemsize - 1))
    array = np.where(words == negative_zero, words.dtype.type(0), words)
    return array.view(f"V{array.shape[1] * array.itemsize}").ravel().tolist()
