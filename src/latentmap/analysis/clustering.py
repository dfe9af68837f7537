"""Groups of rows, by their codes: as many as asked for, or as the codes themselves show.

A sample of the codes is grouped, and its codes vote on all others, fitted or new. So a million rows
take little longer than the sample, and ``predict`` is what also gave the labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latentmap.analysis.density_peaks import Landscape, basins_of, merges, survey
from latentmap.analysis.nearest_labels import Voters, elected
from latentmap.data.code_checks import check_codes
from latentmap.errors import SettingError
from latentmap.progress import progress

__all__ = ["Clusters", "cluster"]

SAMPLE = 20_000
"""Codes that are grouped; all others follow them."""
EVIDENCE = 2.0
"""A cluster that nobody asked for has an excess mass of so many times k codes;"""
NOISE = 6.0
"""and stands so many times the deviation of log f, 1/√k, above its pass."""
PARAMETER_ROWS = 3
"""Codes for each number of a mixture: with fewer, means without shapes must do."""
STARTS = 3


@dataclass(frozen=True)
class Clusters:
    """Rows in groups.

    Attributes
    ----------
    labels : ndarray of shape (n,), int
        The cluster of each row, from 0, the largest first.
    sure : ndarray of shape (n,)
        The share of a row's nearest sampled codes that lie in its cluster, in 0–1: below 1 near a
        border.
    sizes : ndarray of shape (n_clusters,), int
        Rows in each.
    typical : tuple of ndarray
        For each cluster the numbers of its most typical rows: the densest one, then each time the
        densest that is farther from those before than their neighbours are.
    found : bool
        Whether the codes showed how many clusters there are.
    by : {"density", "mixture", "means"}
        How the rows were parted.
    """

    labels: np.ndarray
    sure: np.ndarray
    sizes: np.ndarray
    typical: tuple[np.ndarray, ...]
    found: bool
    by: str
    _voters: Voters = field(repr=False)

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return len(self.sizes)

    def predict(self, codes: Any, verbose: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Tell the cluster of other codes.

        Parameters
        ----------
        codes : array-like of shape (m, n_components)
        verbose : bool
            Show progress with the time left.

        Returns
        -------
        labels : ndarray of shape (m,), int
        sure : ndarray of shape (m,)
            As in the attributes. A row far from all clusters is given the nearest one, too.

        Raises
        ------
        DataError
            If these are no finite codes of this width.
        """
        points = check_codes(codes, self._voters.points.shape[1], min_rows=1)
        return self._voters.vote(points, verbose)


def cluster(
    codes: Any,
    n_clusters: int | None = None,
    *,
    typical: int = 10,
    seed: int = 0,
    verbose: bool = False,
) -> Clusters:
    """Group rows by their codes.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        Of any estimator.
    n_clusters : int, optional
        How many clusters there shall be. Without it, as many as the codes show, which may be one.
    typical : int
        Typical rows to name for each cluster, or all where it has fewer.
    seed : int
        Chooses the sample where there are more than 20,000 rows, and where a mixture starts.
    verbose : bool
        Show progress with the time left.

    Returns
    -------
    Clusters
        Every row is in one.

    Raises
    ------
    DataError
        If these are no finite codes.
    SettingError
        If there are fewer different codes than clusters, or a number is below 1.

    Notes
    -----
    Of at most 20,000 codes, sampled uniformly, a density is taken over k neighbours: √n on a plane,
    fewer in more dimensions, 10 to 100 (see `latentmap.analysis.density_peaks.survey`). Its peaks
    merge one by one as the sea level sinks; the lesser of two groups that meet has an excess mass
    over the pass, and a prominence (see `latentmap.analysis.density_peaks.merges`).

    *Found from the codes* are the groups with an excess mass of at least 2 k codes and a prominence
    of at least 6 / √k, and one more: random bumps of one cluster stay below.

    *Asked for* n_clusters, those with the greatest excess mass are taken, if they have at least k
    codes each. Where the density shows fewer, there is nothing to see that would part the rows, and
    they are parted as a mixture of n_clusters Gaussians (G. J. McLachlan, D. Peel, "Finite Mixture
    Models", 2000), best of three starts; or, where rows are too few to tell its shapes (three for
    each of its numbers), by k-means.

    Each row, sampled or not, then goes with the majority of its 15 nearest sampled codes (fewer
    where a cluster would vanish).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = np.concatenate([rng.normal(0, 1, (300, 2)), rng.normal(9, 1, (200, 2))])
    >>> groups = cluster(codes)
    >>> groups.n_clusters, groups.sizes.tolist()
    (2, [300, 200])
    >>> groups.predict([[8.0, 9.0]])[0].tolist()
    [1]
    >>> cluster(codes, 3).sizes.sum()
    np.int64(500)
    """
    points = check_codes(codes, min_rows=1)
    _check_numbers(n_clusters, typical)
    rows = _sampled(len(points), seed)
    some = points[rows].astype(np.float64)
    if n_clusters is not None:
        _check_different(some, n_clusters)
    if (some == some[0]).all():
        land, groups, by = _flat(len(some)), np.zeros(len(some), np.intp), "density"
    else:
        land = survey(some, visible=verbose)
        groups, by = _parted(land, some, n_clusters, seed, verbose)
    voters, labels, sure = elected(some, groups, points, verbose)
    return Clusters(
        labels,
        sure,
        np.bincount(labels),
        _typical(land, some, rows, labels[rows], typical),
        n_clusters is None,
        by,
        voters,
    )


