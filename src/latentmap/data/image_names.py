"""Under which names images are written: numbers, or names that came with the rows.

Names that came with rows come from someone else's folder or file. They are used only if they stay
inside the folder that is written, on every system.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from latentmap.errors import SettingError

__all__ = ["numbered_file_names", "safe_file_names"]

# Backslash and colon lead elsewhere on Windows; control characters, to tricks in a terminal.
_UNSAFE = re.compile(r"[\\:\x00-\x1f\x7f]")


def numbered_file_names(length: int) -> list[str]:
    """Give 00000.png, 00001.png, ..., wide enough that they sort by number.

    Examples
    --------
    >>> numbered_file_names(2)
    ['00000.png', '00001.png']
    """
    width = max(5, len(str(length - 1)))
    return [f"{i:0{width}}.png" for i in range(length)]


def safe_file_names(names: Sequence[str]) -> list[str]:
    """Give each name with the suffix .png, or refuse them all.

    Parameters
    ----------
    names : sequence of str
        Relative paths with ``/``.

    Returns
    -------
    list of str

    Raises
    ------
    SettingError
        If a name would lead outside its folder, be hidden, or stand for two images.

    Examples
    --------
    >>> safe_file_names(["person-01/01.jpg"])
    ['person-01/01.png']
    >>> safe_file_names(["../../etc/passwd"])
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: image name '../../etc/passwd': expected a relative path
    that stays in its folder
    """
    written: dict[str, str] = {}
    for name in names:
        safe = _safe(name)
        # Some file systems take A.png and a.png for the same file.
        if safe.casefold() in written:
            other = written[safe.casefold()]
            raise SettingError(f"image name {name!r}: expected another than that of {other!r}")
        written[safe.casefold()] = name
    return [_safe(name) for name in names]


def _safe(name: str) -> str:
    parts = name.split("/")
    if _UNSAFE.search(name) or any(part.strip() == "" or part.startswith(".") for part in parts):
        raise SettingError(
            f"image name {name!r}: expected a relative path that stays in its folder"
        )
    return PurePosixPath(name).with_suffix(".png").as_posix()
