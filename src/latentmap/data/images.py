"""A folder of images: a row is one image, decoded when it is asked for.

Opening looks only at the headers: they tell the size, which must be one for all, and whether there
is colour, which decides how every image is decoded. Only the formats of the table below are tried,
whatever a file is called, because some of Pillow's others start programs.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.data.array_checks import check_label_memory
from latentmap.data.folders import folder_name
from latentmap.data.parse_errors import as_file_error
from latentmap.data.sources import Source
from latentmap.data.string_store import StringStore
from latentmap.errors import DataError, FileError
from latentmap.progress import progress

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["IMAGE_SUFFIXES", "ImageFolderSource"]

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"),
)
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_KINDS = ", ".join(_FORMATS[:-1]) + f" or {_FORMATS[-1]}"
_PIXEL_LIMIT = 2**26  # an image of a few bytes may claim to unpack to gigabytes
_SMALL_BYTES = 2**16
_TOLD_AT_ONCE = 100
_GREY_8 = {"1", "L", "LA", "La"}
_GREY_16 = {"I;16", "I;16B", "I;16L", "I;16N", "I"}


class ImageFolderSource(Source):
    """Images of one size, in a folder and its sub-folders.

    Parameters
    ----------
    folder : pathlib.Path
    paths : sequence of str
        Relative to ``folder``, with ``/``. The sub-folder is the label; where all lie flat, there
        are no labels.
    verbose : bool
        Show progress, where opening takes a while.

    Attributes
    ----------
    paths : StringStore
        As given: the name of every row.

    Raises
    ------
    FileError
        If an image cannot be read, or claims more than 67 million pixels.
    DataError
        If the sizes differ. The sentence names the odd file.

    Notes
    -----
    Rows are (h, w) if every image is grey: uint16 if all have 16 bits, else uint8. If one is not
    grey, all are read as RGB, (h, w, 3) uint8. Transparent parts are laid over white. Of an
    animation, the first frame is read. Pixels come as stored: EXIF rotation is not applied, but
    to TIFF files, which Pillow turns.
    """

    def __init__(self, folder: Path, paths: Sequence[str], verbose: bool = False) -> None:
        self.paths = paths if isinstance(paths, StringStore) else StringStore(paths)
        self.folder, self.name = folder, folder_name(folder)
        if not self.paths:
            raise DataError(f"{self.name}: expected at least one image, found none")
        with _large_images():
            self._size = _read_header(folder, self.paths[0])[0]
            self._decode = _decoder(self._kinds(verbose))
        self.row_shape, self.dtype = _row_type(self._decode, self._size)
        self.labels = _labels(self.name, self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        out = np.empty((len(indices), *self.row_shape), self.dtype)
        with _large_images():
            for row, path in enumerate(self.paths.take(indices)):
                out[row] = self._read(path)
        return out

    def _kinds(self, verbose: bool) -> set[str]:
        """Look at every image: tell which kinds of pixels there are."""
        kinds, count = set(), len(self.paths)
        with progress(f"looking at {count:,} images", count, verbose, patient=True) as advance:
            for number, path in enumerate(self.paths, start=1):
                size, kind = _read_header(self.folder, path)
                self._check_size(path, size)
                kinds.add(kind)
                if number % _TOLD_AT_ONCE == 0:
                    advance(_TOLD_AT_ONCE)
        return kinds

    def _check_size(self, path: str, size: tuple[int, int]) -> None:
        if size != self._size:
            raise DataError(
                f"{path}: expected {_text(self._size)} pixels as in {self.paths[0]}, "
                f"found {_text(size)}"
            )

    def _read(self, path: str) -> np.ndarray:
        with _opened(self.folder, path) as image:
            self._check_size(path, image.size)  # again: it may have changed
            pixels = self._decode(image)
        self._check_size(path, (pixels.shape[1], pixels.shape[0]))  # a TIFF may have been turned
        return pixels


@contextlib.contextmanager
def _large_images() -> Iterator[None]:
    """Do not let Pillow warn of large images at opening: the limit here is stricter."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


