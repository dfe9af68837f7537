import pickle
import zipfile

import numpy as np
import pytest

from latentmap.data.arrays import open_npy, open_npz
from latentmap.errors import DataError, FileError, SettingError, TooLargeError, UnknownNameError


@pytest.fixture
def npy(tmp_path):
    np.save(tmp_path / "rows.npy", np.arange(60, dtype=np.int16).reshape(5, 4, 3))
    return tmp_path / "rows.npy"


BROKEN_HEADER = b"\x93NUMPY\x01\x00\x11\x00{'shape': (}0, 8)}"  # not even Python


def header_only(path, shape, descr="<f8"):
    with path.open("wb") as stream:
        fields = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, fields)
    return path


def test_npy_is_memory_mapped(npy):
    source = open_npy(npy)
    assert (len(source), source.row_shape, source.dtype) == (5, (4, 3), np.int16)
    with npy.open("r+b") as stream:  # Later reads return this change, because no row has been read.
        stream.seek(-2, 2)
        stream.write(b"\x07\x00")
    assert source[4][3, 2] == 7


def test_npy_in_fortran_order_and_other_bytes(tmp_path):
    rows = np.asfortranarray(np.arange(20.0).reshape(5, 4)).astype(">f4", order="K")
    np.save(tmp_path / "f.npy", rows)
    assert np.array_equal(open_npy(tmp_path / "f.npy")[:], rows)
    assert open_npy(tmp_path / "f.npy")[:].dtype.isnative


def test_truncated_npy(npy):
    npy.write_bytes(npy.read_bytes()[:-7])
    with pytest.raises(
        FileError, match=r"^rows.npy: expected 120 bytes of rows, found 113 \(truncated\)$"
    ):
        open_npy(npy)


def test_npy_shorter_than_its_header_claims(tmp_path):
    path = header_only(tmp_path / "x.npy", (2**40, 2**40))
    with pytest.raises(FileError, match=r"found 0 \(truncated\)"):
        open_npy(path)


def test_npy_of_negative_shape(tmp_path):
    path = header_only(tmp_path / "x.npy", (-1, -8))
    with pytest.raises(FileError, match="expected a shape of positive numbers"):
        open_npy(path)


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10", b"PK\3\4" * 9, BROKEN_HEADER]
)
def test_npy_of_another_format(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(FileError, match=r"^x.npy: cannot be read as a NumPy array file \("):
        open_npy(tmp_path / "x.npy")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def test_pickles_are_never_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", X=np.array([[Bomb()]], dtype=object))
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match=r"x.npy: expected real numbers, found objects"):
        open_npy(tmp_path / "x.npy")
    with pytest.raises(DataError, match=r"x.npz, array X: expected real numbers, found objects"):
        open_npz(tmp_path / "x.npz")
    with pytest.raises(FileError, match=r"raw.npy"):
        open_npy(tmp_path / "raw.npy")


def test_npy_has_no_label(npy):
    with pytest.raises(SettingError, match=r"expected named columns, found rows.npy"):
        open_npy(npy, "kind")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("rows", "labels"), [("anything", None), ("X", "y"), ("x_train", "y_train"), ("data", "labels")]
)
def test_npz_rows_and_labels_by_name(tmp_path, save, rows, labels):
    arrays = {rows: np.arange(6, dtype=np.uint8).reshape(3, 2)}
    if labels:
        arrays |= {labels: np.array([[2], [1], [0]], np.uint8), "x_test": np.zeros((2, 2))}
    save(tmp_path / "x.npz", **arrays)
    source = open_npz(tmp_path / "x.npz")
    assert source[:].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert source.dtype == np.uint8
    assert source.labels is None if labels is None else source.labels.tolist() == [2, 1, 0]


@pytest.mark.parametrize("y", [np.zeros(2), np.array([0.5, 1, 2]), np.eye(3)])
def test_npz_targets_that_are_not_labels_are_ignored(tmp_path, y):
    np.savez(tmp_path / "x.npz", X=np.zeros((3, 2)), y=y)
    assert open_npz(tmp_path / "x.npz").labels is None


def test_measured_values_are_labels_by_request(tmp_path):
    np.savez(tmp_path / "x.npz", X=np.zeros((3, 2)), y=np.array([0.5, np.nan, 2]))
    labels = open_npz(tmp_path / "x.npz", "y").labels
    assert np.array_equal(labels, [0.5, np.nan, 2], equal_nan=True)


def test_npz_label_by_name(tmp_path):
    np.savez(tmp_path / "x.npz", rows=np.zeros((2, 2)), kind=np.array(["a", "b"]))
    assert open_npz(tmp_path / "x.npz", "kind").labels.tolist() == ["a", "b"]
    with pytest.raises(UnknownNameError, match="unknown array 'knd', did you mean 'kind'"):
        open_npz(tmp_path / "x.npz", "knd")
    with pytest.raises(
        FileError, match=r"expected one array or one called X, .*, found kind, rows"
    ):
        open_npz(tmp_path / "x.npz")


def test_npz_label_of_wrong_length(tmp_path):
    np.savez(tmp_path / "x.npz", X=np.zeros((2, 2)), kind=np.zeros(3, int))
    with pytest.raises(DataError, match="array kind: expected one label for each of 2 rows"):
        open_npz(tmp_path / "x.npz", "kind")


def npz_of(tmp_path, npy_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.write(npy_path, "X.npy")
    return tmp_path / "x.npz"


def test_npz_shorter_than_its_header_claims(tmp_path):
    path = npz_of(tmp_path, header_only(tmp_path / "h.npy", (2**40, 2**20)))
    with pytest.raises(FileError, match=r"x.npz, array X: expected .* bytes of rows, found 0"):
        open_npz(path)


def test_memory_is_checked_before_npz_is_read(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "x.npz", X=np.zeros((1000, 100)))
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 700_000)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *a, **k: pytest.fail("was read"))
    with pytest.raises(TooLargeError, match=r"x.npz, array X: needs"):
        open_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
def test_truncated_npz(tmp_path, keep):
    np.savez_compressed(tmp_path / "x.npz", X=np.random.default_rng(0).random((50, 50)))
    content = (tmp_path / "x.npz").read_bytes()
    cut = keep if isinstance(keep, int) else int(keep * len(content))
    (tmp_path / "x.npz").write_bytes(content[:cut])
    with pytest.raises(FileError, match=r"x.npz: cannot be read as a NumPy .npz file"):
        open_npz(tmp_path / "x.npz")


def test_damaged_npz(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", X=np.random.default_rng(0).random((50, 50)))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[5000:5100] = bytes(100)
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(FileError, match=r"x.npz: cannot be read as a NumPy .npz file"):
        open_npz(tmp_path / "x.npz")
