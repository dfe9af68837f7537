"""Variations of one row: codes around its own, going out in the directions that rows there differ.

A code is shaken as its neighbours differ from one another, so that variations stay where rows lie;
one that would come out improbable takes half the step, again and again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentmap.analysis.sampling import Probable, density_of, known_codes
from latentmap.data.code_checks import check_codes
from latentmap.errors import SettingError

__all__ = ["vary"]

NEIGHBORS = 50
HALVINGS = 30


def vary(
    estimator: Any,
    code: Any,
    n: int = 16,
    among: Any = None,
    *,
    spread: float = 1.0,
    density: Probable | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Give codes around one, ever farther from it.

    Parameters
    ----------
    estimator : fitted estimator
    code : array-like of shape (n_components,)
    n : int
        How many.
    among : array-like of shape (m, n_components), optional
        Codes of real rows. A ``LatentMap`` needs none: its landmarks and its ``density`` serve.
    spread : float
        How far the last variation goes, above 0: about 1 is as far as the 50 nearest codes differ
        from one another.
    density : CodeDensity, optional
        What tells how probable a code is, where it is known already.
    seed : int

    Returns
    -------
    ndarray of shape (n, n_components)
        float32. None is less probable than ``code``, unless it is more so than 5 % of real codes.

    Raises
    ------
    SettingError
        If ``n`` or ``spread`` is not above 0, or codes are needed and not given.
    DataError
        If the codes cannot be used.

    Notes
    -----
    zᵢ = code + spread · i/n · Σⱼ wᵢⱼ (cⱼ − c̄) / √(k − 1), w standard normal and cⱼ the k nearest
    codes: draws from N(code, (spread · i/n)² S), S their covariance. A smoothed bootstrap with a
    local covariance: B. W. Silverman, "Density Estimation for Statistics and Data Analysis",
    Chapman & Hall 1986, section 6.4.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> pca = PCA(2).fit(X)
    >>> codes = pca.transform(X)
    >>> around = vary(pca, codes[0], 4, codes, spread=0.1)
    >>> around.shape, bool(np.abs(around - codes[0]).max() < 0.5)
    ((4, 2), True)
    """
    if n < 1:
        raise SettingError(f"n: expected at least 1, found {n}")
    if not 0 < spread < np.inf:
        raise SettingError(f"spread: expected a number above 0, found {spread}")
    known = known_codes(estimator, among)
    start = check_codes(np.reshape(code, (1, -1)), known.shape[1]).astype(np.float64)
    steps = _shakes(known, start, n, seed) * (spread * np.arange(1, n + 1) / n)[:, None]
    density = density_of(estimator, known, seed=seed) if density is None else density
    return _probable_steps(density, start, steps)


def _shakes(codes: np.ndarray, start: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Draw steps as the codes nearest to ``start`` differ from their mean."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBORS, len(codes))
    near = NearestNeighbors(n_neighbors=count).fit(codes).kneighbors(start, return_distance=False)
    around = codes[near[0]] - codes[near[0]].mean(axis=0)
    weights = np.random.default_rng(seed).standard_normal((n, count))
    return weights @ around / np.sqrt(max(count - 1, 1))


def _probable_steps(density: Probable, start: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Halve each step until it ends where rows are probable."""
    least = min(density.floor, float(density.log_density(start)[0]))
    out = np.repeat(start, len(steps), axis=0).astype(np.float32)
    left = np.arange(len(steps))
    for _ in range(HALVINGS):
        ends = (start + steps[left]).astype(np.float32)
        good = density.log_density(ends) >= least
        out[left[good]] = ends[good]
        left = left[~good]
        if not len(left):
            break
        steps[left] /= 2
    return out
