"""Text files as a stream of UTF-8: decompression, encoding, and a limit on the decompressed size.

The size of a text cannot be predicted from its compressed size, so a reader of a compressed file
raises TooLargeError as soon as the text exceeds its limit.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import lzma
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from latentmap.data.file_suffixes import COMPRESSIONS
from latentmap.errors import FileError, TooLargeError

UTF8 = ("utf-8", "utf-8-sig", "utf8", "ascii")
_BUFFER_BYTES = 2**20
_MAX_DETECTION_BYTES = 2**16
_NON_ASCII_BYTES = re.compile(rb"[\x80-\xff]+")
# Pattern of a letter of cp1252 beside an ASCII letter, as in Müller, or of one sign such as ° or £.
_LATIN_BYTES = re.compile(
    rb"(?<![\x80-\xff])(?:(?<=[A-Za-z])[\xc0-\xff]|[\xc0-\xff](?=[A-Za-z])|[\xa0-\xbf](?![@-~]))"
    rb"(?![\x80-\xff])"
)
# Encodings that charset-normalizer distinguishes well. It confuses those of Latin letters.
_LEGACY_ENCODINGS = [
    *("cp1252", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
# charset-normalizer prefers encodings in which almost all bytes are characters, even rare ones. The
# common characters are those of these encodings.
_COMMON_CHARACTERS = {"cp949": "euc_kr", "gb18030": "gb2312"}
_MAX_RARE_SHARE = 0.05
# Letters beyond ASCII of the languages of each encoding of Latin letters.
_LATIN_LETTERS = {
    "cp1252": (
        *("äöüß", "àâæçèéêëîïôœùûüÿ", "áéíñóúüçª", "àáâãçéêíóôõúü", "àèéìíîòóùú"),
        *("åäöæøéèáü", "áçéèêëíïóöúü", "áéðíóúýþæö", "àçèéíïòóúü", "äõöüšž"),
    ),
    "cp1250": (
        *("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž"),
        *("ăâîşţ",),
    ),
    "cp1254": ("çğıiöşüâîû",),
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class LimitedStream(io.RawIOBase):
    """A binary stream that raises TooLargeError when more than ``limit`` bytes are read."""

    def __init__(self, stream: IO[bytes], limit: int, name: str) -> None:
        self._stream, self._limit, self._name = stream, limit, name
        self._n_read = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer and return their number."""
        data = self._stream.read(len(buffer))
        self.check(data)
        buffer[: len(data)] = data
        return len(data)

    def check(self, data: bytes) -> None:
        """Raise TooLargeError if the data exceed the limit."""
        self._n_read += len(data)
        if self._n_read > self._limit:
            raise TooLargeError(
                f"{self._name}: expected at most {self._limit / 1e9:,.1f} GB of text, found more "
                "when it was decompressed"
            )

    def close(self) -> None:
        """Close the underlying stream."""
        self._stream.close()
        super().close()


class Utf8Stream(LimitedStream):
    """A limited stream that raises UnicodeDecodeError for bytes that are not UTF-8.

    pyarrow reports such bytes too, but prints a traceback if the line is also ragged.
    """

    def __init__(self, stream: IO[bytes], limit: int, name: str) -> None:
        super().__init__(stream, limit, name)
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def check(self, data: bytes) -> None:
        """Raise an error if the data exceed the limit or are not UTF-8."""
        super().check(data)
        self._decoder.decode(data, final=not data)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, and decompress it."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    if compression is None:
        return path.open("rb")
    if compression == "xz":
        return lzma.open(path)
    return pa.CompressedInputStream(pa.OSFile(os.fsencode(path)), compression)


