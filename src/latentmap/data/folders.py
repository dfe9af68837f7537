"""List visible files of a folder; links to folders are not followed because they can form loops."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from latentmap.data.string_store import StringStore
from latentmap.errors import FileError
from latentmap.progress import Advance, progress

_FILES_PER_UPDATE = 1000
_DIGITS = re.compile(r"([0-9]+)")


def list_files(
    folder: Path, accepts: Callable[[str], bool] = bool, verbose: bool = False
) -> StringStore:
    """Return the sorted relative paths of visible files that ``accepts`` selects."""
    with progress(f"listing the files of {folder_name(folder)}", 1, verbose, delay=True) as advance:
        paths = _list_paths(str(folder), "", accepts)
        return StringStore.sort(_count(paths, advance), natural_sort_key)


def _list_paths(folder: str, prefix: str, accepts: Callable[[str], bool]) -> Iterator[str]:
    try:
        with os.scandir(os.path.join(folder, prefix)) as entries:  # noqa: PTH118 - twice as fast
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _list_paths(folder, f"{prefix}{entry.name}/", accepts)
                elif _is_file_or_dangling(entry) and accepts(entry.name):
                    yield prefix + entry.name
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{Path(error.filename)}: cannot be read ({error.strerror})") from error


def _is_file_or_dangling(entry: os.DirEntry[str]) -> bool:
    # Reading a pipe would never end. A dangling link raises an error when it is opened.
    return entry.is_file() or not Path(entry.path).exists()


def _count(names: Iterable[str], advance: Advance) -> Iterator[str]:
    for number, name in enumerate(names, start=1):
        if number % _FILES_PER_UPDATE == 0:
            advance(0, note=f"{number:,} files")
        yield name


def folder_name(folder: Path) -> str:
    """Return the name of a folder for messages; ``.`` and ``/`` have names as well."""
    return folder.resolve().name or str(folder)


def natural_sort_key(path: str) -> tuple[str, str]:
    """Return a small sort key that places ``img9`` before ``img10``."""
    keys = ("".join(_part_key(p) for p in _DIGITS.split(name) if p) for name in path.split("/"))
    return "\0".join(keys), path


def _part_key(part: str) -> str:
    # Digits are compared as text, because int() rejects more than 4,300 of them.
    if part[0] in "0123456789":
        digits = part.lstrip("0")
        return f"\1{chr(len(digits))}{digits}"
    return "\2" + part
