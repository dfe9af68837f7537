"""Load rows into memory or copy them to a temporary file, because a fit reads them many times."""

import shutil
from collections.abc import Iterator

import numpy as np

from latentmap.data.batching import read_batches
from latentmap.data.memmap import TemporaryArrayFile, cache_folder
from latentmap.data.sources import ArraySource, Source

# A copy is written only if the free disk space is at least this multiple of its size.
DISK_MARGIN = 2


def load_or_cache(rows: Source, verbose: bool = False, use_disk: bool = True) -> Source:
    """Return rows loaded into memory or, with ``use_disk``, copied to a file if this is faster."""
    if rows.table_schema is not None:
        return rows  # Tables are not copied, because a fit copies their encoded rows.
    if rows.is_decoded:
        rows_in_memory = rows.load()
        return rows if rows_in_memory is rows else CachedSource(rows, rows_in_memory[:])
    if rows.fits_in_memory():
        return _load_rows(rows, verbose)
    return copy_to_cache(rows, verbose) if use_disk else rows


def copy_to_cache(rows: Source, verbose: bool = False) -> Source:
    """Return decoded rows in a temporary file, or the same rows if the disk has no space."""
    if rows.is_decoded or shutil.disk_usage(cache_folder()).free < DISK_MARGIN * rows.nbytes:
        return rows
    with TemporaryArrayFile() as file:
        for _, batch in _read(rows, verbose):
            file.write(batch)
        return CachedSource(rows, file.mapped(rows.dtype, rows.row_shape))


def _load_rows(rows: Source, verbose: bool) -> Source:
    array = np.empty((len(rows), *rows.row_shape), rows.dtype)
    for position, batch in _read(rows, verbose):
        array[position] = batch
    return CachedSource(rows, array)


def _read(rows: Source, verbose: bool) -> Iterator[tuple[slice, np.ndarray]]:
    return read_batches(rows, task=f"reading {rows.name}", verbose=verbose, check=False)


class CachedSource(ArraySource):
    """A copy of the rows of another source, with the same `original_index`."""

    def __init__(self, original: Source, array: np.ndarray) -> None:
        super().__init__(
            array,
            feature_names=original.feature_names,
            labels=original.labels,
            name=original.name,
        )
        self.allow_nan, self.encoder = original.allow_nan, original.encoder
        self.metadata = original.metadata
        self._original = original

    def original_index(self, row: int) -> int:  # noqa: D102
        return self._original.original_index(row)
