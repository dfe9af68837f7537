"""Limits of the size of an uploaded file, which are checked before it is read.

A small zip archive, Parquet file or image can unpack to gigabytes. A .csv file with a long line
takes several times its size, because the reader holds several copies of a line. Files that need too
much memory in another way are refused while they are read; see `isolated_reading`.
"""

import contextlib
import mmap
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from latentmap.data.images import IMAGE_SUFFIXES
from latentmap.errors import FileError

MAX_UNPACKED_BYTES = 256 * 2**20
MAX_PIXELS = 25_000_000
MAX_LINE_BYTES = 2**20
# Minimum memory of a value that is read from a Parquet file, such as a number.
_VALUE_BYTES = 8


def check_upload_size(path: Path) -> None:
    """Raise FileError if a file would take too much memory.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rows.csv"
    >>> _ = path.write_bytes(b"1," * 2**20)
    >>> check_upload_size(path)
    Traceback (most recent call last):
        ...
    latentmap.errors.FileError: rows.csv: expected lines of at most 1,048,576 bytes, found a longer
    one
    """
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        _check_pixels(path)
    elif suffix in _CHECKS:
        _CHECKS[suffix](path)


def _check_archive(path: Path) -> None:
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        _check_bytes(path, sum(part.file_size for part in archive.infolist()))


def _check_parquet(path: Path) -> None:
    from pyarrow import ArrowException, parquet

    try:
        metadata = parquet.read_metadata(path)
    except (ArrowException, OSError):
        return  # The reader of the file reports damage.
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    _check_bytes(path, sum(chunk.total_uncompressed_size for chunk in chunks))
    _check_bytes(path, _VALUE_BYTES * sum(chunk.num_values for chunk in chunks))


def _check_bytes(path: Path, n_bytes: int) -> None:
    if n_bytes > MAX_UNPACKED_BYTES:
        raise FileError(
            f"{path.name}: expected at most {MAX_UNPACKED_BYTES:,} bytes when unpacked, found "
            f"{n_bytes:,}"
        )


def _check_lines(path: Path) -> None:
    if path.stat().st_size <= MAX_LINE_BYTES:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = 0
        while len(content) - start > MAX_LINE_BYTES:
            # Continue after the last line break within the limit, if there is one.
            end = max(
                content.rfind(end, start, start + MAX_LINE_BYTES + 1) for end in (b"\n", b"\r")
            )
            if end < 0:
                raise FileError(
                    f"{path.name}: expected lines of at most {MAX_LINE_BYTES:,} bytes, found a "
                    "longer one"
                )
            start = end + 1


def _check_pixels(path: Path) -> None:
    n_pixels = 0
    with warnings.catch_warnings(), contextlib.suppress(OSError, SyntaxError, ValueError):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path) as image:  # Only the header is read.
                n_pixels = image.width * image.height
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            n_pixels = MAX_PIXELS + 1  # Pillow warns only above a higher limit.
    if n_pixels > MAX_PIXELS:
        raise FileError(
            f"{path.name}: expected at most {MAX_PIXELS:,} pixels, found more: reduce the image"
        )


_CHECKS: dict[str, Callable[[Path], None]] = {
    **dict.fromkeys((".npz", ".xlsx"), _check_archive),
    ".parquet": _check_parquet,
    **dict.fromkeys((".csv", ".tsv", ".txt"), _check_lines),
}
