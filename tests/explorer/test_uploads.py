from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet as pq

from latentmap.data import TableOptions
from latentmap.errors import DataError, FileError, LatentmapError
from latentmap.explorer import uploads
from latentmap.explorer.row_images import RowImages
from latentmap.explorer.uploads import MAX_UPLOAD_BYTES, read_upload

BYTES, FLOATS = RowImages((6, 4), 0.0, 255.0), RowImages((6, 4), 0.0, 16.0)


def image(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def npy(rows):
    file = io.BytesIO()
    np.save(file, rows)
    return file.getvalue()


def read(name, content, images=None, label=None):
    upload = read_upload(name, content, images, label)
    return upload.rows, upload.rows[:], upload.rows.labels, upload.note


def test_tables_are_read():
    rows, table, labels, note = read("rows.csv", b"a,b\n1,2.5\n3,4\n")
    assert (rows.name, rows.feature_names) == ("rows.csv", ["a", "b"])
    assert table.to_pydict() == {"a": [1, 3], "b": [2.5, 4]}
    assert labels is None
    assert note == ""


def test_a_label_column_is_optional():
    *_, labels, _ = read("rows.csv", b"a,kind\n1,x\n3,y\n", label="kind")
    assert labels.tolist() == ["x", "y"]
    *_, labels, _ = read("rows.csv", b"a,b\n1,2\n", label="kind")
    assert labels is None


def test_tables_are_read_with_options():
    options = TableOptions(decimal=",", roles={"kind": "category"}, ignore_unknown=True)
    upload = read_upload("a.csv", b"kind;size\n1;1,5\n2;2,5\n", None, None, options)
    assert upload.rows[:].to_pydict() == {"kind": ["1", "2"], "size": [1.5, 2.5]}
    assert read_upload("rows.npy", npy(np.eye(3)), None, None, options).total == 3


def test_arrays_are_read():
    numbers = read("rows.npy", npy(np.eye(3)))[1]
    assert numbers.tolist() == np.eye(3).tolist()


def test_an_image_of_the_right_size_is_unchanged():
    pixels = np.arange(24, dtype=np.uint8).reshape(6, 4)
    rows, numbers, _, note = read("me.png", image(pixels), BYTES)
    assert numbers.tolist() == [pixels.tolist()]
    assert note == ""
    assert rows.name == "me.png"


def test_a_drawing_is_converted_to_the_units_of_the_data():
    drawing = b"P5\n4 6\n255\n" + bytes([0] * 23 + [255])
    numbers = read("drawing.pgm", drawing, FLOATS)[1]
    assert numbers.ravel().tolist() == [0] * 23 + [16]


def test_an_image_of_another_size_is_resized():
    pixels = np.full((60, 40, 3), 200, np.uint8)
    _, numbers, _, note = read("me.jpg", image(pixels, "JPEG"), BYTES)
    assert numbers.shape == (1, 6, 4)
    assert np.abs(numbers - 200).max() <= 2
    assert note == (
        "The image was resized from 40×60 to 4×6 pixels and converted to grey, "
        "like the images of the model."
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", b"", "rows.csv: expected rows, found an empty file"),
        ("../../up.npy", b"nonsense", "up.npy: cannot be read as"),
        ("C:\\up.npz", b"nonsense", "up.npz: cannot be read as"),
        ("a.parquet", b"PAR1nonsense", "a.parquet: cannot be read as"),
        ("me.png", b"\x89PNG nonsense", "me.png: cannot be read as an image"),
        ("run.exe", b"MZ", "run.exe: expected a table (such as .csv"),
        ("nothing", b"", "nothing: expected a table"),
        ("", b"", "the file: expected a table"),
        ("x\x1b[31m.csv", b"", "x\N{REPLACEMENT CHARACTER}[31m.csv: expected rows"),
    ],
)
def test_errors_show_the_uploaded_name(name, content, message):
    with pytest.raises(LatentmapError) as error:
        read(name, content, BYTES)
    assert str(error.value).startswith(message)
    assert "upload" not in str(error.value)
    assert tempfile.gettempdir() not in str(error.value)


def test_errors_name_no_options_of_the_command():
    with pytest.raises(DataError) as error:
        read("rows.csv", b"a,b\n1,2\n3,4,5,6\n")
    assert str(error.value) == "rows.csv, line 3: expected 2 columns, found 4; correct the file"


def test_errors_keep_their_type():
    with pytest.raises(DataError):
        read("rows.csv", b"a\n")
    with pytest.raises(FileError):
        read("rows.npy", b"")


def test_pickles_are_not_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    with pytest.raises(LatentmapError):
        read("rows.npy", npy(np.array([Trap()], dtype=object)))
    assert not (tmp_path / "sprung").exists()


def test_uploads_are_stored_in_a_temporary_folder_and_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    read, paths = uploads.read_isolated, []
    monkeypatch.setattr(
        uploads, "read_isolated", lambda p, *rest: paths.append(p) or read(p, *rest)
    )
    read_upload("../../evil.csv", b"a\n1\n", None)
    assert paths[0].parents[1] == tmp_path and paths[0].name == "upload.csv"
    assert list(tmp_path.iterdir()) == []


def test_a_zip_bomb_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((400, 1000, 1000), np.uint8))
    content = (tmp_path / "bomb.npz").read_bytes()
    assert len(content) < MAX_UPLOAD_BYTES
    with pytest.raises(FileError, match="at most 268,435,456 bytes when unpacked"):
        read("mine.npz", content)


def parquet(**columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


BOMBS = {
    "a line.csv": lambda: b"1," * (15 * 2**20),
    "many zeros.parquet": lambda: parquet(a=np.zeros(34_000_000, np.int8)),
    "wide.png": lambda: image(np.zeros((8000, 8000), np.uint8)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_read(name, monkeypatch):
    content = BOMBS[name]()
    monkeypatch.setattr("latentmap.explorer.uploads.read_isolated", None)
    monkeypatch.setattr("latentmap.explorer.uploads.ImageFolderSource", None)
    with pytest.raises(FileError, match=f"{name}: expected .*at most .*, found") as raised:
        read(name, content, BYTES)
    assert len(content) <= MAX_UPLOAD_BYTES
    assert "upload" not in str(raised.value)


def test_files_near_the_limits_are_read():
    lines = b"a,b\n" + (b"1" * 500_000 + b",2\n") * 5
    assert len(read("rows.csv", lines)[1]) == 5
    content = parquet(a=["x" * 1000] * 50, b=np.arange(50))
    assert len(read("rows.parquet", content)[1]) == 50
