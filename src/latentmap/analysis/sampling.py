"""Where codes lie: a density, to draw new codes from and to tell improbable ones.

An autoencoder does not say how its codes are distributed. So a mixture of Gaussians is fitted to
them afterwards, as large as codes held out from it can bear: with fewer numbers than the codes it
cannot hold copies of rows. A map knows where its rows lie, and is asked.
"""

from __future__ import annotations

import warnings
from typing import Any, Protocol

import numpy as np

from latentmap.analysis.model_info import ModelInfo
from latentmap.data.code_checks import check_codes
from latentmap.errors import DataError, SettingError
from latentmap.progress import progress

__all__ = ["CodeDensity", "Probable", "density_of"]

LOW = 5.0
"""Codes less probable than this percentile of real ones count as improbable."""
MOST_CODES = 20_000
"""A density is fitted to at most so many codes: more add minutes, and little knowledge."""
MOST_GAUSSIANS = 256
FEWEST_A_GAUSSIAN = 20
HELD_OUT = 0.1
FEW = 32
"""Of so few Gaussians twice as many may be worse, and four times as many better; of more not."""
FLOOR = 1e-4
"""The least variance of a Gaussian in any direction, as a share of that of all codes."""
SURE = 2.0
"""By how many standard errors held-out codes must be more probable in a larger mixture."""
BLOCK_NUMBERS = 2**22


class Probable(Protocol):
    """What can tell how probable codes are."""

    floor: float
    usual: float

    def log_density(self, codes: Any) -> np.ndarray:
        """Give the logarithm of the density at each code."""


