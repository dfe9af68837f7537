"""Files made by others: whatever their parsers raise becomes one sentence.

Parsers meet a cut or hostile file in the middle of their work and raise what they happen to be
doing, from ``zlib.error`` to ``KeyError``. The reader lists what its parser can raise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from latentmap.errors import FileError, LatentmapError

__all__ = ["as_file_error"]


@contextlib.contextmanager
def as_file_error(name: str, kind: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn ``errors`` and OSError in the block into a FileError.

    Parameters
    ----------
    name : str
        The file.
    kind : str
        What it was expected to be, e.g. ``"a PNG image"``.
    *errors : exception types
        What the parser raises when it is not; OSError is always among them.

    Raises
    ------
    FileError

    Examples
    --------
    >>> with as_file_error("rows.npy", "a NumPy array file", ValueError):
    ...     raise ValueError("the magic string is not correct")
    Traceback (most recent call last):
        ...
    latentmap.errors.FileError: rows.npy: cannot be read as a NumPy array file
    (the magic string is not correct)
    """
    try:
        yield
    except LatentmapError:
        raise
    except (OSError, *errors) as error:  # type: ignore[misc]  # mypy does not unpack here
        raise FileError(f"{name}: cannot be read as {kind} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it is cut short"
    told = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return told.strip(" .") or type(error).__name__