# -- checks and samples ----------------------------------------------------------------------------


def _check_numbers(n_clusters: Any, typical: Any) -> None:
    for name, value in (("n_clusters", n_clusters), ("typical", typical)):
        if value is None and name == "n_clusters":
            continue
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise SettingError(f"{name}: expected an integer above 0, found {value!r}")


def _check_different(points: np.ndarray, n_clusters: int) -> None:
    different = len(np.unique(points, axis=0))
    if n_clusters > different:
        raise SettingError(
            f"n_clusters: expected at most the number of different codes, {different:,}, "
            f"found {n_clusters}"
        )


def _sampled(count: int, seed: int) -> np.ndarray:
    if count <= SAMPLE:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, SAMPLE, replace=False))


def _flat(count: int) -> Landscape:
    """Give the landscape of codes that are all the same."""
    nothing, ones = np.zeros(count), np.zeros(count, np.intp)
    return Landscape(nothing, ones, ones[:1], np.zeros((1, 1)), nothing, 1)


# -- grouping the sample ---------------------------------------------------------------------------


def _parted(
    land: Landscape, points: np.ndarray, n_clusters: int | None, seed: int, visible: bool
) -> tuple[np.ndarray, str]:
    """Group the sampled codes; tell how it was done."""
    tree, k = merges(land), land.k
    main = set(range(len(land.tops))) - {merge.lesser for merge in tree}
    chosen = [merge for merge in tree if _stands_out(merge, k)]
    if n_clusters is not None:
        by_excess = sorted(tree, key=lambda merge: -merge.excess)
        chosen = [merge for merge in by_excess[: n_clusters - 1] if merge.excess >= k]
        if len(chosen) < n_clusters - 1:
            return _mixture(points, n_clusters, seed, visible)
    return basins_of(land, tree, main | {merge.lesser for merge in chosen}), "density"


def _stands_out(merge: Any, k: int) -> bool:
    return merge.excess >= EVIDENCE * k and merge.prominence >= NOISE / k**0.5


def _mixture(
    points: np.ndarray, n_clusters: int, seed: int, visible: bool
) -> tuple[np.ndarray, str]:
    """Part codes by the likeliest of some mixtures of Gaussians, or by k-means."""
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    width = points.shape[1]
    numbers = n_clusters * (1 + width + width * (width + 1) // 2)
    if len(points) < PARAMETER_ROWS * numbers:
        means = KMeans(n_clusters, n_init=10, random_state=seed).fit(points)
        return means.labels_, "means"
    scaled = (points - points.mean(axis=0)) / (points.std() or 1.0)
    fitted = []
    with progress(f"Fitting mixtures of {n_clusters}", STARTS, visible) as advance:
        for start in range(STARTS):
            mixture = GaussianMixture(n_clusters, random_state=seed + start, max_iter=200)
            fitted.append(_quietly(mixture.fit, scaled))
            advance(1)
    return max(fitted, key=lambda mixture: mixture.lower_bound_).predict(scaled), "mixture"


def _quietly(fit: Any, points: np.ndarray) -> Any:
    """Fit without the warning that the last digits have not settled: the best start is taken."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit(points)


# -- typical rows ----------------------------------------------------------------------------------


def _typical(
    land: Landscape, points: np.ndarray, rows: np.ndarray, labels: np.ndarray, most: int
) -> tuple[np.ndarray, ...]:
    """Name the densest rows of each cluster that are apart from each other."""
    order = np.argsort(-land.height, kind="stable")
    return tuple(
        rows[_apart(points, land.reach, order[labels[order] == group], most)]
        for group in range(labels.max() + 1)
    )


def _apart(points: np.ndarray, reach: np.ndarray, order: np.ndarray, most: int) -> np.ndarray:
    """Choose from the front those out of reach of the ones before; then fill up in order."""
    free, chosen = np.ones(len(order), bool), list[int]()
    while free.any() and len(chosen) < most:
        first = int(free.argmax())
        chosen.append(first)
        apart = np.linalg.norm(points[order] - points[order[first]], axis=1)
        free &= apart > reach[order[first]]
    rest = np.setdiff1d(np.arange(len(order)), chosen)[: most - len(chosen)]
    return order[np.concatenate([chosen, rest]).astype(np.intp)]
