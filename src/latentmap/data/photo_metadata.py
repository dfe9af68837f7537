"""Metadata that cameras write into photos (EXIF): camera, time and exposure.

The position of a photo is not read, so that an exported page does not reveal where it was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.data.sources import Source

if TYPE_CHECKING:
    from PIL.Image import Image

_EXIF_FOLDER = 0x8769  # Tag of the folder that holds time and exposure.
_MAX_LENGTH = 100  # Maximum number of characters of a text.


@dataclass(frozen=True)
class PhotoMetadata:
    """Metadata of one photo; None is missing."""

    camera: str | None = None
    taken: datetime | None = None
    exposure_s: float | None = None
    aperture: float | None = None
    iso: float | None = None
    focal_length_mm: float | None = None


_COLUMNS = ("camera", "taken", "exposure (s)", "aperture", "ISO", "focal length (mm)")


def read_photo_metadata(image: Image) -> PhotoMetadata:
    """Return the EXIF metadata of an opened image, without decoding its pixels."""
    # Pillow would decode a whole PNG file to find its EXIF tags behind the pixels.
    if image.format == "PNG" and "exif" not in image.info:
        return PhotoMetadata()
    try:
        tags = image.getexif()
        details = tags.get_ifd(_EXIF_FOLDER)
    except Exception:  # The tags of a photo may be damaged in many ways, and are not needed.
        return PhotoMetadata()
    return PhotoMetadata(
        camera=_convert(_text, tags.get(0x0110)),
        taken=_convert(_time, details.get(0x9003) or tags.get(0x0132)),
        exposure_s=_convert(_number, details.get(0x829A)),
        aperture=_convert(_number, details.get(0x829D)),
        iso=_convert(_number, details.get(0x8827)),
        focal_length_mm=_convert(_number, details.get(0x920A)),
    )


def photo_table(photos: Sequence[PhotoMetadata], name: str) -> Source | None:
    """Return a table of the metadata of photos, without empty columns; None if all are empty."""
    import pyarrow as pa

    from latentmap.data.tables import Table

    if all(photo == PhotoMetadata() for photo in photos):
        return None
    types = (pa.string(), pa.timestamp("s"), *[pa.float64()] * 4)
    values = zip(*map(astuple, photos), strict=True)
    arrays = [pa.array(column, kind) for column, kind in zip(values, types, strict=True)]
    columns = {
        column: array
        for column, array in zip(_COLUMNS, arrays, strict=True)
        if array.null_count < len(array)
    }
    return Table(pa.table(columns).to_pandas(), name=name)


def _convert(convert: Callable[[Any], Any], value: Any) -> Any:
    """Return a converted tag, or None if it is missing or has an unexpected value."""
    try:
        return None if value is None else convert(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    text = str(value).partition("\0")[0].strip()[:_MAX_LENGTH]
    return text.encode("utf-8", "replace").decode() or None


def _time(value: Any) -> datetime:
    return datetime.strptime(str(value).partition("\0")[0].strip(), "%Y:%m:%d %H:%M:%S")


def _number(value: Any) -> float | None:
    number = float(value[0] if isinstance(value, tuple) else value)
    return number if np.isfinite(number) else None
