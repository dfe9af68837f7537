import datetime
import gzip
import os
import re
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from latentmap.cli.table_output import write_columns
from latentmap.data import open_data, write_rows
from latentmap.data.csv_files import read_csv
from latentmap.data.writers import numbered_file_names, safe_file_names
from latentmap.errors import DataError, FileError, SettingError

ROWS = np.linspace(-1, 1, 30, dtype=np.float32).reshape(10, 3)
BATCHES = [ROWS[:4], ROWS[4:8], ROWS[8:]]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_names_that_are_not_utf_8(tmp_path, suffix):
    path = tmp_path / os.fsdecode(b"a\xff" + suffix.encode())
    write_rows(path, BATCHES, length=10)
    source = open_data(path)
    assert len(source[:]) == len(source) == 10
    write_columns(path, {"x": np.arange(3.0)}, {})
    assert len(open_data(path)) == 3
    if suffix == ".csv":
        (tmp_path / (path.name + ".gz")).write_bytes(gzip.compress(path.read_bytes()))
        assert len(open_data(tmp_path / (path.name + ".gz"))) == 3


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8])
def test_rows_round_trip(tmp_path, suffix, dtype):
    rows = (ROWS * 100).astype(dtype)
    write_rows(tmp_path / f"x{suffix}", np.split(rows, [4, 8]), length=10)
    source = open_data(tmp_path / f"x{suffix}")
    source = source if suffix == ".npy" else source.numbers()
    assert np.array_equal(source[:].astype(dtype), rows)
    if suffix != ".csv":  # text has no types
        assert source.dtype == dtype


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("labels", [[*"abcdefghi", 'j,"k'], list(range(10))])
def test_names_and_labels_round_trip(tmp_path, suffix, labels):
    path = tmp_path / f"x{suffix}"
    write_rows(path, BATCHES, length=10, feature_names=["x", "y", "z"], labels=labels)
    source = open_data(path, label="label")
    assert source.feature_names == ["x", "y", "z"]
    assert source.labels.tolist() == labels
    assert np.allclose(source.numbers()[:], ROWS, atol=0, rtol=1e-6)


def test_columns_without_names(tmp_path):
    write_rows(tmp_path / "x.csv", BATCHES, length=10)
    assert open_data(tmp_path / "x.csv").feature_names == ["c0", "c1", "c2"]


