"""What is in a folder: the files people would see in it, in the order people would give them.

Names are compared and shown, never used to write or to run. Links to folders are not followed, so
that a loop of links cannot trap the reader.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from latentmap.errors import FileError

__all__ = ["folder_name", "natural_key", "visible_files"]

_DIGITS = re.compile(r"([0-9]+)")


def visible_files(folder: Path) -> list[str]:
    """List all files under ``folder`` that are not hidden, as relative paths in natural order.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ["10.png", "9.png", ".cache"]:
    ...     (folder / name).touch()
    >>> visible_files(folder)
    ['9.png', '10.png']
    """
    found = []
    for where, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(where, name)
            if not name.startswith(".") and _is_file_or_dangling(path):
                found.append(path.relative_to(folder).as_posix())
    return sorted(found, key=natural_key)


def _is_file_or_dangling(path: Path) -> bool:
    # A pipe would make the reader wait for ever. A dangling link is reported when it is opened.
    return path.is_file() or not path.exists()


def _refuse(error: OSError) -> None:
    raise FileError(f"{error.filename}: cannot be read ({error.strerror})") from error


def folder_name(folder: Path) -> str:
    """Give a short name for messages, also of ``.`` and ``/``.

    Examples
    --------
    >>> folder_name(Path("rows/.."))  == folder_name(Path())
    True
    """
    return folder.resolve().name or str(folder)


def natural_key(path: str) -> tuple[str, str]:
    """Give a sort key under which ``img9`` comes before ``img10``, folder by folder.

    Every run of digits is led by its length, and what tells folders, digits and words apart sorts
    in this order. Two short texts each: of a million files nothing longer could be kept.

    Examples
    --------
    >>> sorted(["b/img10", "a2/x", "b/img9", "a10/x"], key=natural_key)
    ['a2/x', 'a10/x', 'b/img9', 'b/img10']
    """
    keys = ("".join(_part_key(p) for p in _DIGITS.split(name) if p) for name in path.split("/"))
    return "\0".join(keys), path


def _part_key(part: str) -> str:
    # Digits are compared as text of one length: int() refuses more than 4,300 of them.
    if part[0] in "0123456789":
        digits = part.lstrip("0")
        return f"\1{chr(len(digits))}{digits}"
    return "\2" + part
