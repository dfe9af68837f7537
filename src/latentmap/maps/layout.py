"""The layout of the fitted rows: their positions by t-SNE on their nearest neighbours.

Source: L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008. The
implementation is openTSNE's, with gradients from an interpolated grid (G. C. Linderman et al.,
Nature Methods 16, 2019). t-SNE stops before it converges, because later iterations improve the
neighbourhoods of rows hardly at all.

Affinities are the weights of the attractive forces. With few points they are Gaussian in the
distance and have the same perplexity at every point. With many points, all neighbours have the same
affinity, which gives nearly the same layout and takes a fraction of the time (J. N. Böhm,
P. Berens, D. Kobak, JMLR 23, 2022).
"""

from __future__ import annotations

import contextlib
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.backend import postpone_imports
from latentmap.maps.neighbor_search import EuclideanSearch, Neighbors, NeighborSearch
from latentmap.preprocessing.scaling import TINY
from latentmap.progress import progress

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MIN_TSNE_ROWS = 16  # With fewer distinct rows, the layout is the first principal components.
# Gaussian affinities are computed for at most this number of distinct rows.
GAUSSIAN_ROWS = 10_000
# Perplexity of Gaussian affinities for each of the neighbours that a user asks for.
PERPLEXITY_PER_NEIGHBOR = 4
# Iterations and momentum with and without early exaggeration. The key is True for a layout of at
# most GAUSSIAN_ROWS rows. Early iterations take less time than later ones.
SCHEDULES = {True: ((50, 0.5), (200, 0.8)), False: ((100, 0.5), (250, 0.8))}
GRID_ROWS = 3_000  # For more rows in two dimensions, repulsion is interpolated on a grid.
# Width of the intervals of the grid. The default of openTSNE, 1, makes late iterations of many
# rows slower, and does not improve the neighbourhoods.
GRID_INTERVAL = 1.5
# With fewer rows, threads wait for each other longer than they compute.
PARALLEL_ROWS = 10_000
# Early exaggeration. The key is True for a layout of at most LOW_EXAGGERATION_ROWS rows, in which
# an exaggeration of 12 would shrink small groups to points.
LOW_EXAGGERATION_ROWS = 500
EXAGGERATION = {True: 4.0, False: 12.0}
# openTSNE computes the divergence at each callback. One callback in 25 iterations takes a fifth of
# the time.
CALLBACK_ITERATIONS = 25
# Points closer than this are equal, in units of the median distance from the column medians.
EQUAL_DISTANCE = 1e-5


def compute_layout(
    points: np.ndarray,
    n_components: int,
    n_neighbors: int,
    seed: int,
    verbose: bool = False,
    search: NeighborSearch | None = None,
) -> np.ndarray:
    """Compute the t-SNE layout of points.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        float32, with columns of decreasing variance, such as coordinates on principal components.
    n_components : {1, 2, 3}
    n_neighbors : int
        Number of neighbours that attract each point. Up to 10,000 distinct points have Gaussian
        affinities, whose perplexity is four times this number.
    seed : int
    verbose : bool
        Whether to show progress.
    search : NeighborSearch, optional
        Search for the neighbours of the points, by default by their Euclidean distance.

    Returns
    -------
    ndarray of shape (n, n_components)
        float32, with mean 0 and mean square 1. Equal points have equal positions.

    Examples
    --------
    >>> two = np.repeat([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]], 20, axis=0).astype("float32")
    >>> two += np.random.default_rng(0).normal(size=two.shape).astype("float32")
    >>> layout = compute_layout(two, 2, 10, seed=0)
    >>> gap = np.linalg.norm(layout[:20].mean(axis=0) - layout[20:].mean(axis=0))
    >>> layout.shape, bool(gap > layout[:20].std())
    ((40, 2), True)
    """
    first, inverse = unique_points(points)
    positions = _initial_layout(points[first], n_components, seed)
    if len(first) >= MIN_TSNE_ROWS:
        search = search or EuclideanSearch(points, seed, verbose)
        affinities = _compute_affinities(search, first, inverse, n_neighbors)
        positions = _run_tsne(1e-4 * positions, affinities, seed, verbose)
    return standardize(positions[inverse])[0]


