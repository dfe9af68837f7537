"""What is in a folder: the files people would see in it, in the order people would give them.

Names are compared and shown, never used to write or to run. Links to folders are not followed, so
that a loop of links cannot trap the reader.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from latentmap.data.string_store import StringStore
from latentmap.errors import FileError
from latentmap.progress import Advance, progress

__all__ = ["folder_name", "list_files", "natural_sort_key"]

_TOLD_AT_ONCE = 1000
_DIGITS = re.compile(r"([0-9]+)")


def list_files(
    folder: Path, wanted: Callable[[str], bool] = bool, verbose: bool = False
) -> StringStore:
    """List the files under ``folder`` that are not hidden, as relative paths in natural order.

    Parameters
    ----------
    folder : pathlib.Path
    wanted : callable
        Tells from a file's name whether it shall be listed; all are by default.
    verbose : bool
        Show progress, where it takes a while.

    Returns
    -------
    StringStore

    Raises
    ------
    FileError
        If a folder cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ["10.png", "9.png", ".cache"]:
    ...     (folder / name).touch()
    >>> list(list_files(folder))
    ['9.png', '10.png']
    """
    with progress(f"looking through {folder_name(folder)}", 1, verbose, patient=True) as advance:
        found = _walked(str(folder), "", wanted)
        return StringStore.in_order(_counted(found, advance), natural_sort_key)


def _walked(folder: str, inside: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Yield one by one what there is: a list of very many would not fit."""
    try:
        with os.scandir(os.path.join(folder, inside)) as entries:  # noqa: PTH118 - twice as quick
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _walked(folder, f"{inside}{entry.name}/", wanted)
                elif _is_file_or_dangling(entry) and wanted(entry.name):
                    yield inside + entry.name
    except OSError as error:
        raise FileError(f"{error.filename}: cannot be read ({error.strerror})") from error


def _is_file_or_dangling(entry: os.DirEntry[str]) -> bool:
    # A pipe would make the reader wait for ever. A dangling link is reported when it is opened.
    return entry.is_file() or not Path(entry.path).exists()


def _counted(names: Iterable[str], advance: Advance) -> Iterator[str]:
    for number, name in enumerate(names, start=1):
        if number % _TOLD_AT_ONCE == 0:
            advance(0, note=f"{number:,} files")
        yield name


def folder_name(folder: Path) -> str:
    """Give a short name for messages, also of ``.`` and ``/``.

    Examples
    --------
    >>> folder_name(Path("rows/.."))  == folder_name(Path())
    True
    """
    return folder.resolve().name or str(folder)


def natural_sort_key(path: str) -> tuple[str, str]:
    """Give a sort key under which ``img9`` comes before ``img10``, folder by folder.

    Every run of digits is led by its length, and what tells folders, digits and words apart sorts
    in this order. Two short texts each: of a million files nothing longer could be kept.

    Examples
    --------
    >>> sorted(["b/img10", "a2/x", "b/img9", "a10/x"], key=natural_sort_key)
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
