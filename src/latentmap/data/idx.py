"""The IDX format of the MNIST files: four bytes of type, the shape, then the numbers.

Format as described by Y. LeCun, C. Cortes and C. Burges, "The MNIST database", big-endian
throughout. The shape is believed only if the file has exactly the bytes it claims.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np

from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import as_file_error
from latentmap.errors import FileError

__all__ = ["read_idx"]

_KIND = "an IDX file"
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"
_MOST_DIMENSIONS = 8

_Stream = gzip.GzipFile | BufferedReader


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file, gzipped or not, into memory.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    ndarray
        Of the shape and type that the file tells, in the machine's byte order.

    Raises
    ------
    FileError
        If the file is no IDX file, is cut short, or has bytes to spare.
    TooLargeError
        If its numbers do not fit in the memory that is free.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two-idx1-ubyte"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    >>> read_idx(path)
    array([7, 9], dtype=uint8)
    """
    with as_file_error(path.name, _KIND, EOFError, ValueError, zlib.error), _opened(path) as stream:
        dtype, shape = _read_header(stream, path.name)
        needed = math.prod(shape) * dtype.itemsize
        check_memory(path.name, needed)
        rows = np.empty(shape, dtype)
        found = _fill(stream, rows)
        more = stream.read(1)
    if found < needed or more:
        amount = "more" if more else f"{found:,}"
        raise FileError(f"{path.name}: expected {needed:,} bytes of numbers, found {amount}")
    return rows.astype(dtype.newbyteorder("="), copy=False)


def _opened(path: Path) -> _Stream:
    with path.open("rb") as stream:
        zipped = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if zipped else path.open("rb")


def _read_header(stream: _Stream, name: str) -> tuple[np.dtype, tuple[int, ...]]:
    magic = stream.read(4)
    known = len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in _DTYPES
    if not known or not 1 <= magic[3] <= _MOST_DIMENSIONS:
        raise FileError(f"{name}: expected {_KIND}, found one that starts with {magic!r}")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise FileError(f"{name}: expected {magic[3]} sizes, found a file cut short")
    return np.dtype(_DTYPES[magic[2]]), struct.unpack(f">{magic[3]}I", sizes)


def _fill(stream: _Stream, rows: np.ndarray) -> int:
    """Read straight into the array, so that the bytes are in memory once, not twice."""
    view = rows.reshape(-1).view(np.uint8).data
    done = 0
    while count := stream.readinto(view[done:]):
        done += count
    return done
