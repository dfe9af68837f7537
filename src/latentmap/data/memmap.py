"""Memory-mapped arrays, in files of the user or in temporary files of the cache folder."""

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from latentmap.errors import FileError
from latentmap.files import user_cache_folder

# Number of rows of a mapped file that are read before its pages are released. The system maps up to
# 350 kB around each distant row, which count as memory of the process.
SLICE_ROWS, DISTANT_SLICE_ROWS = 2**10, 2**6


class TemporaryArrayFile:
    """A file to which arrays are appended and from which they are read as one array."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(dir=cache_folder())  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()  # Mapped arrays remain valid after the file is closed.

    def write(self, array: np.ndarray) -> None:
        """Append an array of any shape; raise FileError if the disk is full."""
        try:
            self._file.write(np.ascontiguousarray(array).data)
        except OSError as error:
            raise FileError(f"{cache_folder()}: cannot be written ({error.strerror})") from error

    def mapped(self, dtype: DTypeLike, row_shape: tuple[int, ...] = ()) -> np.ndarray:
        """Return the written rows, at least one, as a read-only memory-mapped array."""
        self._file.flush()
        return np.memmap(self._file, dtype, "r").reshape(-1, *row_shape)


def cache_folder() -> Path:
    """Return the cache folder, or the system's folder for temporary files if it is not writable."""
    cache = user_cache_folder()
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    return cache if os.access(cache, os.W_OK) else Path(tempfile.gettempdir())


def check_not_truncated(name: str, mapped_array: np.ndarray) -> None:
    """Raise FileError if a mapped file has become shorter, because reading it would crash."""
    pages = getattr(mapped_array, "_mmap", None)
    if pages is None or not isinstance(mapped_array, np.memmap):
        return
    start = mapped_array.offset - mapped_array.offset % mmap.ALLOCATIONGRANULARITY
    if pages.size() < start + len(pages):
        raise FileError(f"{name}: the file became shorter while it was read")


def release_pages(mapped_array: np.ndarray) -> None:
    """Release the pages of a mapped array, if the system supports it."""
    pages = getattr(mapped_array, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED") and not mapped_array.flags.writeable:
        pages.madvise(mmap.MADV_DONTNEED)


def page_sized_slices(indices: np.ndarray, max_rows: int = SLICE_ROWS) -> Iterator[slice]:
    """Return slices of row indices; pages should be released after each slice."""
    for start in range(0, len(indices), max_rows):
        part = indices[start : start + max_rows]
        step = max_rows if np.ptp(part) < 4 * max_rows else DISTANT_SLICE_ROWS
        for first in range(start, start + len(part), step):
            yield slice(first, min(first + step, start + len(part)))
