"""Rows brought near, once, so that every run through them after that is quick.

Fitting reads rows several times, and decoding a table or an image costs as much each time. So rows
that fit are taken into memory; more are copied to a raw file without a name in the cache folder,
which goes with the process. NumPy's own files are as quick as that where they lie.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np

from latentmap.data.memmap import TemporaryArrayFile, cache_folder
from latentmap.data.sources import CachedSource, Source
from latentmap.progress import progress
from latentmap.training.strategy import chosen_trainer

__all__ = ["copy_to_cache", "load_or_cache"]

BATCH_BYTES = 1 << 24
SPARE = 2
"""The disk must have so many times the room that the copy needs."""


def load_or_cache(rows: Source, visible: bool = False) -> Source:
    """Give the same rows where they are read quickly.

    Parameters
    ----------
    rows : Source
    visible : bool
        Show progress.

    Returns
    -------
    Source
        In memory if they take at most 512 MB, and as they are where they are raw numbers already,
        where the disk has no room for a copy, or where other processes train and read them.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.ones((3, 2)))
    >>> load_or_cache(rows) is rows
    True
    """
    if rows.is_decoded:
        loaded = rows.load()
        return rows if loaded is rows else CachedSource(rows, loaded[:])
    if rows.fits_in_memory():
        return _filled(rows, np.empty((len(rows), *rows.row_shape), rows.dtype), visible)
    return rows if chosen_trainer() else copy_to_cache(rows, visible)


def copy_to_cache(rows: Source, visible: bool = False) -> Source:
    """Give the same rows in a raw file of this process; as they are, where they are raw already.

    Parameters
    ----------
    rows : Source
    visible : bool
        Show progress.

    Returns
    -------
    Source
        As they are, too, where the disk has no room for a copy.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.ones((3, 2)))
    >>> copy_to_cache(rows) is rows
    True
    """
    if rows.is_decoded or shutil.disk_usage(cache_folder()).free < SPARE * rows.nbytes:
        return rows
    with TemporaryArrayFile() as file:
        for batch in _batches(rows, visible):
            file.write(batch)
        return CachedSource(rows, file.mapped(rows.dtype, rows.row_shape))


def _filled(rows: Source, array: np.ndarray, visible: bool) -> Source:
    done = 0
    for batch in _batches(rows, visible):
        array[done : done + len(batch)] = batch
        done += len(batch)
    return CachedSource(rows, array)


def _batches(rows: Source, visible: bool) -> Iterator[np.ndarray]:
    with progress(f"reading {rows.name}", len(rows), visible) as advance:
        for batch in rows.batches(max(1, BATCH_BYTES * len(rows) // rows.nbytes)):
            yield batch
            advance(len(batch))
