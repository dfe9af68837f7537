"""Folders of images: opening a folder reads the headers, and reading a row decodes its image."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import check_label_memory
from latentmap.data.folders import folder_name
from latentmap.data.image_sizes import Size, choose_size, describe_resizing, format_size, resize
from latentmap.data.parse_errors import as_file_error
from latentmap.data.photo_metadata import PhotoMetadata, photo_table, read_photo_metadata
from latentmap.data.sources import Source
from latentmap.data.string_store import StringStore
from latentmap.errors import DataError, FileError
from latentmap.progress import progress

if TYPE_CHECKING:
    from PIL.Image import Image

# Formats that Pillow decodes by itself. For EPS, it would run another program.
_FORMATS = (
    *(
        "PNG",
        "JPEG",
        "BMP",
        "GIF",
        "TIFF",
        "WEBP",
        "PPM",
        "AVIF",
        "BLP",
        "CUR",
        "DCX",
        "DDS",
        "DIB",
    ),
    *("FITS", "FLI", "FTEX", "GBR", "ICNS", "ICO", "IM", "IPTC", "JPEG2000", "MSP", "PCD", "PCX"),
    *("PIXAR", "PSD", "QOI", "SGI", "SUN", "TGA", "XBM", "XPM"),
)
IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"),
    *(".apng", ".avif", ".avifs", ".blp", ".bw", ".cur", ".dcx", ".dds", ".dib", ".fit", ".fits"),
    *(".flc", ".fli", ".ftc", ".ftu", ".gbr", ".icb", ".icns", ".ico", ".iim", ".im", ".j2c"),
    *(".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpf", ".jpx", ".msp", ".pbm", ".pcd", ".pcx"),
    *(".pfm", ".pnm", ".psd", ".pxr", ".qoi", ".ras", ".rgb", ".rgba", ".sgi", ".tga", ".vda"),
    *(".vst", ".xbm", ".xpm", ".mpo"),
)
# Maximum number of pixels of an image, because a small file can decode to gigabytes.
_PIXEL_LIMIT = 2**26
_SMALL_FILE_BYTES = 2**16
_IMAGES_PER_UPDATE = 100
_ORIENTATION = 0x0112  # EXIF tag of the orientation.
_ROTATED = (5, 6, 7, 8)  # Orientations that exchange width and height.
_GREY_8 = {"1", "L", "LA", "La"}
_GREY_16 = {"I;16", "I;16B", "I;16L", "I;16N", "I"}


class ImageFolderSource(Source):
    """Images in a folder and its sub-folders, resized to one size by `image_sizes.choose_size`.

    Images of one size and at most 65,536 pixels are not resized unless ``size`` is given.

    If every image is grey, rows have shape (h, w) and type uint16 if all images have 16 bits, else
    uint8. If one image has colours, all are read as RGB, uint8 of shape (h, w, 3). Transparent
    pixels are drawn over white. The first frame of an animation is read, and the EXIF orientation
    is applied. Resized images have 8 bits. ``metadata`` is the camera, time and exposure of photos
    with EXIF tags.
    """

    def __init__(
        self,
        folder: Path,
        paths: Sequence[str],
        verbose: bool = False,
        size: str | None = None,
    ) -> None:
        self.paths = paths if isinstance(paths, StringStore) else StringStore(paths)
        self.folder, self.name = folder, folder_name(folder)
        if not self.paths:
            raise DataError(f"{self.name}: expected at least one image, found none")
        with _without_pillow_warnings():
            sizes, kinds, photos = self._read_headers(verbose)
        self._size = choose_size(sizes, size)
        note = describe_resizing(sizes, self._size)
        self.notes, self._is_resized = (() if note is None else (note,)), note is not None
        self._decode = _decoder(kinds, self._is_resized)
        self.row_shape, self.dtype = _row_type(self._decode, self._size)
        self.labels = _folder_labels(self.name, self.paths)
        self.metadata = photo_table(photos, self.name)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, indices: ArrayLike) -> np.ndarray:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        batch = np.empty((len(indices), *self.row_shape), self.dtype)
        with _without_pillow_warnings():
            for row, path in enumerate(self.paths.take(indices)):
                batch[row] = self._read(path)
        return batch

    def _read_headers(self, verbose: bool) -> tuple[set[Size], set[str], list[PhotoMetadata]]:
        """Read all headers: the sizes and pixel formats, and the metadata of each image."""
        sizes, kinds, photos, count = set(), set(), [], len(self.paths)
        with progress(
            f"reading the headers of {count:,} images", count, verbose, delay=True
        ) as advance:
            for number, path in enumerate(self.paths, start=1):
                size, kind, photo = _read_header(self.folder, path)
                sizes.add(size)
                kinds.add(kind)
                photos.append(photo)
                if number % _IMAGES_PER_UPDATE == 0:
                    advance(_IMAGES_PER_UPDATE)
        return sizes, kinds, photos

    def _check_size(self, path: str, size: Size) -> None:
        if size != self._size:
            raise DataError(
                f"{path}: expected {format_size(self._size)} pixels as in {self.paths[0]}, "
                f"found {format_size(size)}"
            )

    def _read(self, path: str) -> np.ndarray:
        from PIL import Image

        with _open(self.folder, path) as image:
            # The file may have changed since its header was read.
            size = _oriented_size(image)
            if not self._is_resized:
                self._check_size(path, size)
                pixels = self._decode(_apply_orientation(image))
                self._check_size(path, (pixels.shape[1], pixels.shape[0]))
                return pixels
            _check_pixels(path, size)
            side = 2 * max(self._size)
            image.draft(None, (side, side))  # A JPEG file is decoded at a lower resolution.
            decoded_image = Image.fromarray(self._decode(_apply_orientation(image)))
            return np.asarray(resize(decoded_image, self._size))


def _oriented_size(image: Image) -> Size:
    """Return the size of an image after its EXIF orientation is applied."""
    width, height = image.size
    if image.format == "TIFF":  # Some versions of Pillow exchange width and height themselves.
        tags = image.tag_v2  # type: ignore[attr-defined]
        width, height = tags.get(256, width), tags.get(257, height)
    # Pillow would decode a whole PNG file to find its EXIF tags behind the pixels.
    has_tags = image.format != "PNG" or "exif" in image.info
    is_rotated = has_tags and image.getexif().get(_ORIENTATION) in _ROTATED
    return (height, width) if is_rotated else (width, height)


def _apply_orientation(image: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _check_pixels(path: str, size: Size) -> None:
    if size[0] * size[1] > _PIXEL_LIMIT:
        raise FileError(
            f"{path}: expected at most {_PIXEL_LIMIT:,} pixels, found {format_size(size)}"
        )


@contextlib.contextmanager
def _without_pillow_warnings() -> Iterator[None]:
    """Suppress Pillow's warnings about formats and large images; `_check_pixels` limits sizes."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextlib.contextmanager
