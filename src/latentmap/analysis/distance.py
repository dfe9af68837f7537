"""How far apart two codes are: what searching and comparing share.

The distance of a map is the one that is seen on it. Wider codes, of any estimator, are compared by
their direction as well: half whitened, and seen from a little way off. It needs the codes of some
rows, to know how wide each of their numbers is spread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from latentmap.data.memmap import release_pages
from latentmap.errors import DataError, UnknownNameError

__all__ = ["DISTANCES", "CodeDistance", "check_code_matrix", "code_blocks"]

DISTANCES = ("plain", "angle")
SEEN = 3
"""Codes of up to so many numbers are places that people look at."""
_NARROW = 1e-3  # of the widest number's deviation: less is rounding
_BLOCK = 2**16
_READ = 2**20


class CodeDistance:
    """The distance between codes, among the codes of some rows.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        Of the rows that are searched, or of rows like them.
    kind : {"auto", "plain", "angle"}
        "plain" is Euclid's. "angle" is below. "auto" is "plain" for codes of up to three numbers,
        which are places on a map, else "angle".

    Attributes
    ----------
    kind : str
        "plain" or "angle".

    Raises
    ------
    DataError
        If these are no finite codes.
    UnknownNameError
        If there is no such kind.

    Notes
    -----
    With μ and σ the mean and the deviation of each number of the code, u = (z − μ) / √σ, and
    ρ² = ½ Σ σ, half the mean of ‖u‖², a code stands at p = (u, ρ) / √(‖u‖² + ρ²), a point of a
    sphere; the distance of two is ‖p − q‖ = 2 sin(angle / 2), from 0 to 2, whatever the unit of the
    codes.

    Dividing by √σ weighs a number less the more it varies, but does not make all alike, as
    whitening does (division by σ): where numbers tell little, that would only amplify noise. With
    σ it is the whitened cosine, for years the best of the distances between principal components
    of faces (H. Moon, P. J. Phillips, Perception 30, 2001; J. R. Beveridge et al., Machine Vision
    and Applications 16, 2005); H. Jégou and O. Chum (ECCV 2012) tell what whitening does for
    searching. ρ keeps what a cosine drops, how far a code lies from the middle: where codes are
    wide nearly all of that is noise, where they are narrow it is half of what there is.

    Examples
    --------
    >>> wide = np.random.default_rng(0).normal(size=(50, 8))
    >>> CodeDistance(wide).kind, CodeDistance(wide[:, :2]).kind
    ('angle', 'plain')
    >>> CodeDistance([[0.0, 0.0], [6.0, 8.0]]).between([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [5.0]
    """

    def __init__(self, codes: Any, kind: str = "auto") -> None:
        if kind not in ("auto", *DISTANCES):
            raise UnknownNameError("distance", kind, ("auto", *DISTANCES))
        codes = check_code_matrix("codes", codes)
        self.width = codes.shape[1]
        self.kind = ("plain" if self.width <= SEEN else "angle") if kind == "auto" else kind
        self._center = _mean(codes, lambda block: block)
        spread = np.sqrt(_mean(codes, lambda block: (block - self._center) ** 2))
        if not spread.any():  # a single row, or all rows alike
            spread[:] = 1.0
        self._unit = spread.max()
        spread = np.maximum(spread / self._unit, _NARROW)
        self._root = np.sqrt(spread)
        self._squared_reach = spread.sum() / 2

    def points(self, codes: Any) -> np.ndarray:
        """Place codes where Euclid's distance is theirs.

        Parameters
        ----------
        codes : array-like of shape (n, n_components)

        Returns
        -------
        ndarray of shape (n, n_components) or, for "angle", (n, n_components + 1)
            float32.

        Raises
        ------
        DataError
            If a code has another width, or is not finite.
        """
        codes = check_code_matrix("codes", codes, self.width)
        out = np.empty((len(codes), self.width + (self.kind == "angle")), np.float32)
        for start in range(0, len(codes), _BLOCK):
            block = codes[start : start + _BLOCK].astype(np.float64) - self._center
            out[start : start + _BLOCK] = block if self.kind == "plain" else self._on_sphere(block)
        return out

    def between(self, a: Any, b: Any) -> np.ndarray:
        """Give the distance of each code of ``a`` to its partner in ``b``.

        Parameters
        ----------
        a, b : array-like of shape (n, n_components)

        Returns
        -------
        ndarray of shape (n,)
            float32, 0 or more; "angle" up to 2.
        """
        apart = self.points(a) - self.points(b)
        return np.sqrt(np.einsum("ij,ij->i", apart, apart))

    def _on_sphere(self, centered: np.ndarray) -> np.ndarray:
        points = np.empty((len(centered), self.width + 1))
        points[:, :-1] = centered / self._unit / self._root
        points[:, -1] = np.sqrt(self._squared_reach)
        return points / np.linalg.norm(points, axis=1, keepdims=True)


def code_blocks(codes: np.ndarray, size: int = _READ) -> Iterator[tuple[int, np.ndarray]]:
    """Go through codes that may lie in a mapped file; give each block's first row, and the block.

    Examples
    --------
    >>> [(start, len(block)) for start, block in code_blocks(np.zeros((5, 2)), size=3)]
    [(0, 3), (3, 2)]
    """
    for start in range(0, len(codes), size):
        yield start, np.asarray(codes[start : start + size])
        release_pages(codes)


def _mean(codes: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Give the mean of something over all codes, in double precision."""
    sums = [of(block).sum(axis=0, dtype=np.float64) for _, block in code_blocks(codes)]
    return np.sum(sums, axis=0) / len(codes)


def check_code_matrix(name: str, codes: Any, width: int | None = None) -> np.ndarray:
    """Check codes: finite numbers, (n, n_components), at least one row, of this width.

    Examples
    --------
    >>> check_code_matrix("codes", [[1, 2]]).dtype
    dtype('float32')
    >>> check_code_matrix("codes", [[1, 2]], 3)
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: codes: expected shape (n, 3), found (1, 2)
    """
    try:
        matrix = np.asanyarray(codes, dtype=np.float32)
    except (ValueError, TypeError):
        raise DataError(f"{name}: expected numbers, found something else") from None
    expected = "n_components" if width is None else width
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.shape[1] != (width or matrix.shape[1]):
        raise DataError(f"{name}: expected shape (n, {expected}), found {matrix.shape}")
    for start, block in code_blocks(matrix):
        if not np.isfinite(block).all():
            row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise DataError(f"{name}, row {row}: expected finite numbers, found {matrix[row]}")
    return matrix
