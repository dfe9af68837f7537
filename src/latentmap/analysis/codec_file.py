r"""Files of compressed codes.

::

    magic       8 bytes, b"\x93lmcodes"
    header      a frame of JSON: "format" 1, "rows", "block" (rows per block), "components",
                "estimator" and "model" (class name, and 16 digits of the fingerprint, or "" if
                there is none), and, for rows with labels, "labels": the distinct ones, in order
    quantizer   a frame: see quantize.py
    labels      a frame, for rows with labels: the index of each row's label, entropy-coded
    blocks      one frame for each block of rows: the number of codes outside the levels, these
                codes as float32 in order, and the levels, entropy-coded; the histograms continue
                from block to block

A frame consists of its length and its CRC-32 (4 bytes each; all numbers are little-endian), and its
data. Nothing in a file is executed. What a file declares is compared with its length and with the
available memory before any memory is allocated.
"""

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, TypeAlias

import numpy as np

from latentmap.analysis.entropy import AdaptiveCoder, uniform_prior
from latentmap.analysis.quantize import Quantizer
from latentmap.data.index_checks import check_indices
from latentmap.data.memory import check_memory
from latentmap.errors import FileError, SettingError
from latentmap.files import check_input_file

# Version of the format that is written; all versions up to it are read.
FORMAT = 1
MAX_LABELS = 65_536
MAX_BLOCK_ROWS = 8192
MAX_COMPONENTS = 65_536
LABEL_BLOCK = 2**16

_MAGIC = b"\x93lmcodes"
_FRAME = struct.Struct("<II")
_COUNT = struct.Struct("<I")
_Json: TypeAlias = dict[str, object]


class EncodedLabels(NamedTuple):
    """The distinct labels, and the entropy-coded index of each row's label."""

    names: list | None
    data: bytes


@dataclass(frozen=True)
class CodeFileHeader:
    """Header of a file of codes; ``model`` is the start of the fingerprint, or empty."""

    rows: int
    block_size: int
    estimator: str
    model: str


def encode_labels(labels: np.ndarray | None) -> EncodedLabels:
    """Return labels as distinct names and entropy-coded indices."""
    if labels is None:
        return EncodedLabels(None, b"")
    names = np.unique(labels)
    if len(names) > MAX_LABELS:
        raise SettingError(
            f"labels: expected at most {MAX_LABELS:,} different ones, found {len(names):,}; "
            "compress the rows without them"
        )
    indices = np.empty((len(labels), 1), np.min_scalar_type(len(names)))
    for start in range(0, len(labels), LABEL_BLOCK):
        part = slice(start, start + LABEL_BLOCK)
        indices[part, 0] = np.searchsorted(names, labels[part])
    coder = AdaptiveCoder([uniform_prior(len(names))])
    return EncodedLabels(names.tolist(), coder.encode(indices))


def write_codes(
    file: BinaryIO,
    header: CodeFileHeader,
    quantizer: Quantizer,
    labels: EncodedLabels,
    batches: Iterable[np.ndarray],
) -> None:
    """Write a file of codes, which come in batches of ``header.block_size`` rows."""
    metadata = {
        "format": FORMAT,
        "components": len(quantizer.exponents),
        "rows": header.rows,
        "block": header.block_size,
        "estimator": header.estimator,
        "model": header.model,
    }
    if labels.names is not None:
        metadata["labels"] = labels.names
    file.write(_MAGIC)
    _write_frame(file, json.dumps(metadata, separators=(",", ":"), ensure_ascii=False).encode())
    _write_frame(file, quantizer.pack())
    if labels.names is not None:
        _write_frame(file, labels.data)
    coder = AdaptiveCoder(quantizer.priors())
    for codes in batches:
        _write_frame(file, _encode_block(quantizer, coder, codes))


def _encode_block(quantizer: Quantizer, coder: AdaptiveCoder, codes: np.ndarray) -> bytes:
    levels, limits = quantizer.levels(codes), quantizer.max_levels
    is_outside = np.abs(levels) > limits
    symbols = np.where(is_outside, 2 * limits + 1, levels + limits)
    unrounded_codes = codes[is_outside].astype("<f4")
    return _COUNT.pack(len(unrounded_codes)) + unrounded_codes.tobytes() + coder.encode(symbols)


def round_codes(quantizer: Quantizer, codes: np.ndarray) -> np.ndarray:
    """Return the codes, float32, that a file of the given codes contains after rounding."""
    levels = quantizer.levels(codes)
    is_outside = np.abs(levels) > quantizer.max_levels
    return np.where(is_outside, codes, quantizer.codes(np.where(is_outside, 0, levels)))


def _write_frame(file: BinaryIO, data: bytes) -> None:
    file.write(_FRAME.pack(len(data), zlib.crc32(data)) + data)


