"""Convert the errors of parsers to `FileError`."""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator

from latentmap.errors import FileError, LatentmapError, TooLargeError

# Errors of `zipfile` for damaged archives.
ZIP_ERRORS = (
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
_MAX_REASON = 200  # Maximum length of a parser's message, which may repeat the file.


@contextlib.contextmanager
def as_file_error(name: str, kind: str, *errors: type[Exception]) -> Iterator[None]:
    """Convert OSError and the ``errors`` of a parser of the format ``kind`` to FileError.

    An allocation that fails becomes TooLargeError.
    """
    try:
        yield
    except LatentmapError:
        raise
    except MemoryError:
        raise TooLargeError(f"{name}: too large to be read as {kind} into memory") from None
    except (OSError, *errors) as error:  # type: ignore[misc]  # mypy does not accept unpacking here
        raise FileError(f"{name}: cannot be read as {kind} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it is truncated"
    reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return reason[:_MAX_REASON].strip(" .") or type(error).__name__
