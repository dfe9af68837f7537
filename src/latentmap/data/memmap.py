"""Arrays that are too large for memory: mapped files, the user's and our own.

Our own have no name, and go with the process. They lie in the cache folder: that for temporary
files may lie in memory itself.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from latentmap.errors import FileError
from latentmap.files import user_cache_folder

__all__ = [
    "TemporaryArrayFile",
    "cache_folder",
    "check_not_truncated",
    "page_sized_slices",
    "release_pages",
]

_NEAR_ROWS, _FAR_ROWS = 2**10, 2**6
"""Of a mapped file taken at a time. Around each row that lies alone, the system maps up to 350 kB,
which count as memory of the process until they are given back."""


class TemporaryArrayFile:
    """A file to write arrays to, one after another, and to read them from as one.

    Examples
    --------
    >>> with TemporaryArrayFile() as file:
    ...     file.write(np.array([[1, 2]], np.uint8))
    ...     file.write(np.array([[3, 4], [5, 6]], np.uint8))
    ...     rows = file.mapped(np.uint8, (2,))
    >>> rows.tolist()
    [[1, 2], [3, 4], [5, 6]]
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(dir=cache_folder())  # noqa: SIM115 - closed when this is left

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()  # what was mapped keeps what is in it

    def write(self, array: np.ndarray) -> None:
        """Add an array, of any shape, to what is there.

        Raises
        ------
        FileError
            If the disk is full.
        """
        try:
            self._file.write(np.ascontiguousarray(array).data)
        except OSError as error:
            raise FileError(f"{cache_folder()}: cannot be written ({error.strerror})") from error

    def mapped(self, dtype: Any, row_shape: tuple[int, ...] = ()) -> np.ndarray:
        """Give all that was written as one array of rows, to be read only, and read where it lies.

        Parameters
        ----------
        dtype : numpy.dtype
            Of what was written, at least one number of it.
        row_shape : tuple of int

        Returns
        -------
        numpy.memmap of shape (n, *row_shape)
        """
        self._file.flush()
        return np.memmap(self._file, dtype, "r").reshape(-1, *row_shape)


def cache_folder() -> Path:
    """Give the folder for what may be made again, in ``XDG_CACHE_HOME``.

    Where nothing can be written there, it is the system's folder for temporary files.

    Examples
    --------
    >>> cache_folder().is_dir()
    True
    """
    cache = user_cache_folder()
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    return cache if os.access(cache, os.W_OK) else Path(tempfile.gettempdir())


def check_not_truncated(name: str, mapped: Any) -> None:
    """Refuse to read a mapped file that has been cut short: the system would end us.

    Parameters
    ----------
    name : str
        Of the file, for the message.
    mapped : numpy.memmap

    Raises
    ------
    FileError

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "rows.npy"
    >>> np.save(path, np.arange(3))
    >>> rows = np.load(path, mmap_mode="r")
    >>> os.truncate(path, 10)
    >>> check_not_truncated("rows.npy", rows)
    Traceback (most recent call last):
        ...
    latentmap.errors.FileError: rows.npy: it was cut short while it was read
    """
    pages = getattr(mapped, "_mmap", None)
    if pages is None:
        return
    start = mapped.offset - mapped.offset % mmap.ALLOCATIONGRANULARITY
    if pages.size() < start + len(pages):
        raise FileError(f"{name}: it was cut short while it was read")


def release_pages(mapped: Any) -> None:
    """Give the pages of a mapped array that were read back to the system.

    They would count as this process's memory until somebody else needs it. Where the system cannot
    be told, nothing happens.

    Examples
    --------
    >>> with TemporaryArrayFile() as file:
    ...     file.write(np.arange(3, dtype=np.uint8))
    ...     numbers = file.mapped(np.uint8)
    >>> release_pages(numbers)
    >>> numbers.tolist()
    [0, 1, 2]
    """
    pages = getattr(mapped, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED") and not mapped.flags.writeable:
        pages.madvise(mmap.MADV_DONTNEED)


def page_sized_slices(indices: np.ndarray, near: int = _NEAR_ROWS) -> Iterator[slice]:
    """Cut rows of a mapped file into parts, after each of which its pages should be let go.

    Parameters
    ----------
    indices : ndarray of int
        In any order.
    near : int
        The most in a part, where they lie within four times as many.

    Examples
    --------
    >>> [len(range(*part.indices(2000))) for part in page_sized_slices(np.arange(2000))]
    [1024, 976]
    >>> len(list(page_sized_slices(np.arange(2000) * 1000)))
    32
    """
    for start in range(0, len(indices), near):
        some = indices[start : start + near]
        step = near if np.ptp(some) < 4 * near else _FAR_ROWS
        for first in range(start, start + len(some), step):
            yield slice(first, min(first + step, start + len(some)))
