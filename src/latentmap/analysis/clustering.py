"""Clustering of rows: a sample of codes is clustered, and all other codes are assigned by vote."""

from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.density_peaks import (
    DensityModes,
    Merge,
    assign_modes,
    find_modes,
    merge_tree,
)
from latentmap.analysis.nearest_labels import NearestLabelClassifier, fit_classifier
from latentmap.analysis.sampling import fit_mixture, sample_rows
from latentmap.data.code_checks import check_codes
from latentmap.errors import SettingError
from latentmap.number_checks import check_number, check_seed
from latentmap.progress import progress

SAMPLE_ROWS = 20_000
# If the number of clusters is estimated, a cluster has at least this excess mass, in units of the
# number k of neighbours, and this prominence, in units of 1 / √k, the standard deviation of the log
# density.
MIN_EXCESS_MASS = 2.0
MIN_PROMINENCE = 6.0
# With fewer codes per parameter of a mixture, k-means is used instead.
CODES_PER_PARAMETER = 3
MIXTURE_STARTS = 3


@dataclass(frozen=True)
class Clusters:
    """Result of `cluster`.

    Attributes
    ----------
    labels : ndarray of shape (n,), int
        The cluster of each row, from 0, in descending order of size.
    confidence : ndarray of shape (n,)
        Share of a row's nearest sampled codes that are in its cluster, from 0 to 1; below 1 near
        the border of a cluster.
    sizes : ndarray of shape (n_clusters,), int
    exemplars : tuple of ndarray
        Row numbers of typical rows of each cluster: the row of highest density, then repeatedly
        the densest row that is not a neighbour of the previous ones.
    is_count_estimated : bool
        Whether the number of clusters was estimated.
    method : {"density", "mixture", "kmeans"}
    """

    labels: np.ndarray
    confidence: np.ndarray
    sizes: np.ndarray
    exemplars: tuple[np.ndarray, ...]
    is_count_estimated: bool
    method: str
    _classifier: NearestLabelClassifier = field(repr=False)

    @property
    def n_clusters(self) -> int:
        """The number of clusters."""
        return len(self.sizes)

    def predict(self, codes: ArrayLike, verbose: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels and the confidence of other codes, each of shape (m,).

        A code that is far from all clusters is assigned to the nearest one. Codes that are not
        finite or have another number of components raise a DataError.
        """
        points = check_codes(codes, self._classifier.points.shape[1], min_rows=1)
        return self._classifier.predict(points, verbose)


def cluster(
    codes: ArrayLike,
    n_clusters: int | None = None,
    *,
    n_exemplars: int = 10,
    seed: int = 0,
    verbose: bool = False,
) -> Clusters:
    """Cluster rows by their codes.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        Codes of any estimator.
    n_clusters : int, optional
        Number of clusters; by default it is estimated and may be one.
    n_exemplars : int
        Maximum number of typical rows that are returned for each cluster.
    seed : int
        Random seed of the sample of 20,000 rows and of the mixture.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    Clusters
        Every row belongs to a cluster.

    Raises
    ------
    DataError
        If the codes are not finite numbers of shape (n, n_components).
    SettingError
        If a number is below 1, or there are fewer distinct codes than clusters.

    Notes
    -----
    The density of at most 20,000 codes is estimated from k nearest neighbours, 10 to 100 depending
    on the intrinsic dimension and, if the codes form many islands, on their size (see
    `latentmap.analysis.density_peaks.find_modes`). Its modes merge as the density level decreases.
    At each merge, the smaller group has an excess mass and a prominence above the saddle (see
    `latentmap.analysis.density_peaks.merge_tree`).

    If the number of clusters is estimated, the clusters are the groups with an excess mass of at
    least 2 k codes and a prominence of at least 6 / √k, and the last group that remains. Random
    fluctuations within one cluster stay below these thresholds.

    If ``n_clusters`` is given, the clusters are the groups with the largest excess mass, of at
    least k codes each. If there are fewer, a mixture of Gaussians is fitted (G. J. McLachlan,
    D. Peel, "Finite Mixture Models", 2000), the best of three starts; or k-means is used if there
    are fewer than three codes for each parameter of the mixture.

    Each row is then assigned to the majority of its 15 nearest sampled codes, or of fewer if a
    cluster would otherwise lose all its rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = np.concatenate([rng.normal(0, 1, (300, 2)), rng.normal(9, 1, (200, 2))])
    >>> clusters = cluster(codes)
    >>> clusters.n_clusters, clusters.sizes.tolist()
    (2, [300, 200])
    >>> clusters.predict([[8.0, 9.0]])[0].tolist()
    [1]
    >>> cluster(codes, 3).sizes.sum()
    np.int64(500)
    """
    points = check_codes(codes, min_rows=1)
    check_number("n_exemplars", n_exemplars, Integral, 1)
    check_seed(seed)
    if n_clusters is not None:
        check_number("n_clusters", n_clusters, Integral, 1)
    rows = sample_rows(len(points), SAMPLE_ROWS, seed)
    sample = points[rows].astype(np.float64)
    if n_clusters is not None:
        _check_distinct(sample, n_clusters)
    if (sample == sample[0]).all():
        density = DensityModes.from_equal_points(len(sample))
        groups, method = density.labels, "density"
    else:
        density = find_modes(sample, verbose=verbose)
        groups, method = _cluster_sample(density, sample, n_clusters, seed, verbose)
    classifier, labels, confidence = fit_classifier(sample, groups, points, verbose)
    exemplars = _exemplars(density, sample, rows, labels[rows], n_exemplars)
    is_estimated = n_clusters is None
    sizes = np.bincount(labels)
    return Clusters(labels, confidence, sizes, exemplars, is_estimated, method, classifier)


def _check_distinct(points: np.ndarray, n_clusters: int) -> None:
    n_distinct = len(np.unique(points, axis=0))
    if n_clusters > n_distinct:
        raise SettingError(
            f"n_clusters: expected at most the number of different codes, {n_distinct:,}, "
            f"found {n_clusters}"
        )


def _cluster_sample(
    density: DensityModes, points: np.ndarray, n_clusters: int | None, seed: int, verbose: bool
) -> tuple[np.ndarray, str]:
    """Return the cluster of each sampled code, and the method."""
    merges, k = merge_tree(density), density.k
    roots = set(range(len(density.modes))) - {merge.absorbed_mode for merge in merges}
    selected_merges = [merge for merge in merges if _is_significant(merge, k)]
    if n_clusters is not None:
        largest_merges = sorted(merges, key=lambda merge: -merge.excess_mass)[: n_clusters - 1]
        selected_merges = [merge for merge in largest_merges if merge.excess_mass >= k]
        if len(selected_merges) < n_clusters - 1:
            return _fit_mixture(points, n_clusters, seed, verbose)
    modes = roots | {merge.absorbed_mode for merge in selected_merges}
    return assign_modes(density, merges, modes), "density"


def _is_significant(merge: Merge, k: int) -> bool:
    is_large = merge.excess_mass >= MIN_EXCESS_MASS * k
    return is_large and merge.prominence >= MIN_PROMINENCE / k**0.5


def _fit_mixture(
    points: np.ndarray, n_clusters: int, seed: int, verbose: bool
) -> tuple[np.ndarray, str]:
    """Cluster by the best of several Gaussian mixtures, or by k-means if there are few points."""
    from sklearn.cluster import KMeans

    width = points.shape[1]
    n_parameters = n_clusters * (1 + width + width * (width + 1) // 2)
    if len(points) < CODES_PER_PARAMETER * n_parameters:
        kmeans = KMeans(n_clusters, n_init=10, random_state=seed).fit(points)
        return kmeans.labels_, "kmeans"
    scaled_points = (points - points.mean(axis=0)) / (points.std() or 1.0)
    mixtures = []
    with progress(
        f"Fitting mixtures of {n_clusters} Gaussians", MIXTURE_STARTS, verbose
    ) as advance:
        for start in range(MIXTURE_STARTS):
            mixture = fit_mixture(
                scaled_points, n_clusters, seed + start, max_iter=200, tol=1e-3, min_variance=1e-6
            )
            mixtures.append(mixture)
            advance(1)
    return max(mixtures, key=lambda mixture: mixture.lower_bound_).predict(scaled_points), "mixture"


def _exemplars(
    density: DensityModes, points: np.ndarray, rows: np.ndarray, labels: np.ndarray, count: int
) -> tuple[np.ndarray, ...]:
    """Return the row numbers of dense, mutually distant rows of each cluster."""
    order = np.argsort(-density.log_density, kind="stable")
    members = (order[labels[order] == group] for group in range(labels.max() + 1))
    return tuple(rows[_select_distant(points, density.radii, group, count)] for group in members)


def _select_distant(
    points: np.ndarray, radii: np.ndarray, candidates: np.ndarray, count: int
) -> np.ndarray:
    """Select candidates; those outside of the radius of all selected candidates come first."""
    is_distant, selected_indices = np.ones(len(candidates), bool), list[int]()
    while is_distant.any() and len(selected_indices) < count:
        first = int(is_distant.argmax())
        selected_indices.append(first)
        distances = np.linalg.norm(points[candidates] - points[candidates[first]], axis=1)
        is_distant &= distances > radii[candidates[first]]
    remaining_candidates = np.setdiff1d(np.arange(len(candidates)), selected_indices)[
        : count - len(selected_indices)
    ]
    return candidates[np.concatenate([selected_indices, remaining_candidates]).astype(np.intp)]
