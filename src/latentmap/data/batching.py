"""Read rows in batches, either in order or shuffled.

A file that is read row group by row group must not be shuffled by picking single rows, because
every batch would touch every group. Such sources are shuffled in two steps: random blocks are read
into a buffer, then random rows are taken out of it, so that each block is read once per epoch.
Arrays in memory are read in the order of one permutation.
"""

from __future__ import annotations

import contextvars
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from latentmap.progress import progress

if TYPE_CHECKING:
    from latentmap.data.sources import Source

BATCH_NUMBERS, BATCH_ROWS = 1 << 22, 1 << 13
Rng = np.random.Generator | np.random.RandomState
Batch = TypeVar("Batch")
Take = Callable[[np.ndarray], Batch]


def batch_size_for(row_shape: tuple[int, ...]) -> int:
    """Return the number of rows, from 1 to 8,192, in a batch of at most 2²² numbers."""
    return max(1, min(BATCH_ROWS, BATCH_NUMBERS // max(1, math.prod(row_shape))))


def read_batches(
    rows: Source,
    batch_size: int | None = None,
    *,
    task: str = "",
    verbose: bool = True,
    batches: Iterator[np.ndarray] | None = None,
    check: bool = True,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the position and the numbers of each batch of rows, in order.

    ``batches`` replaces the batches of ``rows``, for example by sparse ones. Raise DataError for a
    number that is not finite in float32, unless ``check`` is false.
    """
    if batches is None:
        batches = rows.batches(batch_size or batch_size_for(rows.row_shape))
    start = 0
    with progress(task, len(rows), verbose and bool(task)) as advance:
        for batch in batches:
            if check:
                rows.check(batch, start)
            stop = start + batch.shape[0]
            yield slice(start, stop), batch
            advance(stop - start)
            start = stop


def read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield batches, and read the next batch in a thread while the caller uses the current one."""
    context = contextvars.copy_context()

    def read() -> Batch | None:
        return next(batches, None)

    with ThreadPoolExecutor(1, "reading") as pool:
        future = pool.submit(context.run, read)
        while (batch := future.result()) is not None:
            future = pool.submit(context.run, read)
            yield batch


def ordered_batches(take: Take[Batch], length: int, size: int) -> Iterator[Batch]:
    """Yield rows 0 to ``length`` in batches of ``size`` rows; the last may be shorter."""
    for start in range(0, length, size):
        yield take(np.arange(start, min(start + size, length)))


def shuffled_batches(take: Take[Batch], length: int, size: int, rng: Rng) -> Iterator[Batch]:
    """Yield every row once in a uniformly random order."""
    order = rng.permutation(length)
    for start in range(0, length, size):
        yield take(order[start : start + size])


def block_shuffled_batches(
    take: Take[np.ndarray], bounds: np.ndarray, size: int, rng: Rng, blocks_in_buffer: int
) -> Iterator[np.ndarray]:
    """Yield every row once, shuffled within a buffer of random blocks that start at ``bounds``."""
    return rebatch(_shuffled_chunks(take, bounds, size, rng, blocks_in_buffer), size)


def _shuffled_chunks(
    take: Take[np.ndarray], bounds: np.ndarray, size: int, rng: Rng, blocks_in_buffer: int
) -> Iterator[np.ndarray]:
    blocks = rng.permutation(len(bounds) - 1)
    for first in range(0, len(blocks), blocks_in_buffer):
        # Blocks are read in ascending order because a disk reads forwards faster.
        group = np.sort(blocks[first : first + blocks_in_buffer])
        buffer = take(np.concatenate([np.arange(bounds[b], bounds[b + 1]) for b in group]))
        order = rng.permutation(len(buffer))
        for start in range(0, len(order), size):
            yield take_rows(buffer, order[start : start + size])
        del buffer  # The memory is freed before the next buffer is allocated.


def rebatch(arrays: Iterable[Any], size: int) -> Iterator[Any]:
    """Cut a stream of arrays or Arrow tables into batches of ``size`` rows; the last is shorter."""
    parts: list[Any] = []
    n_missing = size
    for rows in arrays:
        while len(rows) >= n_missing:
            yield concatenate([*parts, rows[:n_missing]])
            rows, parts, n_missing = rows[n_missing:], [], size
        if len(rows):
            parts.append(rows)
            n_missing -= len(rows)
    if parts:
        yield concatenate(parts)


def concatenate(parts: Sequence[Any]) -> Any:
    """Return the rows of arrays, or of Arrow tables, one after another."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import pyarrow as pa

    return pa.concat_tables(parts)


def take_rows(rows: Any, indices: np.ndarray) -> Any:
    """Return the rows of an array, or of an Arrow table, at ``indices``."""
    return rows[indices] if isinstance(rows, np.ndarray) else rows.take(indices)
