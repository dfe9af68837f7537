"""Metrics of random samples of rows, whose size is limited by memory and time."""

import math
from typing import NamedTuple

import numpy as np

from latentmap.analysis.sampling import sample_rows
from latentmap.data import Source, memory
from latentmap.data.batching import read_batches
from latentmap.metrics.distance_metrics import (
    centroid_rank_correlation,
    distance_rank_correlation,
    random_triplet_accuracy,
)
from latentmap.metrics.metric_inputs import fill_missing, read_rows
from latentmap.metrics.neighbor_recall import nearest_rows, neighbor_overlap
from latentmap.metrics.rank_metrics import continuity, trustworthiness
from latentmap.preprocessing.neighbors import drop_self

RECALL_NEIGHBORS = (10, 50)
ROW_NEIGHBORS = 10
MAX_RANKED_ROWS = 5000
# Bytes for each number of a row: the copies of a search, and float64 copies for ranks.
SEARCH_BYTES, RANK_BYTES = 13, 24
# A search with this number of multiplications takes one to two seconds on two cores.
MAX_PRODUCTS = 8 * 10**10
MIN_QUERIES = 500
# Maximum number of multiplications in `row_recalls`, which take five to ten seconds on two cores.
# It limits the number of rows among which the neighbours of every row are searched.
MAX_ROW_PRODUCTS = 4 * 10**11
BATCH_ROWS = 1 << 13


class EncodedRows(NamedTuple):
    """Rows of numbers and their codes."""

    rows: Source
    codes: np.ndarray


def rank_and_distance_metrics(
    encoded: EncodedRows, labels: np.ndarray | None, seed: int
) -> dict[str, float]:
    """Return the metrics that compare all pairs, or random triplets, of at most 5,000 rows."""
    n_rows = min(MAX_RANKED_ROWS, _max_rows(encoded.rows, RANK_BYTES))
    sample = sample_rows(len(encoded.rows), n_rows, seed)
    rows, codes = read_rows(encoded.rows.subset(sample)), encoded.codes[sample]
    metrics = {
        "trustworthiness": trustworthiness(rows, codes),
        "continuity": continuity(rows, codes),
        "random_triplet_accuracy": random_triplet_accuracy(rows, codes, seed=seed),
        "distance_rank_correlation": distance_rank_correlation(rows, codes, seed=seed),
    }
    if labels is not None:
        correlation = centroid_rank_correlation(rows, codes, labels[sample], seed=seed)
        metrics["centroid_rank_correlation"] = correlation
    return metrics


def neighbor_recalls(
    encoded: EncodedRows, reference: EncodedRows | None, seed: int
) -> dict[str, float]:
    """Return the recall of the 10 and the 50 nearest rows.

    The nearest rows are searched in the reference or, without a reference, among the other rows of
    the same sample. If the reference needs too much memory, a random sample of it is used.
    """
    width, max_rows = math.prod(encoded.rows.row_shape), _max_rows(encoded.rows, SEARCH_BYTES)
    if reference is None:
        encoded = _subsample(encoded, min(max_rows, math.isqrt(MAX_PRODUCTS // width)), seed)
        n_neighbors = len(encoded.rows) - 1
    else:
        reference = _subsample(reference, max_rows, seed)
        n_neighbors = len(reference.rows)
        n_queries = max(MIN_QUERIES, MAX_PRODUCTS // (width * n_neighbors))
        encoded = _subsample(encoded, n_queries, seed)
    counts = [k for k in RECALL_NEIGHBORS if k < n_neighbors]
    if not counts:
        return {}
    in_data, on_map = (
        nearest_rows(points, references, max(counts))
        for points, references in zip(encoded, reference or (None, None), strict=True)
    )
    return {
        f"recall_{k}": float(neighbor_overlap(in_data[:, :k], on_map[:, :k]).mean()) for k in counts
    }


def row_recalls(encoded: EncodedRows, seed: int = 0, verbose: bool = False) -> np.ndarray:
    """Return the recall of the 10 nearest rows of each row, shape (n,).

    The neighbours are searched among all other rows, or in a random sample if there are many rows.
    All recalls are NaN if there are fewer than 11 other rows to search. With ``verbose``, the
    progress is shown.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = np.random.default_rng(0).normal(size=(40, 2))
    >>> float(row_recalls(EncodedRows(ArraySource(rows), 3 * rows)).mean())
    1.0
    """
    n_rows, width = len(encoded.rows), math.prod(encoded.rows.row_shape)
    max_rows = _max_rows(encoded.rows, SEARCH_BYTES)
    n_searched = max(MIN_QUERIES, MAX_ROW_PRODUCTS // (width * n_rows))
    sample = sample_rows(n_rows, min(n_searched, max_rows), seed)
    if len(sample) <= ROW_NEIGHBORS + 1:
        return np.full(n_rows, np.nan)
    own_index = np.full(n_rows, -1)
    own_index[sample] = np.arange(len(sample))
    references = read_rows(encoded.rows.subset(sample)), encoded.codes[sample]
    recalls = np.empty(n_rows)
    task, batch_size = f"Finding the neighbours of {n_rows:,} rows", min(BATCH_ROWS, max_rows)
    for block, batch in read_batches(encoded.rows, batch_size, task=task, verbose=verbose):
        rows = fill_missing(encoded.rows, batch)
        in_data, on_map = (
            drop_self(nearest_rows(points, reference, ROW_NEIGHBORS + 1), own_index[block])
            for points, reference in zip((rows, encoded.codes[block]), references, strict=True)
        )
        recalls[block] = neighbor_overlap(in_data, on_map)
    return recalls


def _max_rows(rows: Source, bytes_per_number: int) -> int:
    """Return the number of rows whose copies fit into the memory limit, at least 3."""
    max_bytes = memory.BUDGET.evaluation.max_bytes()
    return max(3, max_bytes // (bytes_per_number * math.prod(rows.row_shape)))


def _subsample(encoded: EncodedRows, max_rows: int, seed: int) -> EncodedRows:
    """Return a random sample of rows and their codes."""
    if len(encoded.rows) <= max_rows:
        return encoded
    sample = sample_rows(len(encoded.rows), max_rows, seed)
    return EncodedRows(encoded.rows.subset(sample), encoded.codes[sample])