def test_tables_hold_flattened_images(tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    write_rows(tmp_path / "x.parquet", [images], length=2)
    write_rows(tmp_path / "x.npy", [images], length=2)
    assert np.array_equal(open_data(tmp_path / "x.parquet")[:], images.reshape(2, 12))
    assert np.array_equal(open_data(tmp_path / "x.npy")[:], images)


def test_small_batches_make_large_row_groups(tmp_path):
    batches = (np.full((1, 3), i) for i in range(500))
    write_rows(tmp_path / "x.parquet", batches, length=500)
    assert parquet.read_metadata(tmp_path / "x.parquet").num_row_groups == 1


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_images_round_trip(tmp_path, shape):
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    write_rows(tmp_path / "x", [images[:2], images[2:]], length=3)
    source = open_data(tmp_path / "x")
    assert list(source.paths) == ["00000.png", "00001.png", "00002.png"]
    assert np.array_equal(source[:], images)


def test_images_are_rounded_and_clipped(tmp_path):
    image = np.array([[[-5.0, 0.4], [0.6, 300.0], [254.6, np.nan]]])
    write_rows(tmp_path / "x", [image[..., None]], length=1)
    assert np.asarray(Image.open(tmp_path / "x" / "00000.png")).tolist() == [
        [0, 0],
        [1, 255],
        [255, 0],
    ]


def test_sixteen_bits_are_kept(tmp_path):
    image = np.array([[[0, 300], [40_000, 65_535]]], np.uint16)
    write_rows(tmp_path / "x", [image], length=1)
    assert np.array_equal(open_data(tmp_path / "x")[:], image)


def test_images_are_written_under_names(tmp_path):
    names = ["b/1.jpg", "a/1.jpg"]
    write_rows(tmp_path / "x", [np.zeros((2, 4, 4))], length=2, names=names)
    source = open_data(tmp_path / "x")
    assert list(source.paths) == ["a/1.png", "b/1.png"]
    assert source.labels.tolist() == ["a", "b"]


def test_unsafe_names_write_nothing(tmp_path):
    with pytest.raises(SettingError, match=r"image name '../x.png': expected a relative path"):
        write_rows(tmp_path / "x", [np.zeros((1, 4, 4))], length=1, names=["../x.png"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.parquet", "x"])
@pytest.mark.parametrize("length", [9, 11])
def test_wrong_length_keeps_the_old_file(tmp_path, name, length):
    path = tmp_path / name
    if path.suffix:
        path.write_text("old")
    with pytest.raises((DataError, SettingError), match="expected"):
        write_rows(path, [b.reshape(-1, 3, 1) for b in BATCHES], length=length)
    assert not path.exists() if not path.suffix else path.read_text() == "old"
    assert [p for p in tmp_path.iterdir() if p != path] == []


def test_error_while_writing_keeps_the_old_file(tmp_path):
    def batches():
        yield ROWS[:4]
        raise RuntimeError("half way")

    (tmp_path / "x.npy").write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        write_rows(tmp_path / "x.npy", batches(), length=10)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.parquet", "x"])
def test_full_disk_raises_file_error(tmp_path, name, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    for target in (
        "numpy.lib.format.write_array_header_1_0",
        "pyarrow.csv.write_csv",
        "pyarrow.parquet.ParquetWriter",
        "PIL.Image.Image.save",
    ):
        monkeypatch.setattr(target, full)
    with pytest.raises(FileError, match=r"cannot be written \(No space left on device\)$"):
        write_rows(tmp_path / name, [ROWS.reshape(10, 3, 1)], length=10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x.xlsx", "expected one of the suffixes .npy, .csv, .parquet, or none for a folder"),
        ("full", "expected a new or empty folder, found one that is not empty"),
        ("full.npy", "expected a path for a file, found a folder"),
        ("full/file", "expected a path for a folder, found a file"),
        ("absent/x.npy", "absent does not exist"),
    ],
)
def test_invalid_output_paths_raise(tmp_path, name, sentence):
    (tmp_path / "full").mkdir()
    (tmp_path / "full.npy").mkdir()
    (tmp_path / "full" / "file").write_text("old")
    with pytest.raises(FileError, match=re.escape(sentence)):
        write_rows(tmp_path / name, [np.zeros((1, 2, 2))], length=1)
    assert (tmp_path / "full" / "file").read_text() == "old"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "x").mkdir()
    write_rows(tmp_path / "x", [np.zeros((1, 2, 2))], length=1)
    assert (tmp_path / "x" / "00000.png").is_file()


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("x.csv", {"feature_names": ["a"]}, "feature names: expected 3, found 1"),
        ("x.csv", {"labels": [1, 2]}, "labels: expected 10, found 2"),
        (
            "x.csv",
            {"labels": range(10), "feature_names": ["a", "b", "label"]},
            "labels: expected no feature named 'label', found one",
        ),
    ],
)
def test_names_and_labels_that_do_not_fit_raise(tmp_path, name, options, sentence):
    with pytest.raises(SettingError, match=f"^{re.escape(sentence)}$"):
        write_rows(tmp_path / name, BATCHES, length=10, **options)


def test_rows_that_are_not_images_raise(tmp_path):
    with pytest.raises(DataError, match=r"expected rows of shape \(h, w\).*, found \(3,\)"):
        write_rows(tmp_path / "x", BATCHES, length=10)
    with pytest.raises(SettingError, match="names: expected 1, found 2"):
        write_rows(tmp_path / "x", [np.zeros((1, 2, 2))], length=1, names=["a", "b"])


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x"])
def test_rows_must_be_of_one_shape(tmp_path, name):
    batches = [np.zeros((2, 4, 4)), np.zeros((2, 2, 8))]
    with pytest.raises(DataError, match=r"expected rows of shape \(4, 4\), found \(2, 8\)"):
        write_rows(tmp_path / name, batches, length=4)


def test_no_rows(tmp_path):
    with pytest.raises(DataError, match=r"^x.csv: expected at least one row to write, found none$"):
        write_rows(tmp_path / "x.csv", [], length=0)


