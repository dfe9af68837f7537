"""Read IDX files, the format of MNIST: four bytes of type, the shape, then big-endian numbers."""

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

_FORMAT = "an IDX file"
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_DIMENSIONS = 8

_Stream = gzip.GzipFile | BufferedReader


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file, gzipped or not, into memory; raise FileError or TooLargeError."""
    with (
        as_file_error(path.name, _FORMAT, EOFError, ValueError, zlib.error),
        _open(path) as stream,
    ):
        dtype, shape = _read_header(stream, path.name)
        expected = math.prod(shape) * dtype.itemsize
        check_memory(path.name, expected)
        rows = np.empty(shape, dtype)
        n_bytes = _read_into(stream, rows)
        excess_byte = stream.read(1)
    if n_bytes < expected or excess_byte:
        amount_text = "more" if excess_byte else f"{n_bytes:,}"
        raise FileError(f"{path.name}: expected {expected:,} bytes of numbers, found {amount_text}")
    return rows.astype(dtype.newbyteorder("="), copy=False)


def _open(path: Path) -> _Stream:
    with path.open("rb") as stream:
        is_gzip = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if is_gzip else path.open("rb")


def _read_header(stream: _Stream, name: str) -> tuple[np.dtype, tuple[int, ...]]:
    magic = stream.read(4)
    has_magic = len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in _DTYPES
    if not has_magic or not 1 <= magic[3] <= _MAX_DIMENSIONS:
        raise FileError(f"{name}: expected {_FORMAT}, found one that starts with {magic!r}")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise FileError(f"{name}: expected {magic[3]} sizes, found a truncated file")
    return np.dtype(_DTYPES[magic[2]]), struct.unpack(f">{magic[3]}I", sizes)


def _read_into(stream: _Stream, rows: np.ndarray) -> int:
    """Read bytes into an array without a second copy in memory, and return their number."""
    view = rows.reshape(-1).view(np.uint8).data
    n_bytes = 0
    while count := stream.readinto(view[n_bytes:]):
        n_bytes += count
    return n_bytes
