"""Density of codes, as a mixture of Gaussians or by the density of a map, and samples of rows."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.model_info import FittedMap, as_map
from latentmap.data.code_checks import check_codes
from latentmap.data.memory import check_requested_memory
from latentmap.errors import SettingError
from latentmap.number_checks import check_number, check_seed
from latentmap.progress import progress

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

# Codes with a lower density than this percentile of the reference codes are improbable.
LOW_PERCENTILE = 5.0
# More codes take minutes and hardly change the density.
MAX_CODES = 20_000
MAX_GAUSSIANS = 256
CODES_PER_GAUSSIAN = 20
HELD_OUT_FRACTION = 0.1
# The search ends at the second mixture that is not better, or at the first one that has more
# Gaussians than this.
MAX_RETRIED_GAUSSIANS = 32
# Minimum variance of a Gaussian in any direction, relative to that of all codes.
MIN_VARIANCE = 1e-4
# A larger mixture must improve the held-out log density by this number of standard errors.
MIN_STANDARD_ERRORS = 2.0
BLOCK_NUMBERS = 2**22


class Density(Protocol):
    """Density of codes, with the median and the 5th percentile of its log at reference codes."""

    median_log_density: float
    low_log_density: float

    def log_density(self, codes: ArrayLike) -> np.ndarray:
        """Return the log density at each code, shape (n,)."""


class CodeDensity:
    """Mixture of Gaussians fitted to codes.

    A tenth of the codes is held out, and the number of Gaussians is doubled from 1 while this
    increases the held-out log density significantly.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        At least 2. If there are more than 20,000, a random sample is used.
    seed : int
        Random seed of the sample and of the fit.
    verbose : bool
        Show a progress bar.

    Attributes
    ----------
    n_gaussians : int
    median_log_density, low_log_density : float
        The median and the 5th percentile of the log density at the codes.

    Raises
    ------
    DataError
        If the codes are not finite numbers of shape (n, n_components), with n at least 2.

    Notes
    -----
    p(z) = Σₖ πₖ N(z; μₖ, Σₖ), fitted by scikit-learn's expectation maximisation. P. Ghosh et al.,
    "From Variational to Deterministic Autoencoders", ICLR 2020, fit a density after the
    autoencoder.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.normal(size=(600, 2)) + 10 * rng.integers(0, 2, (600, 1))
    >>> density = CodeDensity(codes)
    >>> density.n_gaussians, density.sample(3, seed=1).shape
    (2, (3, 2))
    >>> between, within = density.log_density([[5, 5], [10, 10]])
    >>> bool(between < density.low_log_density < within)
    True
    """

    def __init__(self, codes: ArrayLike, *, seed: int = 0, verbose: bool = False) -> None:
        check_seed(seed)
        codes = _check_reference(codes)
        rng = np.random.default_rng(seed)
        sample = codes[rng.permutation(len(codes))[:MAX_CODES]]
        self.center, self.scale = sample.mean(axis=0), float(sample.std(axis=0).max()) or 1.0
        self.mixture = _select_mixture((sample - self.center) / self.scale, seed, verbose)
        self.n_gaussians = int(self.mixture.n_components)
        self.median_log_density, self.low_log_density = _quantiles(self.log_density(sample))

    @property
    def n_components(self) -> int:
        """The number of components of a code."""
        return len(self.center)

    def log_density(self, codes: ArrayLike) -> np.ndarray:
        """Return the natural logarithm of the density at each code, shape (n,)."""
        points = (check_codes(codes, self.n_components) - self.center) / self.scale
        size = max(1, BLOCK_NUMBERS // (self.n_components * self.n_gaussians))
        blocks = [
            self.mixture.score_samples(points[i : i + size]) for i in range(0, len(points), size)
        ]
        log_density = np.concatenate(blocks) if blocks else np.empty(0)
        return log_density - self.n_components * np.log(self.scale)

    def sample(self, n_samples: int = 1, seed: int | np.random.Generator = 0) -> np.ndarray:
        """Draw codes, float32 of shape (n_samples, n_components).

        A NumPy generator as seed continues its sequence, so that several batches can be drawn. A
        SettingError is raised if ``n_samples`` is below 1.
        """
        check_number("n_samples", n_samples, Integral, 1)
        check_requested_memory("n_samples", 8 * n_samples * (3 + 3 * self.n_components))
        if not isinstance(seed, np.random.Generator):
            check_seed(seed)
        rng, mixture = np.random.default_rng(seed), self.mixture
        components = rng.choice(
            self.n_gaussians, n_samples, p=mixture.weights_ / mixture.weights_.sum()
        )
        points = rng.standard_normal((n_samples, self.n_components))
        roots = np.linalg.cholesky(mixture.covariances_)
        for number in np.unique(components):
            is_member = components == number
            points[is_member] = mixture.means_[number] + points[is_member] @ roots[number].T
        return (points * self.scale + self.center).astype(np.float32)


class MapDensity:
    """Density of a map's own ``density`` method, with the interface of `CodeDensity`."""

    def __init__(self, model: FittedMap, codes: np.ndarray) -> None:
        self.model = model
        self.median_log_density, self.low_log_density = _quantiles(self.log_density(codes))

    def log_density(self, codes: ArrayLike) -> np.ndarray:
        """Return the natural logarithm of the map's density at each code, shape (n,)."""
        density = np.asarray(self.model.density(np.asarray(codes)), dtype=np.float64)
        return np.log(np.maximum(density, 1e-12))


