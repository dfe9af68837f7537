"""Standard output and standard error that survive a closed reader or a full disk.

After a failed write, later output is discarded and the verb continues, so that its files are
complete.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

_CLOSED_READER_ERRORS = (errno.EPIPE, errno.ECONNRESET)


class OutputStream:
    """A text stream that discards output after its first error.

    Attributes
    ----------
    error : OSError or None
        The first error, unless the reader of a pipe has stopped reading, as ``head`` does.
    """

    error: OSError | None = None

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, and return its length."""
        with self._discard_after_error():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write buffered text."""
        with self._discard_after_error():
            self._stream.flush()

    @contextlib.contextmanager
    def _discard_after_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _CLOSED_READER_ERRORS:
                self.error = self.error or error
            # Python flushes the stream again when the process ends.
            _connect_to_null(self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def protect_streams() -> None:
    """Replace the standard streams of this process by ones whose errors do not stop a verb."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # A file that is opened later must not get the number of a closed stream.
            _connect_to_null(descriptor)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name) or os.fdopen(descriptor, "w", closefd=False)
        setattr(sys, name, cast(TextIO, OutputStream(stream)))


def _connect_to_null(descriptor: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)


def find_output_error() -> str | None:
    """Flush the streams; return a sentence if standard output could not be written."""
    sys.stdout.flush()
    sys.stderr.flush()
    error = getattr(sys.stdout, "error", None)
    if error is None:
        return None
    return f"standard output: cannot be written ({error.strerror}); the written files are complete"