@contextlib.contextmanager
def _opened(folder: Path, path: str) -> Iterator[Image]:
    """Open an image; whatever goes wrong with it becomes one sentence.

    Pillow's plugins raise whatever their parsers meet: SyntaxError, struct.error, EOFError... They
    read a file in small steps: a small one is read at once, which halves the time it takes.
    """
    from PIL import Image, UnidentifiedImageError

    place = f"{folder}/{path}"
    with as_file_error(path, "an image", Exception):
        with open(place, "rb", 0, opener=_at_once) as file:
            start = file.read(_SMALL_BYTES) or b""
        whole = io.BytesIO(start) if len(start) < _SMALL_BYTES else place
        try:
            image = Image.open(whole, formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise ValueError(f"it is no {_KINDS}") from error
        with image:
            yield image


def _at_once(path: str, flags: int) -> int:
    """Open a file, and do not wait where it has become a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read_header(folder: Path, path: str) -> tuple[tuple[int, int], str]:
    with _opened(folder, path) as image:
        size, kind = image.size, _kind(image)
    if size[0] * size[1] > _PIXEL_LIMIT:
        raise FileError(f"{path}: expected at most {_PIXEL_LIMIT:,} pixels, found {_text(size)}")
    return size, kind


def _kind(image: Image) -> str:
    if image.mode in _GREY_16:
        return "grey16"
    if image.mode in _GREY_8 or _has_grey_palette(image):
        return "grey8"
    if image.mode == "F":
        raise ValueError("expected pixels of 8 or 16 bits, found floats")
    return "colour"


def _has_grey_palette(image: Image) -> bool:
    # GIF has no grey mode: a grey picture has a palette of greys.
    palette = image.getpalette() if image.mode == "P" else None
    return palette is not None and palette[0::3] == palette[1::3] == palette[2::3]


def _decoder(kinds: set[str]) -> Callable[[Image], np.ndarray]:
    if kinds == {"grey16"}:
        return _grey16
    return _grey8 if kinds <= {"grey8", "grey16"} else _colour


def _row_type(
    decode: Callable[[Image], np.ndarray], size: tuple[int, int]
) -> tuple[tuple[int, ...], np.dtype]:
    width, height = size
    channels = (3,) if decode is _colour else ()
    return (height, width, *channels), np.dtype(np.uint16 if decode is _grey16 else np.uint8)


def _grey16(image: Image) -> np.ndarray:
    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise ValueError(f"expected pixels in 0 to 65,535, found {pixels.min()} to {pixels.max()}")
    pixels, clear = pixels.astype(np.uint16), image.info.get("transparency")
    if isinstance(clear, int):
        pixels[pixels == clear] = 0xFFFF
    return pixels


def _grey8(image: Image) -> np.ndarray:
    if image.mode in _GREY_16:
        return (_grey16(image) >> 8).astype(np.uint8)
    return _pixels(image, "L")


def _colour(image: Image) -> np.ndarray:
    if image.mode in _GREY_16:
        return np.repeat(_grey8(image)[..., None], 3, axis=-1)
    return _pixels(image, "RGB")


def _pixels(image: Image, mode: str) -> np.ndarray:
    opaque = _on_white(image)
    return np.asarray(opaque if opaque.mode == mode else opaque.convert(mode))


def _on_white(image: Image) -> Image:
    from PIL import Image

    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _labels(name: str, paths: Sequence[str]) -> np.ndarray | None:
    numbers: dict[str, int] = {}
    of_paths = (numbers.setdefault(path.rpartition("/")[0], len(numbers)) for path in paths)
    numbered = np.fromiter(of_paths, np.uint32, len(paths))
    # A folder may be called by bytes that are no text: they are written as \xff.
    named = (os.fsencode(folder).decode("utf-8", "backslashreplace") for folder in numbers)
    folders = np.array([folder or "." for folder in named])
    if folders.tolist() == ["."]:
        return None
    check_label_memory(name, folders.itemsize // 4, len(numbered))
    return folders[numbered]


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