def unique_points(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of distinct points, and the index of each point among them.

    Examples
    --------
    >>> first, inverse = unique_points(np.array([[5.0], [2.0], [5.0]]))
    >>> first.tolist(), inverse.tolist()
    ([0, 1], [0, 1, 0])
    """
    distances = np.linalg.norm((points - np.median(points, axis=0)).astype(np.float64), axis=1)
    spacing = max(EQUAL_DISTANCE * float(np.median(distances) or distances.mean()), TINY)
    with np.errstate(over="ignore", invalid="ignore"):
        cells = np.round(points / spacing).astype(np.int64)
    keys = np.ascontiguousarray(cells).view(np.dtype((np.void, cells.shape[1] * 8))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]


def _initial_layout(points: np.ndarray, n_components: int, seed: int) -> np.ndarray:
    """Return the first columns of points, scaled, with noise so that no positions are equal."""
    layout = np.zeros((len(points), n_components))
    width = min(n_components, points.shape[1])
    layout[:, :width] = points[:, :width]
    layout /= max(float(layout.std(axis=0).max()), TINY)  # Constant columns have the deviation 0.
    return layout + 1e-3 * np.random.default_rng(seed).standard_normal(layout.shape)


def _run_tsne(initial_layout: np.ndarray, affinities: Any, seed: int, verbose: bool) -> np.ndarray:
    embedding = _make_embedding(initial_layout, affinities, seed)
    schedule = SCHEDULES[len(initial_layout) <= GAUSSIAN_ROWS]
    exaggerations = (EXAGGERATION[len(initial_layout) <= LOW_EXAGGERATION_ROWS], 1.0)
    n_iterations = sum(iterations for iterations, _ in schedule)
    with (
        progress("computing the layout", n_iterations, verbose) as advance,
        delay_interrupts() as raise_delayed,
    ):

        def show_progress(iteration: int, error: float, embedding: np.ndarray) -> None:
            advance(CALLBACK_ITERATIONS)
            raise_delayed()

        for (iterations, momentum), factor in zip(schedule, exaggerations, strict=True):
            embedding = embedding.optimize(
                iterations,
                exaggeration=factor,
                momentum=momentum,
                callbacks=show_progress,
                callbacks_every_iters=CALLBACK_ITERATIONS,
            )
    return np.asarray(embedding)


def _compute_affinities(
    search: NeighborSearch, first: np.ndarray, inverse: np.ndarray, n_neighbors: int
) -> Any:
    """Return Gaussian affinities of few points, and uniform affinities of many.

    The affinities are also uniform if a given graph has fewer neighbours than the perplexity needs.
    """
    n_others = len(first) - 1
    perplexity = min(PERPLEXITY_PER_NEIGHBOR * n_neighbors, n_others / 3)
    n_uniform = max(1, min(n_neighbors, n_others // 3))
    are_few = len(first) <= GAUSSIAN_ROWS
    k = min(int(3 * perplexity), n_others) if are_few else n_uniform
    result = search.find(first, inverse, k)
    if not isinstance(result, Neighbors):
        return edge_affinities(result)
    neighbors, distances = result
    if are_few and np.isfinite(distances).all():
        return gaussian_affinities(neighbors, distances, perplexity)
    return uniform_affinities(neighbors[:, :n_uniform])


def _make_embedding(initial_layout: np.ndarray, affinities: Any, seed: int) -> Any:
    """Return an openTSNE embedding at the initial layout."""
    uses_grid = initial_layout.shape[1] <= 2 and len(initial_layout) > GRID_ROWS
    return import_opentsne().TSNEEmbedding(
        initial_layout,
        affinities,
        negative_gradient_method="fft" if uses_grid else "bh",
        ints_in_interval=GRID_INTERVAL,
        n_jobs=-1 if len(initial_layout) > PARALLEL_ROWS else 1,
        random_state=seed,
    )


def standardize(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return positions with mean 0 and mean square 1 in float32, and their offset and scale.

    Examples
    --------
    >>> standardize(np.array([[30.0, 50.0], [50.0, 30.0]]))[0].tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    offset = positions.mean(axis=0, dtype=np.float64)
    scale = float(np.sqrt(positions.var(axis=0, dtype=np.float64).mean())) or 1.0
    return ((positions - offset) / scale).astype(np.float32), offset, scale


@contextlib.contextmanager
def delay_interrupts() -> Iterator[Callable[[], None]]:
    """Delay Ctrl-C until the yielded function is called or the block ends.

    Cython code of openTSNE calls Python. An exception in that call leaves a tree incomplete, which
    crashes the process. Python sends Ctrl-C to the main thread only, so nothing is delayed in other
    threads.

    Examples
    --------
    >>> _ = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> try:
    ...     with delay_interrupts() as raise_delayed:
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("the step ends")
    ...         raise_delayed()
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    the step ends
    interrupted
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    received_signals: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: received_signals.append(number))

    def raise_delayed() -> None:
        if received_signals:
            signal.signal(signal.SIGINT, handler)
            signal.raise_signal(received_signals.pop())

    try:
        yield raise_delayed
    finally:
        signal.signal(signal.SIGINT, handler)
        raise_delayed()


def gaussian_affinities(neighbors: np.ndarray, distances: np.ndarray, perplexity: float) -> Any:
    """Return symmetric Gaussian affinities of given perplexity, as openTSNE affinities.

    ``neighbors`` and ``distances`` have shape (n, k), and k is about three times the perplexity.
    """
    joint_probabilities = import_opentsne().affinity.joint_probabilities_nn
    # Distances relative to their mean give the same affinities in every unit.
    unit = np.maximum(distances.mean(axis=1, dtype=np.float64), TINY)
    return _precomputed(joint_probabilities(neighbors, distances / unit[:, None], [perplexity]))


def uniform_affinities(neighbors: np.ndarray) -> Any:
    """Return the symmetric graph of neighbours, shape (n, k), in which all edges are equal.

    A row is not its own neighbour, even if ``neighbors`` contains it.
    """
    from scipy.sparse import csr_matrix

    n = len(neighbors)
    is_other = neighbors != np.arange(n)[:, None]
    offsets = np.append(0, np.cumsum(is_other.sum(axis=1)))
    ends = neighbors[is_other]
    return edge_affinities(csr_matrix((np.ones(len(ends)), ends, offsets), shape=(n, n)))


def edge_affinities(directed_edges: csr_matrix) -> Any:
    """Return the symmetric graph of directed edges, in which all edges are equal.

    Each stored value of ``directed_edges``, shape (n, n), is 1.
    """
    edges = directed_edges.maximum(directed_edges.T)
    return _precomputed(edges / edges.sum())


def _precomputed(affinities: csr_matrix) -> Any:
    opentsne = import_opentsne()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return opentsne.affinity.PrecomputedAffinities(affinities, normalize=False)


def import_opentsne() -> ModuleType:
    """Import openTSNE without the parts of scikit-learn that this package does not need."""
    with postpone_imports():
        import openTSNE
    return openTSNE
