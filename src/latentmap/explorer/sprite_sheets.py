"""Many small pictures in few files: sheets of 1,024, as WebP, as small as there is room for.

Pictures that lie in one sheet share what an image file costs, and a page that needs one of them
reads its sheet alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from latentmap.explorer.row_images import shrunk

__all__ = ["ACROSS", "TILES", "Sheets", "sheets_within"]

TILES, ACROSS = 1024, 32
TYPE = "image/webp"
_LARGEST = 64
_SIDES = (1.0, 0.75, 0.5, 0.375, 0.25)  # of the largest side
_QUALITIES = (85, 60, 35)
_TRIED = 2  # sheets that tell how large all will be
_AT_ONCE = 128  # pictures that are in memory at their full size
_ROOM = 0.97

Give = Callable[[np.ndarray], np.ndarray]
"""From the numbers of pictures to the pictures, (m, h, w, c) uint8."""


@dataclass(frozen=True)
class Sheets:
    """Pictures in sheets, and their size there."""

    files: list[bytes]
    height: int
    width: int

    def described(self) -> dict[str, Any]:
        """Tell the page where a picture lies."""
        return {
            "rows": TILES,
            "columns": ACROSS,
            "height": self.height,
            "width": self.width,
            "type": TYPE,
        }

    @property
    def nbytes(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files))


def sheets_within(
    give: Give, count: int, budget: float, advance: Callable[[int], Any] = lambda _: None
) -> Sheets:
    """Put pictures on sheets that take no more bytes than there are.

    Parameters
    ----------
    give : callable
        From the numbers of pictures, (m,), to them, (m, h, w, c) uint8.
    count : int
        How many pictures there are.
    budget : float
        Bytes. What is too large at the lowest quality and a quarter of the side is written so
        nevertheless.
    advance : callable
        Called with the number of pictures that were put on a sheet.

    Returns
    -------
    Sheets

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 255, (1100, 16, 16, 1), dtype=np.uint8)
    >>> rich, poor = (sheets_within(noise.__getitem__, 1100, b) for b in (1e7, 4e4))
    >>> len(rich.files), rich.width, poor.nbytes <= 4e4 < rich.nbytes
    (2, 16, True)
    """
    numbers = [np.arange(i, min(i + TILES, count)) for i in range(0, count, TILES)]
    tried = [_given(give, numbers[i]) for i in sorted({0, len(numbers) // 2})[:_TRIED]]
    share = count / sum(map(len, tried))
    side = min(_LARGEST, max(tried[0].shape[1:3]))
    ladder = [(max(4, round(side * s)), quality) for s in _SIDES for quality in _QUALITIES]
    for most, quality in ladder:
        found = [_sheet(shrunk(some, most), quality) for some in tried]
        if sum(map(len, found)) * share <= _ROOM * budget or (most, quality) == ladder[-1]:
            files = []
            for some in numbers:
                files.append(_sheet(shrunk(_given(give, some), most), quality))
                advance(len(some))
            height, width = shrunk(tried[0][:1], most).shape[1:3]
            sheets = Sheets(files, height, width)
            if sheets.nbytes <= budget:
                return sheets
    return sheets


def _given(give: Give, numbers: np.ndarray) -> np.ndarray:
    """Give pictures no larger than any sheet has them."""
    parts = (numbers[i : i + _AT_ONCE] for i in range(0, len(numbers), _AT_ONCE))
    return np.concatenate([shrunk(give(part), _LARGEST) for part in parts])


def _sheet(pictures: np.ndarray, quality: int) -> bytes:
    """Write up to 1,024 pictures as one, 32 in a line; what is missing is black."""
    count, height, width, channels = pictures.shape
    lines = -(-count // ACROSS)
    tiles = np.zeros((lines * ACROSS, height, width, channels), np.uint8)
    tiles[:count] = pictures
    sheet = tiles.reshape(lines, ACROSS, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(lines * height, ACROSS * width, channels)
    file = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(
        file, "WEBP", quality=quality, method=2
    )
    return file.getvalue()