def get_density(
    estimator: object, codes: ArrayLike | None = None, *, seed: int = 0, verbose: bool = False
) -> Density:
    """Return the density of an estimator's codes: a map's own, or one fitted to reference codes."""
    reference, model = reference_codes(estimator, codes), as_map(estimator)
    if model is not None:
        return MapDensity(model, reference)
    return CodeDensity(reference, seed=seed, verbose=verbose)


def reference_codes(estimator: object, codes: ArrayLike | None = None) -> np.ndarray:
    """Return the given codes as float64, or the landmarks of a map if there are none."""
    if codes is not None:
        return _check_reference(codes)
    model = as_map(estimator)
    if model is None:
        name = type(estimator).__name__
        raise SettingError(
            f"codes: expected codes of real rows, because {name} is not a map, found none"
        )
    return _check_reference(model.landmarks_)


def sample_rows(n_rows: int, max_rows: int, seed: int) -> np.ndarray:
    """Return the indices of at most ``max_rows`` random rows, in ascending order."""
    if n_rows <= max_rows:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, max_rows, replace=False))


def _check_reference(codes: ArrayLike) -> np.ndarray:
    return check_codes(codes, min_rows=2).astype(np.float64)


def _quantiles(log_density: np.ndarray) -> tuple[float, float]:
    return float(np.median(log_density)), float(np.percentile(log_density, LOW_PERCENTILE))


def _select_mixture(codes: np.ndarray, seed: int, verbose: bool) -> GaussianMixture:
    """Fit mixtures of increasing size; return the one with the best held-out log density."""
    n_held_out = round(HELD_OUT_FRACTION * len(codes))
    # Fitting float32 takes half the time of float64.
    held_out_codes, training_codes = codes[:n_held_out], codes[n_held_out:].astype(np.float32)
    counts = _mixture_sizes(len(training_codes) if n_held_out else 0)
    best_mixture, best_log_density, n_failures = None, np.full(n_held_out, -np.inf), 0
    with progress("Fitting a density to the codes", sum(counts), verbose) as advance:
        for count in counts:
            mixture = fit_mixture(training_codes, count, seed)
            log_density = mixture.score_samples(held_out_codes) if n_held_out else best_log_density
            if best_mixture is None or _is_better(log_density, best_log_density):
                best_mixture, best_log_density, n_failures = mixture, log_density, 0
            else:
                n_failures += 1
            advance(count, note=f"{count} Gaussians")
            if n_failures > (count <= MAX_RETRIED_GAUSSIANS):
                break
    return best_mixture


def _is_better(log_density: np.ndarray, previous_log_density: np.ndarray) -> bool:
    gain = log_density - previous_log_density
    return bool(gain.mean() > MIN_STANDARD_ERRORS * gain.std() / np.sqrt(len(gain)))


def _mixture_sizes(n_codes: int) -> list[int]:
    sizes = [1]
    while 2 * sizes[-1] <= min(MAX_GAUSSIANS, n_codes // CODES_PER_GAUSSIAN):
        sizes.append(2 * sizes[-1])
    return sizes


def fit_mixture(
    codes: np.ndarray,
    count: int,
    seed: int,
    *,
    max_iter: int = 30,
    tol: float = 1e-2,
    min_variance: float = MIN_VARIANCE,
) -> GaussianMixture:
    """Fit a mixture of Gaussians by expectation maximisation."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        count, reg_covar=min_variance, tol=tol, max_iter=max_iter, random_state=seed
    )
    with warnings.catch_warnings():
        # A fit that stops at ``max_iter`` iterations is accurate enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(codes)
