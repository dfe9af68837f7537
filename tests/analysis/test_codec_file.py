import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from latentmap.analysis import codec_file
from latentmap.analysis.codec_file import (
    FORMAT,
    CodeFile,
    CodeFileHeader,
    encode_labels,
    round_codes,
    write_codes,
)
from latentmap.analysis.quantize import fit_quantizer
from latentmap.errors import FileError, SettingError, TooLargeError

FILES = Path(__file__).parents[1] / "files"
MAGIC = b"\x93lmcodes"
HEADER = {"rows": 100, "block_size": 40, "estimator": "PCA", "model": "abcd"}


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)


@pytest.fixture
def quantizer(codes):
    return fit_quantizer(codes, np.ones(3), step_exponent=-600)


@pytest.fixture
def write(tmp_path, codes, quantizer):
    """Return a function that writes a file of codes."""

    def write(values=codes, labels=None, **changes):
        path, header = tmp_path / "rows.codes", CodeFileHeader(**{**HEADER, **changes})
        blocks = np.split(values, range(header.block_size, len(values), header.block_size))
        with path.open("wb") as file:
            write_codes(file, header, quantizer, encode_labels(labels), blocks)
        return path

    return write


def frame(data):
    return struct.pack("<II", len(data), zlib.crc32(data)) + data


def frames(path):
    data, result = path.read_bytes()[len(MAGIC) :], []
    while data:
        length = struct.unpack_from("<I", data)[0]
        result.append(data[8 : 8 + length])
        data = data[8 + length :]
    return result


def with_frames(path, parts):
    path.write_bytes(MAGIC + b"".join(map(frame, parts)))
    return path


def with_header(path, **changes):
    header, *rest = frames(path)
    return with_frames(path, [json.dumps({**json.loads(header), **changes}).encode(), *rest])


def check_refused(path, message, kind=FileError):
    with pytest.raises(kind, match=message) as error:
        list(CodeFile(path).codes())
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


# -- reading written files -------------------------------------------------------------------------


def test_codes_are_read_as_rounded(write, codes, quantizer):
    file = CodeFile(write())
    assert (file.rows, file.components, file.model) == (100, 3, "abcd")
    assert file.labels is None
    blocks = list(file.codes())
    assert [len(block) for block in blocks] == [40, 40, 20]
    assert blocks[0].dtype == np.float32
    assert np.array_equal(np.concatenate(blocks), round_codes(quantizer, codes))


def test_outlying_codes_are_stored_exactly(write, codes):
    values = codes.copy()
    values[7, 1], values[90, 2] = 1e30, -12345.678
    restored = np.concatenate(list(CodeFile(write(values)).codes()))
    assert restored[7, 1] == values[7, 1]
    assert restored[90, 2] == values[90, 2]
    assert np.abs(np.delete(restored - values, [7, 90], axis=0)).max() < 0.2


@pytest.mark.parametrize("version", range(1, FORMAT + 1))
def test_files_of_every_format_are_read(version):
    file = CodeFile(FILES / f"packed-{version}.codes")
    expected = np.load(FILES / f"packed-{version}.npz")
    assert np.concatenate(list(file.codes())) == pytest.approx(expected["codes"], rel=1e-6)
    assert file.labels.tolist() == expected["labels"].tolist()


@pytest.mark.parametrize(
    "labels",
    [np.arange(100) % 7, np.array(["a", "ü b", ""])[np.arange(100) % 3], np.zeros(100, int)],
)
def test_labels_are_restored(write, labels):
    result = CodeFile(write(labels=labels)).labels
    assert np.array_equal(result, labels)
    assert result.dtype.kind == labels.dtype.kind


def test_labels_take_their_entropy(write):
    labels = np.repeat(["yes", "no"], 50)
    assert len(write(labels=labels).read_bytes()) - len(write().read_bytes()) < 60


def test_too_many_distinct_labels_raise():
    with pytest.raises(SettingError, match="expected at most 65,536 different ones, found 70,000"):
        encode_labels(np.arange(70_000))


# -- damaged and other files -----------------------------------------------------------------------


def test_truncated_file_raises(write, tmp_path):
    complete, part = write(labels=np.arange(100) % 2).read_bytes(), tmp_path / "part.codes"
    for length in range(len(complete)):
        part.write_bytes(complete[:length])
        check_refused(part, "truncated|another file" if length < len(MAGIC) else "truncated")