def _open(folder: Path, path: str) -> Iterator[Image]:
    """Open an image, from memory if the file is small; convert errors of Pillow to FileError."""
    from PIL import Image, UnidentifiedImageError

    file_path = f"{folder}/{path}"
    with as_file_error(path, "an image", Exception):
        with open(file_path, "rb", 0, opener=_open_without_blocking) as file:
            start = file.read(_SMALL_FILE_BYTES) or b""
        source = io.BytesIO(start) if len(start) < _SMALL_FILE_BYTES else file_path
        Image.init()  # Fill `Image.OPEN`, because not every version of Pillow has all formats.
        try:
            image = Image.open(source, formats=[name for name in _FORMATS if name in Image.OPEN])
        except UnidentifiedImageError as error:
            raise ValueError("expected a format that Pillow reads") from error
        with image:
            yield image


def _open_without_blocking(path: str, flags: int) -> int:
    """Open a file; do not wait if it has become a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read_header(folder: Path, path: str) -> tuple[Size, str, PhotoMetadata]:
    with _open(folder, path) as image:
        _check_pixels(path, image.size)
        return _oriented_size(image), _kind(image), read_photo_metadata(image)


def _kind(image: Image) -> str:
    if image.mode in _GREY_16:
        return "grey16"
    if image.mode in _GREY_8 or _has_grey_palette(image):
        return "grey8"
    if image.mode == "F":
        raise ValueError("expected pixels of 8 or 16 bits, found floats")
    return "colour"


def _has_grey_palette(image: Image) -> bool:
    # GIF has no grey mode; a grey image has a palette of greys.
    palette = image.getpalette() if image.mode == "P" else None
    return palette is not None and palette[0::3] == palette[1::3] == palette[2::3]


def _decoder(kinds: set[str], is_resized: bool) -> Callable[[Image], np.ndarray]:
    if kinds == {"grey16"} and not is_resized:
        return _grey16
    return _grey8 if kinds <= {"grey8", "grey16"} else _rgb


def _row_type(
    decode: Callable[[Image], np.ndarray], size: tuple[int, int]
) -> tuple[tuple[int, ...], np.dtype]:
    width, height = size
    channels = (3,) if decode is _rgb else ()
    return (height, width, *channels), np.dtype(np.uint16 if decode is _grey16 else np.uint8)


def _grey16(image: Image) -> np.ndarray:
    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise ValueError(f"expected pixels in 0 to 65,535, found {pixels.min()} to {pixels.max()}")
    pixels, transparent = pixels.astype(np.uint16), image.info.get("transparency")
    if isinstance(transparent, int):
        pixels[pixels == transparent] = 0xFFFF
    return pixels


def _grey8(image: Image) -> np.ndarray:
    if image.mode in _GREY_16:
        return (_grey16(image) >> 8).astype(np.uint8)
    return _pixels(image, "L")


def _rgb(image: Image) -> np.ndarray:
    if image.mode in _GREY_16:
        return np.repeat(_grey8(image)[..., None], 3, axis=-1)
    return _pixels(image, "RGB")


def _pixels(image: Image, mode: str) -> np.ndarray:
    image = _blend_on_white(image)
    return np.asarray(image if image.mode == mode else image.convert(mode))


def _blend_on_white(image: Image) -> Image:
    from PIL import Image

    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _folder_labels(name: str, paths: Sequence[str]) -> np.ndarray | None:
    numbers: dict[str, int] = {}
    folder_numbers = (numbers.setdefault(path.rpartition("/")[0], len(numbers)) for path in paths)
    codes = np.fromiter(folder_numbers, np.uint32, len(paths))
    # The name of a folder may contain bytes that are not valid text; they are shown as \xff.
    names = (os.fsencode(folder).decode("utf-8", "backslashreplace") for folder in numbers)
    folders = np.array([folder or "." for folder in names])
    if folders.tolist() == ["."]:
        return None
    check_label_memory(name, folders.itemsize // 4, len(codes))
    return folders[codes]
