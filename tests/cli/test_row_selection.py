from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from latentmap.cli.row_selection import (
    check_output,
    fingerprint,
    open_rows,
    require_one_row,
    split_row_number,
)
from latentmap.data import open_data
from latentmap.errors import DataError, FileError, LatentmapError, SettingError, UnknownNameError


def open_row(text, **options):
    return require_one_row(open_rows(text, **options), text)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "ann").mkdir(parents=True)
    for grey in range(4):
        Image.fromarray(np.full((2, 3), grey, np.uint8)).save(folder / "ann" / f"{grey}.png")
    return folder


def test_a_number_selects_a_row():
    row = open_row("wine:unseen#17")
    assert np.array_equal(row[:], open_data("wine:unseen")[17:18])
    assert row.labels.tolist() == [open_data("wine:unseen").labels[17]]
    assert row.feature_names == open_data("wine").feature_names
    assert row.name == "wine:unseen#17"
    assert row.original_index(0) == 17


def test_rows_of_tables_and_folders(tmp_path, photos):
    (tmp_path / "rows.csv").write_text("a,b,kind\n1,2,x\n3,4,y\n")
    row = open_row(f"{tmp_path}/rows.csv#1", default_label="kind")
    assert row[:].to_pydict() == {"a": [3], "b": [4]}
    assert row.labels.tolist() == ["y"]
    assert (open_row(f"{photos}/#3")[0] == 3).all()
    assert (open_row(f"{photos}#3")[0] == 3).all()


def test_an_image_file_is_a_row(photos):
    row = open_row(str(photos / "ann" / "2.png"))
    assert row.row_shape == (2, 3)
    assert (row[:] == 2).all()
    assert row.name == "2.png"


def test_the_only_row_needs_no_number(tmp_path):
    np.save(tmp_path / "one.npy", np.ones((1, 3)))
    assert open_row(f"{tmp_path}/one.npy")[:].tolist() == [[1, 1, 1]]
    assert open_row(f"{tmp_path}/one.npy#0")[:].tolist() == [[1, 1, 1]]


def test_an_existing_path_has_no_row_number(tmp_path):
    np.save(tmp_path / "rows#1.npy", np.ones((2, 3)))
    assert split_row_number(f"{tmp_path}/rows#1.npy") == (f"{tmp_path}/rows#1.npy", None)
    assert len(open_rows(f"{tmp_path}/rows#1.npy")) == 2
    assert len(open_rows(f"{tmp_path}/rows#1.npy#1")) == 1
    (tmp_path / "photos#7").mkdir()
    assert split_row_number(str(tmp_path / "photos#7")) == (str(tmp_path / "photos#7"), None)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("wine", SettingError, "wine: expected one row, such as wine#0, found 142 rows"),
        ("wine#142", DataError, "wine#142: expected a row number below 142, found 142"),
        ("wine#-1", SettingError, "expected a row number from 0 after #, found '-1'"),
        ("wine#", SettingError, "found ''"),
        ("wine:unseen#x", SettingError, "found 'x'"),
        ("wine#" + "9" * 30, SettingError, "expected a row number from 0 after #"),
        ("wine#٣", SettingError, "expected a row number from 0 after #"),
        ("wines#3", UnknownNameError, "unknown data set 'wines', did you mean 'wine'"),
        ("no/such.csv#3", FileError, "no/such.csv: no such file or folder"),
        ("my#file.csv", FileError, "my#file.csv: no such file or folder"),
    ],
)
def test_invalid_texts_are_reported(text, error, words):
    with pytest.raises(error) as caught:
        open_row(text)
    assert words in str(caught.value)
    assert isinstance(caught.value, LatentmapError)


def test_the_data_of_a_row_is_not_overwritten(tmp_path):
    np.save(tmp_path / "rows.npy", np.ones((2, 3)))
    with pytest.raises(FileError, match="found the input itself"):
        check_output(tmp_path / "rows.npy", (), [f"{tmp_path}/rows.npy#1"])


def test_a_file_that_is_not_an_image_is_reported(tmp_path):
    (tmp_path / "me.png").write_bytes(b"not an image")
    with pytest.raises(FileError, match=r"me\.png"):
        open_row(str(tmp_path / "me.png"))


def test_the_fingerprint_depends_on_the_rows():
    assert fingerprint(open_rows("wine")) == fingerprint(open_data("wine"))
    assert fingerprint(open_rows("wine")) != fingerprint(open_rows("wine:unseen"))
