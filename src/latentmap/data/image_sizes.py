"""The common size of the images of a folder, to which larger images and others are resized."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from latentmap.errors import SettingError

if TYPE_CHECKING:
    from PIL.Image import Image

Size = tuple[int, int]
"""Width and height of an image in pixels."""

DEFAULT_SIDE = 64
# Images of one size with at most this number of pixels are not resized by default.
MAX_UNCHANGED_PIXELS = 2**16
MAX_SIDE = 4096
# Images whose aspect ratios differ by less than this factor keep the whole picture.
_SAME_ASPECT = 1.02
_PATTERN = re.compile(r"([0-9]{1,6})(?:[x×]([0-9]{1,6}))?", re.ASCII)


def choose_size(sizes: Collection[Size], requested_size: str | None = None) -> Size:
    """Return the common size of images.

    ``requested_size`` is "96x64" for width and height, or "64" for the shorter side. If the aspect
    ratios of the images differ, one side makes a square. By default images of one size stay as
    they are unless they have more than 65,536 pixels, and others are resized as by "64".

    Examples
    --------
    >>> choose_size({(28, 28)}), choose_size({(4000, 3000)}), choose_size({(640, 480), (480, 640)})
    ((28, 28), (85, 64), (64, 64))
    """
    side, height = (DEFAULT_SIDE, None) if requested_size is None else _parse(requested_size)
    if height is not None:
        return side, height
    width, height = min(sizes)
    if requested_size is None and len(sizes) == 1 and width * height <= MAX_UNCHANGED_PIXELS:
        return width, height
    aspects = [w / h for w, h in sizes]
    if max(aspects) > min(aspects) * _SAME_ASPECT:
        return side, side
    scale = side / min(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _parse(requested_size: str) -> tuple[int, int | None]:
    match = _PATTERN.fullmatch(requested_size)
    sides = [] if match is None else [int(side) for side in match.groups() if side]
    if not sides or not all(1 <= side <= MAX_SIDE for side in sides):
        raise SettingError(
            f"size: expected pixels such as 64 or 96x64, up to {MAX_SIDE:,} a side, found "
            f"{requested_size!r}"
        )
    return sides[0], sides[1] if len(sides) > 1 else None


def resize(image: Image, size: Size) -> Image:
    """Return an image resized to a size, after a crop around its centre to the same aspect."""
    from PIL import Image, ImageOps

    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def describe_resizing(sizes: Collection[Size], size: Size) -> str | None:
    """Return a phrase about the resizing of images, or None if they stay as they are.

    Examples
    --------
    >>> describe_resizing({(640, 480), (480, 640)}, (64, 64))
    'cropped and resized from 480×640 to 640×480 to 64×64 pixels (--size)'
    """
    if set(sizes) == {size}:
        return None
    smallest, largest = (format_size(choose(sizes)) for choose in (min, max))
    original_sizes = smallest if smallest == largest else f"{smallest} to {largest}"
    aspects = [width / height for width, height in [*sizes, size]]
    verb = "resized" if max(aspects) <= min(aspects) * _SAME_ASPECT else "cropped and resized"
    return f"{verb} from {original_sizes} to {format_size(size)} pixels (--size)"


def format_size(size: Size) -> str:
    """Return a size as text."""
    return f"{size[0]}×{size[1]}"