class CodeFile:
    """Reader of a file of compressed codes. Opening a file reads everything except the blocks."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = check_input_file(path, "compressed")
        with self._open() as file:
            self._read_header(file)

    @contextlib.contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        """Open the file; add its path to the message of each error."""
        try:
            with self.path.open("rb") as file:
                yield file
        except FileError as error:
            raise FileError(f"{self.path}: {error}") from None
        except OSError as error:
            raise FileError(f"{self.path}: cannot be read ({error.strerror})") from error

    def _read_header(self, file: BinaryIO) -> None:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise FileError("expected a file that compress wrote, found another file")
        header = _parse_header(self._read_frame(file))
        self.rows, self.block_size = header["rows"], header["block"]
        self.components = header["components"]
        self.model, self.estimator = header["model"], header["estimator"]
        self.quantizer = Quantizer.unpack(self._read_frame(file), self.components)
        if -(-self.rows // self.block_size) * (_FRAME.size + _COUNT.size) > self._bytes_left(file):
            raise self._truncation_error()
        n_weights = int((2 * self.quantizer.max_levels + 2).sum())
        n_symbols = min(self.block_size, self.rows) * self.components
        check_memory(f"{self.path}", 8 * n_weights + 32 * n_symbols)
        names = header.get("labels")
        self.labels = None if names is None else self._decode_labels(names, self._read_frame(file))
        self._blocks_start = file.tell()

    def codes(self) -> Iterator[np.ndarray]:
        """Yield the codes, float32, block by block."""
        coder = AdaptiveCoder(self.quantizer.priors())
        with self._open() as file:
            file.seek(self._blocks_start)
            for start in range(0, self.rows, self.block_size):
                data = self._read_frame(file)
                rows = min(self.block_size, self.rows - start)
                yield _decode_block(self.quantizer, coder, data, rows)
            if self._bytes_left(file):
                raise FileError(f"expected {self.rows} rows, found additional data")

    def _decode_labels(self, names: list, data: bytes) -> np.ndarray:
        max_length = max(len(str(name)) for name in names)
        check_memory(f"{self.path}, labels", (4 * max_length + 16) * (self.rows + len(names)))
        indices = AdaptiveCoder([uniform_prior(len(names))]).decode(data, self.rows)[:, 0]
        return np.array(names)[check_indices("labels", indices, len(names), error=FileError)]

    def _read_frame(self, file: BinaryIO) -> bytes:
        start = file.read(_FRAME.size)
        if len(start) < _FRAME.size:
            raise self._truncation_error()
        length, checksum = _FRAME.unpack(start)
        if length > self._bytes_left(file):
            raise self._truncation_error()
        data = file.read(length)
        if zlib.crc32(data) != checksum:
            raise FileError("expected the data that compress wrote, found a wrong checksum")
        return data

    def _bytes_left(self, file: BinaryIO) -> int:
        return os.fstat(file.fileno()).st_size - file.tell()

    def _truncation_error(self) -> FileError:
        return FileError("expected a complete file, found a truncated one")


def _decode_block(quantizer: Quantizer, coder: AdaptiveCoder, data: bytes, rows: int) -> np.ndarray:
    if len(data) < _COUNT.size:
        raise FileError(f"a block: expected at least {_COUNT.size} bytes, found {len(data)}")
    count, limits = _COUNT.unpack_from(data)[0], quantizer.max_levels
    start = _COUNT.size + 4 * count
    if start > len(data):
        raise FileError(f"a block: expected at least {start} bytes, found {len(data)}")
    symbols = coder.decode(data[start:], rows)
    is_outside = symbols > 2 * limits
    if is_outside.sum() != count:
        raise FileError(f"a block: expected {is_outside.sum()} unrounded codes, found {count}")
    codes = quantizer.codes(np.where(is_outside, 0, symbols - limits))
    codes[is_outside] = np.frombuffer(data, "<f4", count, _COUNT.size)
    if not np.isfinite(codes).all():
        raise FileError("a block: expected finite codes, found NaN or infinity")
    return codes


def _parse_header(data: bytes) -> dict:
    """Return the header of a file of codes; raise a FileError if it is not valid."""
    try:
        header = json.loads(data)
        version = header["format"]
        if isinstance(version, int) and version > FORMAT:
            raise FileError(
                f"expected format {FORMAT} or older, found {version}; upgrade latentmap"
            )
        _check_counts(header)
        _check_labels(header.get("labels"))
        if not all(isinstance(header[name], str) for name in ("model", "estimator")):
            raise TypeError("model, estimator: expected strings")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"the header is damaged ({error})") from None
    return header


def _check_counts(header: _Json) -> None:
    limits = {"format": FORMAT, "rows": 2**48, "block": MAX_BLOCK_ROWS}
    for name, maximum in (limits | {"components": MAX_COMPONENTS}).items():
        value = header[name]
        if type(value) is not int or not 1 <= value <= maximum:
            raise ValueError(f"{name}: expected an integer from 1 to {maximum}, found {value!r}")


def _check_labels(names: object) -> None:
    if names is None:
        return
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_LABELS:
        raise TypeError(f"labels: expected a list of 1 to {MAX_LABELS} labels")
    are_integers = all(type(name) is int and -(2**63) <= name < 2**63 for name in names)
    if not are_integers and not all(isinstance(name, str) for name in names):
        raise TypeError("labels: expected strings or 64-bit integers")