def test_data_after_the_last_block_raise(write):
    path = write()
    path.write_bytes(path.read_bytes() + b"more")
    check_refused(path, "expected 100 rows, found additional data")


def test_changed_byte_raises(write):
    path = write(labels=np.arange(100) % 2)
    complete = path.read_bytes()
    for position in range(len(complete)):
        path.write_bytes(
            complete[:position] + bytes([complete[position] ^ 0x10]) + complete[position + 1 :]
        )
        check_refused(path, "wrong checksum|damaged|truncated|another file")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"a,b\n1,2\n" * 9])
def test_other_file_raises(tmp_path, data):
    path = tmp_path / "other.codes"
    path.write_bytes(data)
    check_refused(path, "expected a file that compress wrote, found another file")


def test_missing_file_raises(tmp_path):
    check_refused(tmp_path / "none.codes", "no such file")
    check_refused(tmp_path, "expected a compressed file, found a folder")


def test_newer_format_raises(write):
    path = with_header(write(), format=FORMAT + 1)
    check_refused(path, f"expected format {FORMAT} or older, found {FORMAT + 1}; upgrade latentmap")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("rows", value) for value in (0, -1, 1.5, "9", None, True, 2**60, 1e999)],
        *[("components", value) for value in (0, -3, 2**40, [3])],
        *[("block", value) for value in (0, 10**9)],
        *[("labels", value) for value in ([], 3, {"a": 1}, [1, "a"], [None], [1.5], [2**70])],
        *[("model", value) for value in (None, 7)],
        *[("format", value) for value in (0, None, "1", [1])],
    ],
)
def test_invalid_header_value_raises(write, name, value):
    check_refused(with_header(write(), **{name: value}), "the header is damaged")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"null", b"{}", b"\xff", b"[" * 100_000])
def test_header_that_is_not_json_raises(write, text):
    path = write()
    check_refused(with_frames(path, [text, *frames(path)[1:]]), "the header is damaged")


def test_header_with_too_many_rows_raises(write):
    check_refused(with_header(write(), rows=10**12), "truncated")
    check_refused(with_header(write(), rows=200), "additional data|truncated")
    check_refused(with_header(write(), components=65_536), r"steps: expected \d+ bytes")


def test_file_larger_than_memory_raises(write, monkeypatch):
    path = write(labels=np.arange(100) % 2)
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 1000)
    check_refused(path, "GB of memory", TooLargeError)


def test_huge_frame_raises(write):
    path = write()
    path.write_bytes(MAGIC + struct.pack("<II", 2**32 - 1, 0) + path.read_bytes()[16:])
    check_refused(path, "truncated")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"", "expected at least 4 bytes, found 0"),
        (b"\xff\xff\xff\xff", "found 4"),
        (b"\x01\x00\x00\x00abcd", "unrounded codes, found 1"),
        (b"\x00\x00\x00\x00ab", "a multiple of 4 bytes"),
    ],
)
def test_invalid_block_raises(write, block, message):
    path = write()
    check_refused(with_frames(path, [*frames(path)[:2], block, *frames(path)[3:]]), message)


def test_nan_in_a_block_raises(write, codes):
    values = codes.copy()
    values[3, 0] = 1e30
    path = write(values)
    header, steps, first, *rest = frames(path)
    assert first[:4] == b"\x01\x00\x00\x00"
    nan = np.float32(np.nan).tobytes()
    parts = [header, steps, first[:4] + nan + first[8:], *rest]
    check_refused(with_frames(path, parts), "expected finite codes")


def test_overflowing_steps_raise(write, quantizer, monkeypatch):
    path = write()
    huge = quantizer._replace(
        exponents=np.full(3, 25_600, np.int16), centers=np.full(3, 2**60, np.int64)
    )
    header, _, *rest = frames(path)
    check_refused(with_frames(path, [header, huge.pack(), *rest]), "expected finite codes")


def test_label_out_of_range_raises(write):
    path = with_header(write(labels=np.arange(100) % 2), labels=["a"])
    check_refused(path, "labels: expected integers from 0 to 0, found 1")


def test_reader_accepts_the_largest_blocks_of_the_writer():
    assert codec_file.MAX_BLOCK_ROWS >= 8192
