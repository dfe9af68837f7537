"""Interpolation between two codes, in even steps along a path of high density."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.encoding import numeric_model
from latentmap.analysis.latent_path import high_density_path, interpolate_polyline
from latentmap.analysis.model_info import Decoder
from latentmap.analysis.sampling import Density, get_density, reference_codes
from latentmap.data.code_checks import check_codes
from latentmap.data.memory import check_requested_memory
from latentmap.number_checks import check_number, check_seed

# The time to find a path is quadratic in the number of reference codes.
MAX_NODES = 1500
# More steps are not equalised, because the path between two steps is nearly straight.
MAX_EQUALISED_STEPS = 4096
MAX_RATIO = 1.01
# Factors of the updates: full updates converge fast, and partial ones stop oscillations at turns.
UPDATE_FACTORS = (1.0,) * 30 + (0.3,) * 30
BLOCK_ROWS = 512


def interpolate(
    estimator: Decoder,
    a: ArrayLike,
    b: ArrayLike,
    n_codes: int = 16,
    reference: ArrayLike | None = None,
    *,
    density: Density | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Interpolate between two codes, in steps that change the decoded row evenly.

    The path is the straight line if its density is at least the median density of the codes. Else
    it follows neighbouring reference codes. Its minimum density is never lower than that of the
    straight line, and it crosses improbable regions only if there is no way around.

    Parameters
    ----------
    estimator : fitted estimator
        With ``inverse_transform``.
    a, b : array-like of shape (n_components,)
    n_codes : int
        Number of codes, including both ends; at least 2.
    reference : array-like of shape (m, n_components), optional
        Codes of real rows. A ``LatentMap`` uses its landmarks by default.
    density : CodeDensity, optional
        Density of the codes. By default the ``density`` of a ``LatentMap``, else a `CodeDensity`
        fitted to ``reference``.
    seed : int
        Random seed of the sample of 1,500 reference codes.

    Returns
    -------
    ndarray of shape (n_codes, n_components)
        float32, from ``a`` to ``b``.

    Raises
    ------
    SettingError
        If ``n_codes`` is below 2, or reference codes are needed and not given.
    DataError
        If the codes are not finite or have another number of components.

    Notes
    -----
    A code is improbable if its density is below the 5th percentile of the reference codes. The
    steps are moved along the path until the Euclidean distances between consecutive decoded rows
    differ by at most 1 %, or for 60 iterations. With few steps around sharp turns, they may still
    differ by a third.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> angle = np.random.default_rng(0).uniform(0, 4.5, 500)
    >>> arc = np.column_stack([np.cos(angle), np.sin(angle)])  # three quarters of a ring
    >>> arc += np.random.default_rng(1).normal(0, 0.1, arc.shape)
    >>> model = PCA(2).fit(arc)
    >>> codes = model.transform(arc)
    >>> a, b = codes[angle.argmin()], codes[angle.argmax()]
    >>> steps = model.inverse_transform(interpolate(model, a, b, 20, codes))
    >>> bool((np.linalg.norm(steps, axis=1) > 0.5).all())  # the path does not cross the hole
    True
    """
    check_number("n_codes", n_codes, Integral, 2)  # The number includes both ends of the path.
    check_seed(seed)
    reference_points = reference_codes(estimator, reference)
    check_requested_memory("n_codes", 8 * n_codes * (4 + 4 * reference_points.shape[1]))
    endpoints = np.concatenate(
        [check_codes(np.reshape(z, (1, -1)), reference_points.shape[1]) for z in (a, b)]
    )
    nodes = np.random.default_rng(seed).permutation(reference_points)[:MAX_NODES]
    density = density or get_density(estimator, reference_points, seed=seed)
    path = high_density_path(endpoints.astype(np.float64), nodes, density)
    steps = _equalise_steps(estimator, path, n_codes).astype(np.float32)
    steps[[0, -1]] = endpoints
    return steps


def step_sizes(estimator: Decoder, codes: ArrayLike) -> np.ndarray:
    """Return the Euclidean distances between the decoded rows of consecutive codes, shape (n − 1,).

    Decoded rows of a table are compared by their encoded numbers.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> pca = PCA(1).fit([[0.0, 0.0], [3.0, 4.0]])
    >>> step_sizes(pca, pca.transform([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])).round(6).tolist()
    [5.0, 5.0]
    """
    estimator, codes, sizes = numeric_model(estimator), check_codes(codes), []
    for start in range(0, len(codes) - 1, BLOCK_ROWS):
        rows = np.asarray(estimator.inverse_transform(codes[start : start + BLOCK_ROWS + 1]))
        flat = rows.reshape(len(rows), -1).astype(np.float64)
        sizes.append(np.linalg.norm(np.diff(flat, axis=0), axis=1))
    return np.concatenate(sizes)


def _equalise_steps(estimator: Decoder, path: np.ndarray, n: int) -> np.ndarray:
    """Return n codes on a path between which the decoded row changes by equal distances."""
    lengths = step_sizes(estimator, path)
    fractions = np.linspace(0, 1, n)
    steps = best_steps = interpolate_polyline(path, lengths, fractions)
    best_ratio = np.inf
    for factor in UPDATE_FACTORS if 2 < n <= MAX_EQUALISED_STEPS else ():
        sizes = step_sizes(estimator, steps)
        ratio = float(sizes.max() / max(sizes.min(), 1e-300))
        if ratio < best_ratio:
            best_steps, best_ratio = steps, ratio
        if best_ratio <= MAX_RATIO or not sizes.any():
            break
        sums = np.concatenate([[0.0], np.cumsum(sizes)])
        target = np.interp(np.linspace(0, sums[-1], n), sums, fractions)
        fractions = fractions + factor * (target - fractions)
        steps = interpolate_polyline(path, lengths, fractions)
    return best_steps