class CodeDensity:
    """A mixture of Gaussians, fitted to codes.

    A tenth of the codes is held out, and the number of Gaussians doubled from 1 for as long as that
    makes these clearly more probable.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        At least 2, best of many rows; of more than 20,000 a random sample is looked at.
    seed : int
        Chooses the sample and the start of the fit.
    visible : bool
        Show a bar with the time left.

    Attributes
    ----------
    n_gaussians : int
    usual, floor : float
        The logarithm of the density at the middle code, and at one rarer than 95 % of them.

    Raises
    ------
    DataError
        If these are no codes, or fewer than 2.

    Notes
    -----
    p(z) = Σₖ πₖ N(z; μₖ, Σₖ), by scikit-learn's expectation maximisation. A density fitted after
    the autoencoder: P. Ghosh et al., "From Variational to Deterministic Autoencoders", ICLR 2020.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.normal(size=(600, 2)) + 10 * rng.integers(0, 2, (600, 1))  # two heaps
    >>> density = CodeDensity(codes)
    >>> density.n_gaussians, density.sample(3, seed=1).shape
    (2, (3, 2))
    >>> between, within = density.log_density([[5, 5], [10, 10]])
    >>> bool(between < density.floor < within)
    True
    """

    def __init__(self, codes: Any, *, seed: int = 0, visible: bool = False) -> None:
        codes = _checked(codes)
        rng = np.random.default_rng(seed)
        some = codes[rng.permutation(len(codes))[:MOST_CODES]]
        self.center, self.scale = some.mean(axis=0), float(some.std(axis=0).max()) or 1.0
        self.mixture = _largest_that_holds((some - self.center) / self.scale, seed, visible)
        self.n_gaussians = int(self.mixture.n_components)
        heights = self.log_density(some)
        self.usual, self.floor = float(np.median(heights)), float(np.percentile(heights, LOW))

    @property
    def n_components(self) -> int:
        """Numbers in a code."""
        return len(self.center)

    def log_density(self, codes: Any) -> np.ndarray:
        """Give the natural logarithm of the density at each code, shape (n,)."""
        spots = (check_codes(codes, self.n_components) - self.center) / self.scale
        size = max(1, BLOCK_NUMBERS // (self.n_components * self.n_gaussians))
        blocks = [
            self.mixture.score_samples(spots[i : i + size]) for i in range(0, len(spots), size)
        ]
        heights = np.concatenate(blocks) if blocks else np.empty(0)
        return heights - self.n_components * np.log(self.scale)

    def sample(self, n: int = 1, seed: Any = 0) -> np.ndarray:
        """Draw codes.

        Parameters
        ----------
        n : int
        seed : int or numpy.random.Generator
            A generator goes on where it is, for one batch after another.

        Returns
        -------
        ndarray of shape (n, n_components)
            float32.

        Raises
        ------
        SettingError
            If ``n`` is below 1.
        """
        if n < 1:
            raise SettingError(f"n: expected at least 1, found {n}")
        rng, mixture = np.random.default_rng(seed), self.mixture
        chosen = rng.choice(self.n_gaussians, n, p=mixture.weights_ / mixture.weights_.sum())
        spots = rng.standard_normal((n, self.n_components))
        roots = np.linalg.cholesky(mixture.covariances_)
        for number in np.unique(chosen):
            own = chosen == number
            spots[own] = mixture.means_[number] + spots[own] @ roots[number].T
        return (spots * self.scale + self.center).astype(np.float32)


class _MapDensity:
    """What a map itself tells, in the manner of `CodeDensity`."""

    def __init__(self, model: Any, codes: np.ndarray) -> None:
        self.model = model
        heights = self.log_density(codes)
        self.usual, self.floor = float(np.median(heights)), float(np.percentile(heights, LOW))

    def log_density(self, codes: Any) -> np.ndarray:
        dense = np.asarray(self.model.density(codes), dtype=np.float64)
        return np.log(np.maximum(dense, 1e-12))


def density_of(
    estimator: Any, codes: Any = None, *, seed: int = 0, visible: bool = False
) -> Probable:
    """Give what tells how probable codes are: a map's own density, or one fitted to codes.

    Parameters
    ----------
    estimator : fitted estimator
    codes : array-like of shape (n, n_components), optional
        Of real rows. A ``LatentMap`` needs none.
    seed : int
    visible : bool
        Show a bar with the time left.

    Returns
    -------
    Probable
        With ``log_density``, and the ``usual`` and ``floor`` of real codes.

    Raises
    ------
    SettingError
        If codes are needed and not given.
    """
    known = known_codes(estimator, codes)
    if ModelInfo.from_estimator(estimator).is_map:
        return _MapDensity(estimator, known)
    return CodeDensity(known, seed=seed, visible=visible)


def known_codes(estimator: Any, codes: Any = None) -> np.ndarray:
    """Check codes, or where none are given take the landmarks of a map, which lie where rows do."""
    if codes is not None:
        return _checked(codes)
    if not ModelInfo.from_estimator(estimator).is_map:
        kind = type(estimator).__name__
        raise SettingError(f"codes: expected those of real rows, as {kind} is no map, found none")
    return _checked(estimator.landmarks_)


def _checked(codes: Any) -> np.ndarray:
    """Check codes to fit to; as float64."""
    shape = np.shape(codes)
    if len(shape) != 2 or shape[0] < 2 or shape[1] < 1:
        raise DataError(f"codes: expected at least 2, of shape (n, n_components), found {shape}")
    return check_codes(codes, shape[1]).astype(np.float64)


def _largest_that_holds(codes: np.ndarray, seed: int, visible: bool) -> Any:
    """Fit ever larger mixtures; give the one that makes held-out codes most probable."""
    held = round(HELD_OUT * len(codes))
    fitted, unseen = codes[held:], codes[:held]
    counts = _counts(len(fitted) if held else 0)
    best, heights, worse = None, np.full(held, -np.inf), 0
    with progress("Fitting a density to the codes", sum(counts), visible) as advance:
        for count in counts:
            mixture = _mixture(fitted, count, seed)
            found = mixture.score_samples(unseen) if held else heights
            better = best is None or _ahead(found, heights)
            best, heights = (mixture, found) if better else (best, heights)
            worse = 0 if better else worse + 1
            advance(count, note=f"{count} Gaussians")
            if worse > (count <= FEW):
                break
    return best


def _ahead(found: np.ndarray, before: np.ndarray) -> bool:
    lead = found - before
    return bool(lead.mean() > SURE * lead.std() / np.sqrt(len(lead)))


def _counts(n_codes: int) -> list[int]:
    counts = [1]
    while 2 * counts[-1] <= min(MOST_GAUSSIANS, n_codes // FEWEST_A_GAUSSIAN):
        counts.append(2 * counts[-1])
    return counts


def _mixture(codes: np.ndarray, count: int, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(count, reg_covar=FLOOR, tol=1e-2, max_iter=30, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough; or equal codes
        return mixture.fit(codes.astype(np.float32))  # twice as fast, and as good
