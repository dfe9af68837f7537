"""Principal components of scaled rows, and the coordinates of rows on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from latentmap.data import memory
from latentmap.data.batching import read_batches
from latentmap.data.sources import Source
from latentmap.data.sparse import SparseSource, is_sparse
from latentmap.data.types import csr_array
from latentmap.preprocessing.pca_solvers import fit_pca_share
from latentmap.preprocessing.scaling import TINY, Scale
from latentmap.preprocessing.threads import limit_threads
from latentmap.progress import progress

# A dense sample of at most this many numbers is decomposed exactly, in double precision.
EXACT_NUMBERS = 1 << 22
CACHED_NUMBERS = 1 << 17  # Maximum size of an array that the cache of a processor holds.
# Maximum number of stored numbers and code components in a sample of sparse rows.
MAX_STORED_NUMBERS = 1 << 24
EXPLAINED_SHARE = 0.8  # Share of the variance that a selected number of components explains.


@dataclass(frozen=True)
class PrincipalComponents:
    """Principal components of scaled, flattened rows; components beyond the rank are zero.

    ``row_spread`` and ``code_spread`` are root mean squares of the centred rows and the codes.
    ``max_distance_ratio`` is the maximum distance of a code from the centre divided by the median
    distance, where each component is divided by its standard deviation. ``weights`` are factors of
    the columns: the components are those of the rows multiplied by them.
    """

    mean: np.ndarray
    components: np.ndarray
    row_spread: float = 1.0
    code_spread: float = 1.0
    max_distance_ratio: float = 1.0
    weights: np.ndarray | float = 1.0

    @property
    def encoder_components(self) -> np.ndarray:
        """Factors of centred rows in the codes, shape (n_components, d)."""
        return self.components * self.weights

    @property
    def decoder_components(self) -> np.ndarray:
        """Factors of codes in the centred reconstructions, shape (n_components, d)."""
        return self.components / self.weights

    @classmethod
    def zeros(cls, n_features: int, n_components: int) -> PrincipalComponents:
        """Return components of zeros, for a network whose weights are loaded afterwards."""
        return cls(np.zeros(n_features, "float32"), np.zeros((n_components, n_features), "float32"))


def principal_components(
    rows: Source,
    scale: Scale,
    n_components: int,
    seed: int,
    verbose: bool = False,
    max_components: int | None = None,
    weights: np.ndarray | float = 1.0,
) -> PrincipalComponents:
    """Compute the principal components of scaled rows, or of a uniform sample of many rows.

    If ``max_components`` is given, their number is the smallest that explains 80 % of the variance,
    from ``n_components`` to ``max_components``. ``weights`` are factors of the columns of dense
    rows.
    """
    max_components = max_components or n_components
    with progress("computing principal components", 1, verbose) as advance:
        x = _sample(rows, scale, max_components, seed) * weights
        pca = fit_pca_share(x, n_components, max_components, EXPLAINED_SHARE, seed)
        advance(1)
    components = np.zeros((max(n_components, len(pca.components)), x.shape[1]), np.float32)
    components[: len(pca.components)] = pca.components
    offset = scale.offset.astype(np.float64) / scale.scale if is_sparse(x) else 0.0
    return PrincipalComponents(
        ((pca.mean - offset) / weights).astype(np.float32),
        components,
        row_spread=_safe_std(pca.total / x.shape[1]),
        code_spread=_safe_std(pca.variance.mean()),
        max_distance_ratio=_max_distance_ratio(pca.codes),
        weights=weights if isinstance(weights, float) else weights.astype(np.float32),
    )


def _max_distance_ratio(codes: np.ndarray) -> float:
    deviations = [_safe_std(variance) for variance in codes.var(axis=0, dtype=np.float64)]
    distances = np.linalg.norm(codes / np.array(deviations), axis=1)
    return float(distances.max() / max(np.median(distances), TINY))


def _safe_std(variance: float) -> float:
    """Return the standard deviation, or 1 if it is too small to divide by in float32."""
    root = float(np.sqrt(variance))
    return root if root > TINY else 1.0


def _sample(rows: Source, scale: Scale, n_components: int, seed: int) -> np.ndarray | csr_array:
    """Return scaled, flat rows: all rows, or a sample that the memory budget allows."""
    d = int(np.prod(rows.row_shape))
    if isinstance(rows, SparseSource) and len(rows) * d > EXACT_NUMBERS:
        return _sparse_sample(rows, scale, n_components, seed)
    rows = rows.sample(max(d // 8, memory.BUDGET.pca_sample.max_bytes() // (4 * d)), seed)
    x = np.empty((len(rows), d), np.float64 if len(rows) * d <= EXACT_NUMBERS else np.float32)
    for batch_slice, batch in _scaled_batches(rows, scale):
        x[batch_slice] = batch
    return x


def _sparse_sample(rows: SparseSource, scale: Scale, n_components: int, seed: int) -> csr_array:
    """Return a sample of rows in double precision, divided by the scale, but not shifted."""
    numbers_per_row = rows.n_stored // len(rows) + n_components
    max_rows = max(n_components + 1, MAX_STORED_NUMBERS // numbers_per_row)
    sample = cast(SparseSource, rows.sample(max_rows, seed))
    x = sample.take_sparse(np.arange(len(sample))).astype(np.float64, copy=False)
    x.data /= np.broadcast_to(scale.scale, rows.row_shape)[x.indices]
    return x


def _scaled_batches(rows: Source, scale: Scale) -> Iterator[tuple[slice, np.ndarray]]:
    size = max(1, EXACT_NUMBERS // math.prod(rows.row_shape))
    for batch_slice, batch in read_batches(rows, size, check=False):
        yield batch_slice, scale_rows(batch, scale)


def scale_rows(rows: np.ndarray, scale: Scale) -> np.ndarray:
    """Return raw rows scaled and flattened, shape (n, d), with 0 for missing numbers."""
    # An array without rows cannot be reshaped to a width of -1.
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    scaled_rows = (flat - scale.offset) / scale.scale
    return np.where(np.isnan(scaled_rows), 0.0, scaled_rows) if scale.allow_nan else scaled_rows


def pca_reconstructions(x: np.ndarray, principal: PrincipalComponents) -> np.ndarray:
    """Return the reconstruction of scaled rows by PCA, shape (n, d)."""
    codes = (x - principal.mean) @ principal.encoder_components.T
    return codes @ principal.decoder_components + principal.mean


def pca_reconstruction_errors(x: np.ndarray, principal: PrincipalComponents) -> np.ndarray:
    """Return the mean squared reconstruction error of each scaled row under PCA, shape (n,)."""
    return np.mean((x - pca_reconstructions(x, principal)) ** 2, axis=1)


def project_rows(rows: Source, scale: Scale, principal: PrincipalComponents) -> np.ndarray:
    """Return the coordinates of all rows on the components, shape (n, n_components), float32.

    They are (x − mean) · componentsᵀ of the scaled rows x. Rows are raw and read in batches; sparse
    rows are not made dense. All steps are in double precision, so that the coordinates of a row
    depend neither on the other rows nor on whether it is sparse.
    """
    codes = np.empty((len(rows), len(principal.components)), np.float32)
    for batch_slice, batch in project_batches(rows, scale, principal):
        codes[batch_slice] = batch
    return codes


def project_batches(
    rows: Source, scale: Scale, principal: PrincipalComponents
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the coordinates of the rows batch by batch, each with its position among the rows."""
    if isinstance(rows, SparseSource):
        yield from _project_sparse(rows, scale, principal)
        return
    weights, shift = projection_weights(scale, principal)
    size = max(1, EXACT_NUMBERS // math.prod(rows.row_shape))
    for batch_slice, batch in read_batches(rows, size, check=False):
        yield batch_slice, _project_dense(batch.reshape(len(batch), -1), scale, weights, shift)


def projection_weights(
    scale: Scale, principal: PrincipalComponents
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and a shift such that raw rows · weights − shift are the coordinates."""
    components = principal.components.astype(np.float64)
    offset, divisor = (np.asarray(a, np.float64) for a in (scale.offset, scale.scale))
    weights = np.ascontiguousarray((components / divisor).T)
    return weights, components @ (offset / divisor + principal.mean)


def _project_dense(
    flat: np.ndarray, scale: Scale, weights: np.ndarray, shift: np.ndarray
) -> np.ndarray:
    """Project raw rows of shape (n, d) in blocks that the cache of a processor can hold."""
    codes = np.empty((len(flat), len(shift)))
    size = max(1, CACHED_NUMBERS // flat.shape[1])
    with limit_threads(min(size, len(flat)) * weights.size):
        for start in range(0, len(flat), size):
            x = flat[start : start + size].astype(np.float64)
            if scale.allow_nan:
                x = np.where(np.isnan(x), scale.offset, x)
            np.matmul(x, weights, out=codes[start : start + size])
    codes -= shift
    return codes


def _project_sparse(
    rows: SparseSource, scale: Scale, principal: PrincipalComponents
) -> Iterator[tuple[slice, np.ndarray]]:
    """Project sparse rows; scale and mean are applied to the components to keep rows sparse."""
    weights, shift = projection_weights(scale, principal)
    batches = rows.sparse_batches(EXACT_NUMBERS // len(shift))
    for batch_slice, batch in read_batches(rows, batches=batches, check=False):
        yield batch_slice, batch @ weights - shift