def read_start(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, decompressed."""
    with open_bytes(path) as stream:
        return stream.read(size)


def detect_encoding(name: str, start: bytes) -> str:
    """Return the encoding of a text from its first bytes; raise FileError for a binary file."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    if b"\0" in start:
        for encoding in ("utf-16-le", "utf-16-be"):
            zeros = start[1 if encoding == "utf-16-le" else 0 :: 2].count(0)
            if zeros > 0.3 * len(start) and start.count(0) - zeros < 0.1 * zeros:
                return encoding
        raise FileError(f"{name}: expected text, found binary data")
    is_utf8 = is_decodable(start, "utf-8")
    return "utf-8" if is_utf8 else detect_legacy_encoding(start.splitlines(keepends=True))


def detect_legacy_encoding(lines: Iterable[bytes]) -> str:
    r"""Return the likeliest encoding of lines that are not UTF-8.

    It is "cp1252", "cp1250", "cp1254" or "latin-1" for Latin letters. Only the first
    lines that contain other characters than ASCII are compared.

    Examples
    --------
    >>> detect_legacy_encoding(["имя,город\n".encode("cp1251"), "Ольга,Самара\n".encode("cp1251")])
    'cp1251'
    """
    data = b""
    for line in lines:
        data += b"" if line.isascii() else line
        if len(data) > _MAX_DETECTION_BYTES:
            break
    if 2 * len(_LATIN_BYTES.findall(data)) < len(_NON_ASCII_BYTES.findall(data)):
        from charset_normalizer import from_bytes

        guesses = from_bytes(data, cp_isolation=_LEGACY_ENCODINGS)
        likely = (g.encoding for g in guesses if _has_common_characters(data, g.encoding))
        if (encoding := next(likely, "cp1252")) != "cp1252":
            return encoding
    return _detect_latin_encoding(data)


def _has_common_characters(data: bytes, encoding: str) -> bool:
    """Return whether nearly all characters beyond ASCII are common ones of an encoding."""
    text = data.decode(_COMMON_CHARACTERS.get(encoding, encoding), "replace")
    n_foreign = sum(not character.isascii() for character in text)
    return text.count("\ufffd") <= _MAX_RARE_SHARE * n_foreign


def _detect_latin_encoding(data: bytes) -> str:
    """Return the encoding whose letters fit one language best; cp1252 is preferred to others."""
    shares = {encoding: _share_of_letters(data, encoding) for encoding in _LATIN_LETTERS}
    best = max(shares, key=lambda encoding: shares[encoding])
    if best != "cp1252" and shares[best] >= 1 - _MAX_RARE_SHARE:
        return best
    return "cp1252" if is_decodable(data, "cp1252") else "latin-1"


def _share_of_letters(data: bytes, encoding: str) -> float:
    """Return the largest share of letters beyond ASCII that one language of an encoding has.

    Other characters count as letters of no language if a letter follows.
    """
    # Python's lower case of the Turkish İ is an i and a combining dot.
    text = data.decode(encoding, "replace").lower().replace("\u0307", "")
    pattern = r"[^\W\d_]|[^\x00-\x7f](?=[^\W\d_])"
    characters = [c for c in re.findall(pattern, text) if not c.isascii()]
    counts = [sum(c in letters for c in characters) for letters in _LATIN_LETTERS[encoding]]
    return max(counts) / max(1, len(characters))


def is_decodable(data: bytes, encoding: str) -> bool:
    """Return whether bytes, which may end inside a character, are valid in an encoding."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def open_utf8(path: Path, encoding: str, limit: int | None = None) -> IO[bytes]:
    """Open a text file in any encoding as a stream of UTF-8 without a byte order mark.

    ``limit`` is the maximum decompressed size. Reading raises UnicodeError for invalid bytes.
    """
    is_utf8 = encoding in UTF8
    kind = Utf8Stream if is_utf8 else LimitedStream
    stream = io.BufferedReader(
        kind(open_bytes(path), limit or sys.maxsize, path.name), _BUFFER_BYTES
    )
    if not is_utf8:
        return pa.transcoding_input_stream(pa.PythonFile(stream, mode="r"), encoding, "utf-8")
    with close_on_error(stream):
        if stream.peek(3).startswith(codecs.BOM_UTF8):
            stream.read(len(codecs.BOM_UTF8))
    return stream


@contextlib.contextmanager
def close_on_error(stream: IO[bytes]) -> Iterator[None]:
    """Close a stream if the block raises an error, so that its file does not stay open."""
    try:
        yield
    except BaseException:
        stream.close()
        raise
