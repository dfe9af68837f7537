"""Random perturbations of a code that follow the local covariance of reference codes."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.sampling import Density, get_density, reference_codes
from latentmap.data.code_checks import check_codes
from latentmap.data.memory import check_requested_memory
from latentmap.errors import SettingError
from latentmap.number_checks import MAX_FLOAT, check_number, check_seed, format_value

N_NEIGHBORS = 50
MAX_HALVINGS = 30


def perturb(
    estimator: object,
    code: ArrayLike,
    n_samples: int = 16,
    reference: ArrayLike | None = None,
    *,
    spread: float = 1.0,
    density: Density | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return perturbed versions of a code, in ascending order of the perturbation.

    Parameters
    ----------
    estimator : fitted estimator
    code : array-like of shape (n_components,)
    n_samples : int
        Number of perturbed codes.
    reference : array-like of shape (m, n_components), optional
        Codes of real rows. A ``LatentMap`` uses its landmarks by default.
    spread : float
        Size of the last perturbation, above 0, in standard deviations of the 50 nearest codes.
    density : CodeDensity, optional
        Density of the codes. By default the ``density`` of a ``LatentMap``, else a `CodeDensity`
        fitted to ``reference``.
    seed : int

    Returns
    -------
    ndarray of shape (n_samples, n_components)
        float32. The density of each is at least that of ``code``, or the 5th percentile of the
        reference codes.

    Raises
    ------
    SettingError
        If ``n_samples`` or ``spread`` is not above 0, or reference codes are needed and not given.
    DataError
        If the codes are not finite or have another number of components.

    Notes
    -----
    zᵢ = code + spread · i/n · Σⱼ wᵢⱼ (cⱼ − c̄) / √(k − 1), for n samples, with standard normal w
    and the k nearest codes cⱼ. These are samples of N(code, (spread · i/n)² S), where S is the
    covariance of the cⱼ: a smoothed bootstrap (B. W. Silverman, "Density Estimation for
    Statistics and Data Analysis", Chapman & Hall 1986, section 6.4).

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> pca = PCA(2).fit(X)
    >>> codes = pca.transform(X)
    >>> perturbed = perturb(pca, codes[0], 4, codes, spread=0.1)
    >>> perturbed.shape, bool(np.abs(perturbed - codes[0]).max() < 0.5)
    ((4, 2), True)
    """
    check_number("n_samples", n_samples, Integral, 1)
    check_seed(seed)
    if not isinstance(spread, Real) or not 0 < spread <= MAX_FLOAT:
        raise SettingError(f"spread: expected a number above 0, found {format_value(spread)}")
    reference_points = reference_codes(estimator, reference)
    check_requested_memory(
        "n_samples", 8 * n_samples * (N_NEIGHBORS + 4 * reference_points.shape[1])
    )
    start = check_codes(np.reshape(code, (1, -1)), reference_points.shape[1]).astype(np.float64)
    sizes = float(spread) * np.arange(1, n_samples + 1) / n_samples
    steps = _sample_steps(reference_points, start, n_samples, seed) * sizes[:, None]
    density = density or get_density(estimator, reference_points, seed=seed)
    return _shorten_steps(density, start, steps)


def _sample_steps(codes: np.ndarray, start: np.ndarray, n_samples: int, seed: int) -> np.ndarray:
    """Draw steps from the covariance of the codes nearest to start."""
    from sklearn.neighbors import NearestNeighbors

    count = min(N_NEIGHBORS, len(codes))
    index = NearestNeighbors(n_neighbors=count).fit(codes)
    neighbors = codes[index.kneighbors(start, return_distance=False)[0]]
    weights = np.random.default_rng(seed).standard_normal((n_samples, count))
    return weights @ (neighbors - neighbors.mean(axis=0)) / np.sqrt(max(count - 1, 1))


def _shorten_steps(density: Density, start: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the ends of the steps, after halving those that end at a low density."""
    minimum = min(density.low_log_density, float(density.log_density(start)[0]))
    codes = np.repeat(start, len(steps), axis=0).astype(np.float32)
    step_numbers = np.arange(len(steps))
    for _ in range(MAX_HALVINGS):
        endpoints = (start + steps[step_numbers]).astype(np.float32)
        is_probable = density.log_density(endpoints) >= minimum
        codes[step_numbers[is_probable]] = endpoints[is_probable]
        step_numbers = step_numbers[~is_probable]
        if not len(step_numbers):
            break
        steps[step_numbers] /= 2
    return codes
