r"""The file of compressed codes: what is in it, and how far it is believed.

::

    magic       8 bytes, b"\x93lmcodes"
    header      a frame of JSON: "format" 1, "rows", "block" (rows a block), "components",
                "estimator" and "model" (its class, and 16 digits of its fingerprint; "" where it
                has none), and, where rows have labels, "labels": the different ones, in order
    quantizer   a frame: see quantize.py
    labels      a frame, where the header has some: each row's label, an index, entropy-coded
    blocks      a frame each, of as many rows as the header says, the last of what is left:
                a count of codes too far out for a level, these as float32 in order, and the
                levels, entropy-coded; the histograms go on from block to block

A frame is its length and its CRC-32 (4 bytes each, little-endian, as all numbers here) before the
bytes themselves. Nothing in a file is executed, and what it claims is compared with its length and
with free memory before memory is taken.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from latentmap.analysis.entropy import Histograms, flat
from latentmap.analysis.quantize import Quantizer
from latentmap.data.memory import check_memory
from latentmap.errors import FileError, SettingError

__all__ = ["FORMAT", "MOST_LABELS", "PackedCodes", "pack_codes", "packed_labels", "rounded"]

FORMAT = 1
"""The version of what is written; files of every version up to it are read."""
MOST_LABELS = 65_536

_MAGIC = b"\x93lmcodes"
_FRAME = struct.Struct("<II")
_COUNT = struct.Struct("<I")
_MOST_COMPONENTS, _MOST_BLOCK = 65_536, 8192
_LABELS_AT_ONCE = 2**16


def packed_labels(labels: np.ndarray | None) -> tuple[list | None, bytes]:
    """Give the different labels, and each row's own as bytes.

    Raises
    ------
    SettingError
        If they differ from row to row so much that they are no labels.
    """
    if labels is None:
        return None, b""
    names = np.unique(labels)
    if len(names) > MOST_LABELS:
        raise SettingError(
            f"labels: expected at most {MOST_LABELS:,} different ones, found {len(names):,}; "
            "compress the rows without them"
        )
    numbers = np.empty((len(labels), 1), np.min_scalar_type(len(names)))
    for start in range(0, len(labels), _LABELS_AT_ONCE):
        some = slice(start, start + _LABELS_AT_ONCE)
        numbers[some, 0] = np.searchsorted(names, labels[some])
    return names.tolist(), Histograms([flat(len(names))]).encode(numbers)


def pack_codes(
    file: BinaryIO,
    about: dict[str, Any],
    quantizer: Quantizer,
    labels: tuple[list | None, bytes],
    batches: Iterable[np.ndarray],
) -> None:
    """Write a file of codes.

    Parameters
    ----------
    file : binary file
    about : dict
        The header's "rows", "block", "estimator" and "model".
    quantizer : Quantizer
    labels : tuple
        As `packed_labels` gives them.
    batches : iterable of ndarray of shape (any, components)
        The codes, in batches of "block" rows.
    """
    names, indices = labels
    components = len(quantizer.exponents)
    header = {
        "format": FORMAT,
        "components": components,
        **about,
        **({} if names is None else {"labels": names}),
    }
    file.write(_MAGIC)
    _write_frame(file, json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode())
    _write_frame(file, quantizer.pack())
    if names is not None:
        _write_frame(file, indices)
    histograms = Histograms(quantizer.guesses())
    for codes in batches:
        _write_frame(file, _pack_block(quantizer, histograms, codes))


def _pack_block(quantizer: Quantizer, histograms: Histograms, codes: np.ndarray) -> bytes:
    """Give the bytes of one block of codes."""
    levels, reaches = quantizer.levels(codes), quantizer.reaches
    beyond = np.abs(levels) > reaches
    symbols = np.where(beyond, 2 * reaches + 1, levels + reaches)
    far = codes[beyond].astype("<f4")
    return _COUNT.pack(len(far)) + far.tobytes() + histograms.encode(symbols)


def rounded(quantizer: Quantizer, codes: np.ndarray) -> np.ndarray:
    """Give the codes that a file of these codes gives back, float32."""
    levels = quantizer.levels(codes)
    beyond = np.abs(levels) > quantizer.reaches
    return np.where(beyond, codes, quantizer.codes(np.where(beyond, 0, levels)))


def _write_frame(file: BinaryIO, data: bytes) -> None:
    file.write(_FRAME.pack(len(data), zlib.crc32(data)) + data)


class PackedCodes:
    """A file of compressed codes, opened: its header is read and checked, its blocks are not.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    rows, components : int
    model, estimator : str
        The fingerprint and the class of the model that the codes are of.
    labels : ndarray of shape (rows,) or None

    Raises
    ------
    FileError
        If the file is missing, cut, damaged, or no such file.
    TooLargeError
        If its labels would not fit into memory.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with self._opened() as file:
            self._open(file)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as file:
                yield file
        except FileNotFoundError:
            raise FileError(f"{self.path}: no such file") from None
        except OSError as error:
            if isinstance(error, FileError):
                raise
            raise FileError(f"{self.path}: cannot be read ({error.strerror})") from error

    def _open(self, file: BinaryIO) -> None:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise FileError(f"{self.path}: expected a file that compress wrote, found another's")
        header = _parsed(self.path, self._frame(file))
        self.rows, self.block = header["rows"], header["block"]
        self.components = header["components"]
        self.model, self.estimator = header["model"], header["estimator"]
        with self._blaming():
            self.quantizer = Quantizer.unpack(self._frame(file), self.components)
        if -(-self.rows // self.block) * (_FRAME.size + _COUNT.size) > self._left(file):
            raise self._cut()
        tables = int((2 * self.quantizer.reaches + 2).sum())
        numbers = min(self.block, self.rows) * self.components
        check_memory(f"{self.path}", 8 * tables + 32 * numbers)
        names = header.get("labels")
        self.labels = None if names is None else self._labels(names, self._frame(file))
        self._blocks_start = file.tell()

    def codes(self) -> Iterator[np.ndarray]:
        """Iterate over the codes, float32, block by block.

        Raises
        ------
        FileError
            If a block is cut, damaged or no block, or more comes after the last.
        """
        histograms = Histograms(self.quantizer.guesses())
        with self._opened() as file:
            file.seek(self._blocks_start)
            for start in range(0, self.rows, self.block):
                data = self._frame(file)
                with self._blaming():
                    rows = min(self.block, self.rows - start)
                    yield _unpack_block(self.quantizer, histograms, data, rows)
            if self._left(file):
                raise FileError(f"{self.path}: expected its end after {self.rows} rows, found more")

    def _labels(self, names: list, data: bytes) -> np.ndarray:
        longest = max(len(str(name)) for name in names)
        check_memory(f"{self.path}, labels", (4 * longest + 16) * (self.rows + len(names)))
        with self._blaming():
            indices = Histograms([flat(len(names))]).decode(data, self.rows)[:, 0]
            if indices.max() >= len(names):
                raise FileError(f"labels: expected one of {len(names)}, found another")
        return np.array(names)[indices]

    def _frame(self, file: BinaryIO) -> bytes:
        start = file.read(_FRAME.size)
        if len(start) < _FRAME.size:
            raise self._cut()
        length, checksum = _FRAME.unpack(start)
        if length > self._left(file):
            raise self._cut()
        data = file.read(length)
        if zlib.crc32(data) != checksum:
            raise FileError(f"{self.path}: expected what compress wrote, found it damaged")
        return data

    def _left(self, file: BinaryIO) -> int:
        return os.fstat(file.fileno()).st_size - file.tell()

    def _cut(self) -> FileError:
        return FileError(f"{self.path}: expected a whole file, found a part: it is cut short")

    @contextlib.contextmanager
    def _blaming(self) -> Iterator[None]:
        """Add the file's name to what is wrong inside it."""
        try:
            yield
        except FileError as error:
            raise FileError(f"{self.path}: damaged: {error}") from None


def _unpack_block(
    quantizer: Quantizer, histograms: Histograms, data: bytes, rows: int
) -> np.ndarray:
    """Give the codes, float32, of one block."""
    if len(data) < _COUNT.size:
        raise FileError("a block: expected a count, found nothing")
    count, reaches = _COUNT.unpack_from(data)[0], quantizer.reaches
    words = _COUNT.size + 4 * count
    if words > len(data):
        raise FileError(f"a block: expected {count} codes, found fewer")
    symbols = histograms.decode(data[words:], rows)
    beyond = symbols > 2 * reaches
    far = np.frombuffer(data, "<f4", count, _COUNT.size)
    if beyond.sum() != count:
        raise FileError(f"a block: expected {beyond.sum()} codes apart, found {count}")
    codes = quantizer.codes(np.where(beyond, 0, symbols - reaches))
    codes[beyond] = far
    if not np.isfinite(codes).all():
        raise FileError("a block: expected finite codes, found others")
    return codes


def _parsed(path: Path, data: bytes) -> dict[str, Any]:
    """Read the header, and refuse what `pack_codes` would never write."""
    try:
        header = json.loads(data)
        version = header["format"]
        if isinstance(version, int) and version > FORMAT:
            raise FileError(
                f"{path}: expected format {FORMAT} or older, found {version}; upgrade latentmap"
            )
        _check_counts(header)
        _check_labels(header.get("labels"))
        if not all(isinstance(header[name], str) for name in ("model", "estimator")):
            raise TypeError("expected texts")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path}: its header is damaged ({error})") from None
    return header


def _check_counts(header: dict[str, Any]) -> None:
    limits = {"format": FORMAT, "rows": 2**48, "block": _MOST_BLOCK, "components": _MOST_COMPONENTS}
    for name, most in limits.items():
        value = header[name]
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(f"{name}: expected a whole number from 1 to {most}")


def _check_labels(names: Any) -> None:
    if names is None:
        return
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_LABELS:
        raise TypeError("labels: expected a list")
    whole = all(type(name) is int and -(2**63) <= name < 2**63 for name in names)
    if not whole and not all(isinstance(name, str) for name in names):
        raise TypeError("labels: expected texts or whole numbers")
