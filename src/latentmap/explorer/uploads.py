"""Reading of uploaded files, which are stored under a fixed name in a temporary folder."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from latentmap.data import ArraySource, Source, TableOptions, open_data
from latentmap.data.images import IMAGE_SUFFIXES, ImageFolderSource
from latentmap.data.readers import FILE_SUFFIXES
from latentmap.errors import FileError, LatentmapError, SettingError
from latentmap.explorer.row_images import RowImages
from latentmap.explorer.upload_limits import check_upload_size

MAX_UPLOAD_BYTES = 32 * 2**20
_MAX_NAME_CHARACTERS = 100


@contextlib.contextmanager
def open_upload(
    name: str,
    content: bytes,
    images: RowImages | None,
    label: str | None = None,
    options: TableOptions | None = None,
) -> Iterator[tuple[Source, str]]:
    """Open an uploaded file for the duration of the block; ``options`` are those of a table."""
    display_name = _display_name(name)
    suffix = PurePosixPath(display_name).suffix.lower()
    if suffix not in (*FILE_SUFFIXES, *IMAGE_SUFFIXES):
        known_suffixes = ", ".join((*FILE_SUFFIXES, *IMAGE_SUFFIXES))
        raise FileError(
            f"{display_name}: expected one of the suffixes {known_suffixes}, "
            f"found {suffix or 'none'!r}"
        )
    with tempfile.TemporaryDirectory(prefix="latentmap-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(content)
        with _replace_path_in_errors(path, display_name):
            rows, note = _read(path, images, label, options)
            rows.name = display_name
            yield rows, note


def _display_name(name: str) -> str:
    """Return the last part of a path in printable characters."""
    base_name = re.split(r"[/\\]", name)[-1]
    printable_name = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in base_name
    )
    return printable_name[-_MAX_NAME_CHARACTERS:] or "the file"


@contextlib.contextmanager
def _replace_path_in_errors(path: Path, display_name: str) -> Iterator[None]:
    try:
        yield
    except LatentmapError as error:
        text = str(error)
        for internal_name in (str(path), path.name, str(path.parent), path.parent.name):
            text = text.replace(internal_name, display_name)
        error.args = (text,)
        raise


def _read(
    path: Path, images: RowImages | None, label: str | None, options: TableOptions | None
) -> tuple[Source, str]:
    check_upload_size(path)
    if path.suffix in IMAGE_SUFFIXES:
        image = ImageFolderSource(path.parent, [path.name])
        return (image, "") if images is None else _convert_image(image, images)
    if label is not None:
        with contextlib.suppress(SettingError):
            return open_data(path, label=label, options=options), ""
    return open_data(path, options=options), ""


def _convert_image(source: Source, images: RowImages) -> tuple[Source, str]:
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
    return ArraySource(rows), note if changes else ""
