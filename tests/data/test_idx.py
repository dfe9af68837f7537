import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

import latentmap.data
from latentmap.data.idx import read_idx
from latentmap.errors import FileError, TooLargeError

MNIST = Path(latentmap.data.__file__).parent / "mnist"


def idx(shape, content, kind=8):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x-idx"


@pytest.mark.parametrize(
    ("name", "md5", "shape", "header"),
    [
        ("train-images-idx3", "6bbc9ace898e44ae57da46a324031adb", (60000, 28, 28), 16),
        ("t10k-images-idx3", "2646ac647ad5339dbf082846283269ea", (10000, 28, 28), 16),
        ("train-labels-idx1", "a25bea736e30d166cdddb491f175f624", (60000,), 8),
        ("t10k-labels-idx1", "27ae3e4e09519cfbb04c329615203637", (10000,), 8),
    ],
)
def test_mnist_is_the_original(name, md5, shape, header):
    array = read_idx(MNIST / f"{name}-ubyte.gz")
    assert (array.shape, array.dtype) == (shape, np.uint8)
    sizes = struct.pack(f">{len(shape)}I", *shape)
    original = bytes([0, 0, 8, len(shape)]) + sizes + array.tobytes()
    assert len(original) == header + array.size
    assert hashlib.md5(original, usedforsecurity=False).hexdigest() == md5


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(("kind", "dtype"), [(8, ">u1"), (0x0B, ">i2"), (0x0D, ">f4")])
def test_all_types_zipped_or_not(path, pack, kind, dtype):
    rows = np.arange(-6, 6).astype(dtype).reshape(3, 2, 2)
    path.write_bytes(pack(idx(rows.shape, rows.tobytes(), kind)))
    read = read_idx(path)
    assert np.array_equal(read, rows)
    assert read.dtype.isnative


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "expected an IDX file, found one that starts with b''"),
        (b"\x89PNG", "expected an IDX file, found one that starts with"),
        (bytes([0, 0, 7, 1]), "expected an IDX file"),
        (bytes([0, 0, 8, 0]), "expected an IDX file"),
        (bytes([0, 0, 8, 3, 0, 0]), "expected 3 sizes, found a truncated file"),
        (idx((0, 2**32 - 1, 2**32 - 1), b""), "cannot be read as an IDX file"),
        (idx((2, 3), b"12345"), "expected 6 bytes of numbers, found 5"),
        (idx((2, 3), b"1234567"), "expected 6 bytes of numbers, found more"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_wrong_files(path, content, sentence, pack):
    path.write_bytes(pack(content))
    with pytest.raises(FileError, match=f"^x-idx: {sentence}"):
        read_idx(path)


@pytest.mark.parametrize("cut", [3, 15, 40, -5])
def test_truncated_gzip(path, cut):
    noise = np.random.default_rng(0).bytes(600)
    path.write_bytes(gzip.compress(idx((6, 100), noise))[:cut])
    with pytest.raises(FileError, match=r"^x-idx: cannot be read as an IDX file \(it is truncated"):
        read_idx(path)


def test_damaged_gzip(path):
    content = bytearray(gzip.compress(idx((6, 100), np.random.default_rng(0).bytes(600))))
    content[300] ^= 255
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"^x-idx: cannot be read as an IDX file"):
        read_idx(path)


def test_memory_is_checked_before_allocation(path):
    path.write_bytes(idx((2**32 - 1, 2**32 - 1), b""))
    with pytest.raises(TooLargeError, match=r"^x-idx: needs 18,446,744,065"):
        read_idx(path)
