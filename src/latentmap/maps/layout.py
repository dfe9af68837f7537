"""A layout: where each fitted row lies in the plane, by t-SNE on its nearest neighbours.

L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008, in the implementation of
openTSNE, with gradients from an interpolated grid (G. C. Linderman et al., Nature Methods 16,
2019). Every neighbour weighs the same (uniform affinities), which tells the eye the same as a tuned
perplexity and needs no search for it. Of many rows it stops before t-SNE has converged: what comes
later moves single rows, and the network that learns the layout does not follow them anyway.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.preprocessing.neighbors import nearest_neighbors
from latentmap.progress import progress
from latentmap.training.signals import interrupts_held

FEWEST_ROWS = 16
"""Of fewer different rows, the first principal components are the layout."""
FEW_ROWS = 10_000
ITERATIONS = {True: (150, 350), False: (100, 100)}
"""With and without exaggeration, for few rows and for many."""
GRID_ROWS = 3_000
"""From so many on the plane's repulsion comes from a grid, and all threads share the work."""
GENTLE_ROWS = 500
EXAGGERATION = {True: 4.0, False: 12.0}
"""Up to so many rows, and of more: groups of a handful of rows shrink to points under 12."""
TOLD_ITERATIONS = 25
"""Between two moves of the bar: openTSNE sums the divergence each time, a fifth more work."""
TINY = float(np.finfo(np.float32).tiny)
SAME = 1e-5
"""Points nearer than this share of the middle point's distance from the medians are one point."""


def find_layout(
    points: np.ndarray, n_components: int, n_neighbors: int, seed: int, visible: bool = False
) -> np.ndarray:
    """Lay points out in the plane or in space, so that neighbours stay neighbours.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        float32, columns by falling variance (as principal components are).
    n_components : {1, 2, 3}
    n_neighbors : int
        How many neighbours pull each point.
    seed : int
    visible : bool
        Show progress.

    Returns
    -------
    ndarray of shape (n, n_components)
        float32, centred, of mean square 1 a column. Equal points lie in one place.

    Examples
    --------
    >>> two = np.repeat([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]], 20, axis=0).astype("float32")
    >>> two += np.random.default_rng(0).normal(size=two.shape).astype("float32")
    >>> spots = find_layout(two, 2, 10, seed=0)
    >>> gap = np.linalg.norm(spots[:20].mean(axis=0) - spots[20:].mean(axis=0))
    >>> spots.shape, bool(gap > spots[:20].std())
    ((40, 2), True)
    """
    different, which = distinct(points)
    spots = _embedded(different, n_components, n_neighbors, seed, visible)
    return _normalised(spots[which])


def distinct(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the different points, in the order in which they first come, and which each point is.

    Examples
    --------
    >>> different, which = distinct(np.array([[5.0], [2.0], [5.0]]))
    >>> different.tolist(), which.tolist()
    ([[5.0], [2.0]], [0, 1, 0])
    """
    apart = np.linalg.norm((points - np.median(points, axis=0)).astype(np.float64), axis=1)
    grid = max(SAME * float(np.median(apart) or apart.mean()), TINY)
    with np.errstate(over="ignore", invalid="ignore"):
        cells = np.round(points / grid).astype(np.int64)
    keys = np.ascontiguousarray(cells).view(np.dtype((np.void, cells.shape[1] * 8))).ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)  # in the order of the rows, so that row 0 is point 0
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return points[first[order]], rank[which]


def _start(points: np.ndarray, n_components: int, seed: int) -> np.ndarray:
    """Take the first columns, as t-SNE wants them: tiny, and no two points in one place."""
    first = np.zeros((len(points), n_components))
    width = min(n_components, points.shape[1])
    first[:, :width] = points[:, :width]
    first /= max(float(first.std(axis=0).max()), TINY)  # rows of a new kind may have no first width
    return first + 1e-3 * np.random.default_rng(seed).standard_normal(first.shape)


def _embedded(
    points: np.ndarray, n_components: int, n_neighbors: int, seed: int, visible: bool
) -> np.ndarray:
    start = _start(points, n_components, seed)
    if len(points) < FEWEST_ROWS:
        return start
    k = min(n_neighbors, (len(points) - 1) // 3)
    embedding = _spots(1e-4 * start, nearest_neighbors(points, k, seed, visible), seed)
    gathering, spreading = ITERATIONS[len(points) <= FEW_ROWS]
    exaggeration = EXAGGERATION[len(points) <= GENTLE_ROWS]
    plan = ((gathering, exaggeration, 0.5), (spreading, 1.0, 0.8))
    with (
        progress("laying out", gathering + spreading, visible) as advance,
        interrupts_held() as let_through,
    ):
        for iterations, together, momentum in plan:
            embedding = embedding.optimize(
                iterations,
                exaggeration=together,
                momentum=momentum,
                callbacks=_Told(advance, let_through),
                callbacks_every_iters=TOLD_ITERATIONS,
            )
    return np.asarray(embedding)


def _spots(start: np.ndarray, near: np.ndarray, seed: int) -> Any:
    """Give openTSNE the points' places at the start, and who their neighbours are."""
    import openTSNE

    many = len(start) > GRID_ROWS
    return openTSNE.TSNEEmbedding(
        start,
        _uniform_affinities(near),
        negative_gradient_method="fft" if start.shape[1] <= 2 and many else "bh",
        n_jobs=-1 if many else 1,
        random_state=seed,
    )


class _Told:
    """Called back by openTSNE."""

    def __init__(self, advance: Any, let_through: Callable[[], None]) -> None:
        self.advance, self.let_through = advance, let_through

    def __call__(self, iteration: int, error: float, embedding: Any) -> None:
        self.advance(TOLD_ITERATIONS)
        self.let_through()


def _uniform_affinities(near: np.ndarray) -> Any:
    """Give each pair of neighbours the same weight, whichever of the two chose the other."""
    from openTSNE.affinity import PrecomputedAffinities
    from scipy.sparse import csr_matrix

    n, k = near.shape
    chosen = csr_matrix((np.ones(n * k), near.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    either = chosen.maximum(chosen.T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PrecomputedAffinities(either / either.sum(), normalize=False)


def _normalised(spots: np.ndarray) -> np.ndarray:
    spots = spots - spots.mean(axis=0)
    deviation = float(np.sqrt(np.mean(spots**2)))
    return (spots / (deviation if deviation > 0 else 1.0)).astype(np.float32)


def following(codes: np.ndarray, layout: np.ndarray) -> dict[str, float]:
    """Tell how closely codes follow the places that a layout has for them.

    Parameters
    ----------
    codes, layout : ndarray of shape (n, n_components)

    Returns
    -------
    dict of str to float
        "r2", the share of the layout's variance that the codes explain; "median_shift", the middle
        distance of a code from its place, as a share of the layout's width.

    Examples
    --------
    >>> following(np.array([[0.0, 1.0], [4.0, 0.0]]), np.array([[0.0, 0.0], [4.0, 0.0]]))
    {'r2': 0.875, 'median_shift': 0.125}
    """
    apart = np.linalg.norm(codes - layout, axis=1)
    spread = float(((layout - layout.mean(axis=0)) ** 2).sum()) or 1.0
    width = float(np.ptp(layout, axis=0).max()) or 1.0
    return {
        "r2": 1.0 - float((apart**2).sum()) / spread,
        "median_shift": float(np.median(apart)) / width,
    }
