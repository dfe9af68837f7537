"""A file that was dropped on the page: through the same readers as any other, under our own name.

Nothing of the name that came with it reaches the disk but a suffix that a reader knows. What goes
wrong is told in the readers' own words, with the file called as its owner calls it.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from latentmap.data import ArraySource, Source, open_data
from latentmap.data.images import IMAGE_SUFFIXES, ImageFolderSource
from latentmap.data.readers import FILE_SUFFIXES
from latentmap.errors import FileError, LatentmapError, SettingError
from latentmap.explorer.row_images import Pictures

__all__ = ["MOST_BYTES", "opened"]

MOST_BYTES = 32 * 2**20
MOST_UNPACKED = 8 * MOST_BYTES
_LONGEST = 100  # characters of a name


@contextlib.contextmanager
def opened(
    name: str, content: bytes, pictures: Pictures | None, label: str | None = None
) -> Iterator[tuple[Source, str]]:
    r"""Open a file that was sent, for as long as the block takes.

    Parameters
    ----------
    name : str
        As its owner calls it; any text.
    content : bytes
    pictures : Pictures or None
        Of the model's rows, where these are images: an image is made one of them.
    label : str, optional
        A column of tables that holds labels, where there is one.

    Yields
    ------
    rows : Source
    note : str
        What was changed, one sentence or none.

    Raises
    ------
    LatentmapError
        What the readers raise.

    Examples
    --------
    >>> with opened("../../mine.csv", b"a,b\n1,2\n3,4\n", None) as (rows, note):
    ...     rows.name, rows[:].tolist()
    ('mine.csv', [[1, 2], [3, 4]])
    >>> with opened("mine.csv", b"a,b\n1,2\n3,?\n", None) as (rows, note):
    ...     pass
    Traceback (most recent call last):
        ...
    latentmap.errors.DataError: mine.csv, line 3, column b: expected a number, found '?'
    """
    shown = _shown(name)
    suffix = PurePosixPath(shown).suffix.lower()
    if suffix not in (*FILE_SUFFIXES, *IMAGE_SUFFIXES):
        known = ", ".join((*FILE_SUFFIXES, *IMAGE_SUFFIXES))
        raise FileError(
            f"{shown}: expected one of the suffixes {known}, found {suffix or 'none'!r}"
        )
    with tempfile.TemporaryDirectory(prefix="latentmap-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(content)
        with _called(path, shown):
            rows, note = _read(path, pictures, label)
            rows.name = shown
            yield rows, note


def _shown(name: str) -> str:
    """Give the last part of a name, in characters that can be seen."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in last)
    return seen[-_LONGEST:] or "the file"


@contextlib.contextmanager
def _called(path: Path, shown: str) -> Iterator[None]:
    """Let messages call a file by its owner's name."""
    try:
        yield
    except LatentmapError as error:
        text = str(error)
        for ours in (str(path), path.name, str(path.parent), path.parent.name):
            text = text.replace(ours, shown)
        error.args = (text,)
        raise


def _read(path: Path, pictures: Pictures | None, label: str | None) -> tuple[Source, str]:
    if path.suffix == ".npz":
        _check_unpacked(path)
    if path.suffix in IMAGE_SUFFIXES:
        image = ImageFolderSource(path.parent, [path.name])
        return (image, "") if pictures is None else _as_one_of(image, pictures)
    if label is not None:
        with contextlib.suppress(SettingError):
            return open_data(path, label=label), ""
    return open_data(path), ""


def _check_unpacked(path: Path) -> None:
    """Refuse a small file that says that it becomes a large one."""
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
        if size > MOST_UNPACKED:
            raise FileError(
                f"{path.name}: expected at most {MOST_UNPACKED:,} bytes when unpacked, found "
                f"{size:,}"
            )


def _as_one_of(image: Source, pictures: Pictures) -> tuple[Source, str]:
    """Make an image one of the model's: their size, their colours, their units."""
    height, width, channels = pictures.size
    pixels = image[0]
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    grey, small = channels == 1, Image.fromarray(pixels)
    if small.size != (width, height):
        small = small.resize((width, height), Image.Resampling.LANCZOS)
    shown = np.asarray(small.convert("L" if grey else "RGB")).reshape(1, height, width, channels)
    note = _note(pixels.shape, (height, width), grey)
    return ArraySource(pictures.rows_of(shown)), note


def _note(found: tuple[int, ...], wanted: tuple[int, int], grey: bool) -> str:
    changes = []
    if found[:2] != wanted:
        sizes = [f"{width}×{height}" for height, width in (found[:2], wanted)]
        changes.append(f"resized from {sizes[0]} to {sizes[1]} pixels")
    if grey and len(found) == 3:
        changes.append("turned grey")
    return f"The image was {' and '.join(changes)}, as the model's are." if changes else ""
