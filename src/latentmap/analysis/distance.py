"""Distance between two codes, used by search and comparison."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.code_checks import check_codes, code_blocks
from latentmap.errors import UnknownNameError

DISTANCES = ("euclidean", "angular")
MAX_EUCLIDEAN_COMPONENTS = 3
# Components with a smaller deviation, relative to the largest, contain only rounding errors.
MIN_RELATIVE_DEVIATION = 1e-3
BLOCK_ROWS = 2**16


class CodeDistance:
    """Distance between codes, given the codes of reference rows.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        Codes of the searched rows, or of similar rows.
    kind : {"auto", "euclidean", "angular"}
        "auto" is "euclidean" for codes of at most three components, as on a map, else "angular".

    Attributes
    ----------
    kind : str
        "euclidean" or "angular".

    Raises
    ------
    DataError
        If the codes are not finite numbers of shape (n, n_components).
    UnknownNameError
        If the kind does not exist.

    Notes
    -----
    Let μ and σ be the mean and the standard deviation of each component, u = (z − μ) / √σ, and
    ρ² = ½ Σ σ, which is half the mean of ‖u‖². The angular distance maps a code to
    p = (u, ρ) / √(‖u‖² + ρ²), a point on the unit sphere, and is ‖p − q‖ = 2 sin(angle / 2), from
    0 to 2. It does not depend on the unit of the codes.

    Division by √σ reduces the weight of components with a large deviation, but does not equalise
    all components as whitening (division by σ) does, which amplifies noise. With σ, the distance is
    the whitened cosine, which performed best among distances between principal components of faces
    (H. Moon, P. J. Phillips, Perception 30, 2001; J. R. Beveridge et al., Machine Vision and
    Applications 16, 2005). H. Jégou and O. Chum (ECCV 2012) describe whitening for search. The
    additional coordinate ρ keeps part of the distance of a code from the mean, which the cosine
    ignores.

    Examples
    --------
    >>> wide = np.random.default_rng(0).normal(size=(50, 8))
    >>> CodeDistance(wide).kind, CodeDistance(wide[:, :2]).kind
    ('angular', 'euclidean')
    >>> CodeDistance([[0.0, 0.0], [6.0, 8.0]]).paired([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [5.0]
    """

    def __init__(self, codes: ArrayLike, kind: str = "auto") -> None:
        if kind not in ("auto", *DISTANCES):
            raise UnknownNameError("distance", kind, ("auto", *DISTANCES))
        codes = check_codes(codes, min_rows=1)
        self.n_components = codes.shape[1]
        is_narrow = self.n_components <= MAX_EUCLIDEAN_COMPONENTS
        self.kind = DISTANCES[not is_narrow] if kind == "auto" else kind
        self._center = _mean(codes, lambda block: block)
        deviation = np.sqrt(_mean(codes, lambda block: (block - self._center) ** 2))
        if not deviation.any():  # If all codes are equal, no component has a scale.
            deviation[:] = 1.0
        self._unit = deviation.max()
        deviation = np.maximum(deviation / self._unit, MIN_RELATIVE_DEVIATION)
        self._root_deviation = np.sqrt(deviation)
        self._squared_radius = deviation.sum() / 2

    def coordinates(self, codes: ArrayLike) -> np.ndarray:
        """Return points, float32, whose Euclidean distances are the distances of the codes.

        Their shape is (n, n_components), or (n, n_components + 1) for "angular". Codes that are not
        finite or have another number of components raise a DataError.
        """
        codes = check_codes(codes, self.n_components, min_rows=1)
        is_angular = self.kind == "angular"
        points = np.empty((len(codes), self.n_components + is_angular), np.float32)
        for start in range(0, len(codes), BLOCK_ROWS):
            block = codes[start : start + BLOCK_ROWS].astype(np.float64) - self._center
            points[start : start + BLOCK_ROWS] = self._to_sphere(block) if is_angular else block
        return points

    def paired(self, a: ArrayLike, b: ArrayLike) -> np.ndarray:
        """Return the distances of corresponding codes of a and b, float32 of shape (n,)."""
        difference = self.coordinates(a) - self.coordinates(b)
        return np.sqrt(np.einsum("ij,ij->i", difference, difference))

    def _to_sphere(self, differences: np.ndarray) -> np.ndarray:
        points = np.empty((len(differences), self.n_components + 1))
        points[:, :-1] = differences / self._unit / self._root_deviation
        points[:, -1] = np.sqrt(self._squared_radius)
        return points / np.linalg.norm(points, axis=1, keepdims=True)


def _mean(codes: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the mean of a function over all codes, in double precision."""
    sums = [function(block).sum(axis=0, dtype=np.float64) for _, block in code_blocks(codes)]
    return np.sum(sums, axis=0) / len(codes)
