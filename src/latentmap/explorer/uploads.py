"""Reading of uploaded files, which are stored under a fixed name in a temporary folder."""

import contextlib
import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from latentmap.data import ArraySource, Source, TableOptions
from latentmap.data.images import IMAGE_SUFFIXES, ImageFolderSource
from latentmap.data.isolated_reading import read_isolated
from latentmap.data.readers import FILE_SUFFIXES
from latentmap.errors import FileError, LatentmapError
from latentmap.explorer.row_images import RowImages
from latentmap.explorer.upload_limits import check_upload_size

MAX_UPLOAD_BYTES = 32 * 2**20
MAX_PLACED_ROWS = 100
_MAX_NAME_CHARACTERS = 100
_OPTION_ADVICE = re.compile(r"; [^;\n]*--[a-z][^\n]*")
_LOCK = threading.Lock()  # Files are read one after another, because each may need all the memory.


@dataclass(frozen=True)
class Upload:
    """The first rows of an uploaded file, the number of all its rows, and a note for the user."""

    rows: Source
    total: int
    note: str = ""


def read_upload(
    name: str,
    content: bytes,
    images: RowImages | None,
    label: str | None = None,
    options: TableOptions | None = None,
) -> Upload:
    """Read the first rows of an uploaded file; ``options`` are those of a table."""
    display_name = _display_name(name)
    suffix = PurePosixPath(display_name).suffix.lower()
    if suffix not in (*FILE_SUFFIXES, *IMAGE_SUFFIXES):
        raise FileError(
            f"{display_name}: expected a table (such as .csv or .parquet), an array (.npy) or an "
            f"image, found the suffix {suffix or 'none'!r}"
        )
    with (
        _LOCK,
        tempfile.TemporaryDirectory(prefix="latentmap-", ignore_cleanup_errors=True) as folder,
    ):
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(content)
        with _errors_for_the_page(path, display_name):
            upload = _read(path, images, label, options)
        upload.rows.name = display_name
        return upload


def _display_name(name: str) -> str:
    """Return the last part of a path in printable characters."""
    base_name = re.split(r"[/\\]", name)[-1]
    printable_name = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in base_name
    )
    return printable_name[-_MAX_NAME_CHARACTERS:] or "the file"


@contextlib.contextmanager
def _errors_for_the_page(path: Path, display_name: str) -> Iterator[None]:
    """Name the uploaded file in errors, without advice on options of the command."""
    try:
        yield
    except LatentmapError as error:
        text = str(error)
        for internal_name in (str(path), path.name, str(path.parent), path.parent.name):
            text = text.replace(internal_name, display_name)
        error.args = (_OPTION_ADVICE.sub("; correct the file", text),)
        raise


def _read(
    path: Path, images: RowImages | None, label: str | None, options: TableOptions | None
) -> Upload:
    check_upload_size(path)
    if path.suffix not in IMAGE_SUFFIXES:
        return Upload(*read_isolated(path, MAX_PLACED_ROWS, label, options))
    image = ArraySource(ImageFolderSource(path.parent, [path.name])[:])
    return Upload(image, 1) if images is None else _convert_image(image, images)


def _convert_image(source: Source, images: RowImages) -> Upload:
    """Convert an image to the size, channels and units of the images of the model."""
    height, width, channels = images.size
    pixels = source[0]
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    image, grey = Image.fromarray(pixels), channels == 1
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    pixels_in_size = np.asarray(image.convert("L" if grey else "RGB"))
    rows = images.to_rows(pixels_in_size.reshape(1, height, width, channels))
    changes = []
    if pixels.shape[:2] != (height, width):
        size = f"{pixels.shape[1]}×{pixels.shape[0]}"
        changes.append(f"resized from {size} to {width}×{height} pixels")
    if grey and pixels.ndim == 3:
        changes.append("converted to grey")
    note = f"The image was {' and '.join(changes)}, like the images of the model."
    return Upload(ArraySource(rows), 1, note if changes else "")