def _frame():
    return pd.DataFrame(
        {
            "name": ["Anna", None, "Bob, jr"],
            "age": [31, 42, 53],
            "height": [1.7, np.nan, 1.8],
            "joined": [datetime.date(2020, 1, 31)] * 3,
            "size": pd.Categorical(["S", "L", "S"]),
        }
    )


def test_data_frames_are_written_to_csv_with_their_own_columns(tmp_path):
    frame = _frame()
    write_rows(tmp_path / "x.csv", [frame[:2], frame[2:]], length=3, labels=["a", "b", "c"])
    assert (tmp_path / "x.csv").read_text() == (
        '"name","age","height","joined","size","label"\n'
        '"Anna",31,1.7,2020-01-31,"S","a"\n'
        ',42,,2020-01-31,"L","b"\n'
        '"Bob, jr",53,1.8,2020-01-31,"S","c"\n'
    )


def test_data_frames_are_written_to_parquet_with_their_types(tmp_path):
    frame = _frame()
    write_rows(tmp_path / "x.parquet", [frame], length=3)
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table.schema.field("joined").type == pa.date32()
    assert table.to_pandas().equals(frame)


def test_columns_of_numbers_are_written_to_npy(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    write_rows(tmp_path / "x.npy", [frame], length=2)
    assert np.load(tmp_path / "x.npy").tolist() == [[1, 0.5, 1], [2, 1.5, 0]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.npy", "x.npy: expected columns of numbers for a .npy file, found other values in name"),
        ("x", "x: expected images for a folder, found 5 columns of a table"),
    ],
)
def test_formats_without_columns_reject_data_frames(tmp_path, name, words):
    with pytest.raises(DataError, match=words):
        write_rows(tmp_path / name, [_frame()], length=3)
    assert not list(tmp_path.iterdir())


def test_times_are_written_to_csv_without_superfluous_zeros(tmp_path):
    midnight, noon = datetime.datetime(2020, 1, 31), datetime.datetime(2020, 1, 31, 12)
    batches = [
        pa.table({"time": pa.array(times, pa.timestamp("us")), "day": [midnight] * len(times)})
        for times in ([noon], [midnight, None], [noon.replace(microsecond=500_000)])
    ]
    write_rows(tmp_path / "rows.csv", batches, length=4)
    assert (tmp_path / "rows.csv").read_text().splitlines() == [
        *('"time","day"', "2020-01-31 12:00:00,2020-01-31"),
        *("2020-01-31,2020-01-31", ",2020-01-31", "2020-01-31 12:00:00.500,2020-01-31"),
    ]


def test_durations_are_written_to_csv_as_durations(tmp_path):
    durations = [datetime.timedelta(hours=26, seconds=1.5), datetime.timedelta(hours=-1), None]
    write_rows(tmp_path / "rows.csv", [pa.table({"wait": durations, "x": [1, 2, 3]})], length=3)
    lines = ['"wait","x"', '"1 days 2:00:01.500000",1', '"-1 days +23:00:00",2', ",3"]
    assert (tmp_path / "rows.csv").read_text().splitlines() == lines
    table = read_csv(tmp_path / "rows.csv").table
    assert table["wait"].to_pylist() == durations


def test_csv_rejects_vectors(tmp_path):
    table = pa.table({"v": [[1.0, 2.0]]})
    with pytest.raises(DataError, match=r"found vectors in v; \.parquet holds them"):
        write_rows(tmp_path / "x.csv", [table], length=1)


def test_numbered_names_sort_by_number():
    names = numbered_file_names(123_456)
    assert names[7] == "000007.png"
    assert names == sorted(names)


def test_safe_names_get_png():
    assert safe_file_names(["a.b/c.d.jpg", "x"]) == ["a.b/c.d.png", "x.png"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../x",
        "a//b",
        "./a",
        "~/..",
        "a\\b",
        "C:x",
        "a\0b",
        "a\n",
        ".x",
    ],
)
def test_unsafe_names(name):
    with pytest.raises(SettingError, match="expected a relative path that stays in its folder"):
        safe_file_names(["fine.png", name])


def test_equal_names_raise():
    with pytest.raises(SettingError, match=r"image name 'A.jpg': expected a unique name, found 'a"):
        safe_file_names(["a.png", "A.jpg"])
