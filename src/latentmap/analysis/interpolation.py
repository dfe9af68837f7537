"""A walk from one code to another: even steps along a way through probable codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from latentmap.analysis.latent_path import along, probable_path
from latentmap.analysis.sampling import Probable, density_of, known_codes
from latentmap.data.code_checks import check_codes
from latentmap.errors import SettingError

__all__ = ["step_sizes", "walk"]

MOST_NODES = 1500
"""Codes that a walk may go by: the cost is their number squared."""
MOST_EVENED = 4096
"""More steps are so small that what lies between two of them is straight."""
EVEN = 1.01
PULLS = (1.0,) * 30 + (0.3,) * 30
"""How far steps are moved to their places: all the way, until some swing about a sharp turn."""
BLOCK = 512


def walk(
    estimator: Any,
    a: Any,
    b: Any,
    n: int = 16,
    among: Any = None,
    *,
    density: Probable | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Go from one code to another in steps that change the decoded row evenly.

    Where the straight line crosses only codes as probable as the middle one, that is the way. Else
    it leads round, by neighbours among real codes: never through rarer ones than the straight line,
    and through improbable ones only where there is no way round.

    Parameters
    ----------
    estimator : fitted estimator
        With ``inverse_transform``. A ``LatentMap``'s ``density`` tells what is improbable; for
        others a `CodeDensity` of ``among`` does.
    a, b : array-like of shape (n_components,)
    n : int
        Codes in the walk with both ends, at least 2.
    among : array-like of shape (m, n_components), optional
        Codes of real rows. A ``LatentMap`` needs none: its landmarks serve.
    density : CodeDensity, optional
        What tells how probable a code is, where it is known already.
    seed : int
        Chooses 1,500 codes to go by where there are more.

    Returns
    -------
    ndarray of shape (n, n_components)
        float32, from ``a`` to ``b``.

    Raises
    ------
    SettingError
        If ``n`` is below 2, or codes are needed and not given.
    DataError
        If the codes cannot be used.

    Notes
    -----
    "Improbable" is a density below that at 95 % of real codes. The places of the steps are moved
    along the path until the Euclidean distances between consecutive decoded rows differ by 1 % at
    most, or 60 times: where a path has sharp turns for want of a better one, and steps are few,
    they may still differ by a third.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> angle = np.random.default_rng(0).uniform(0, 4.5, 500)
    >>> arc = np.column_stack([np.cos(angle), np.sin(angle)])  # three quarters of a ring
    >>> arc += np.random.default_rng(1).normal(0, 0.1, arc.shape)
    >>> model = PCA(2).fit(arc)
    >>> codes = model.transform(arc)
    >>> a, b = codes[angle.argmin()], codes[angle.argmax()]
    >>> steps = model.inverse_transform(walk(model, a, b, 20, codes))
    >>> bool((np.linalg.norm(steps, axis=1) > 0.5).all())  # round the hole, not across it
    True
    """
    if n < 2:
        raise SettingError(f"n: expected at least 2 steps, both ends being two, found {n}")
    known = known_codes(estimator, among)
    ends = np.concatenate([check_codes(np.reshape(z, (1, -1)), known.shape[1]) for z in (a, b)])
    nodes = np.random.default_rng(seed).permutation(known)[:MOST_NODES]
    density = density_of(estimator, known, seed=seed) if density is None else density
    path = probable_path(ends.astype(np.float64), nodes, density)
    steps = _even(estimator, path, n).astype(np.float32)
    steps[[0, -1]] = ends
    return steps


def step_sizes(estimator: Any, codes: Any) -> np.ndarray:
    """Give the Euclidean distances between the decoded rows of consecutive codes, shape (n − 1,).

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> pca = PCA(1).fit([[0.0, 0.0], [3.0, 4.0]])
    >>> step_sizes(pca, pca.transform([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])).round(6).tolist()
    [5.0, 5.0]
    """
    return np.concatenate(list(_step_blocks(estimator, np.asarray(codes, np.float32))))


def _step_blocks(estimator: Any, codes: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(codes) - 1, BLOCK):
        rows = np.asarray(estimator.inverse_transform(codes[start : start + BLOCK + 1]))
        flat = rows.reshape(len(rows), -1).astype(np.float64)
        yield np.linalg.norm(np.diff(flat, axis=0), axis=1)


def _even(estimator: Any, path: np.ndarray, n: int) -> np.ndarray:
    """Place n steps on a path so that decoded rows change by the same from each to the next."""
    lengths = step_sizes(estimator, path)
    shares = np.linspace(0, 1, n)
    best, ratio = along(path, lengths, shares), np.inf
    steps = best
    for pull in PULLS if 2 < n <= MOST_EVENED else ():
        sizes = step_sizes(estimator, steps)
        found = float(sizes.max() / max(sizes.min(), 1e-300))
        if found < ratio:
            best, ratio = steps, found
        if ratio <= EVEN or not sizes.any():
            break
        sums = np.concatenate([[0.0], np.cumsum(sizes)])
        wanted = np.interp(np.linspace(0, sums[-1], n), sums, shares)
        shares = shares + pull * (wanted - shares)
        steps = along(path, lengths, shares)
    return best
