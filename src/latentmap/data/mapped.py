"""Arrays that are too large for memory, in files without a name, which go with the process.

They lie in the cache folder: that for temporary files may lie in memory itself.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from latentmap.errors import FileError
from latentmap.files import cache_home

__all__ = ["NamelessFile", "cache_folder"]


class NamelessFile:
    """A file to write arrays to, one after another, and to read them from as one.

    Examples
    --------
    >>> with NamelessFile() as file:
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
    cache = cache_home()
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    return cache if os.access(cache, os.W_OK) else Path(tempfile.gettempdir())
