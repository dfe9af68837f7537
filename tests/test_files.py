import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latentmap import load_model
from latentmap.analysis import SearchIndex
from latentmap.analysis.codec_file import CodeFile
from latentmap.analysis.model_description import describe_model
from latentmap.array_files import read_arrays, write_arrays
from latentmap.data import open_data
from latentmap.errors import FileError, ModelFileError
from latentmap.files import (
    check_input_file,
    check_output_path,
    check_path,
    remove_partial_outputs,
    write_atomically,
)
from latentmap.model_file import read_model


def file_names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "codes.npy"
    with write_atomically(path) as partial:
        partial.write_text("new")
        assert partial.suffix == ".npy"
        assert not path.exists()
    assert path.read_text() == "new"
    assert file_names(tmp_path) == ["codes.npy"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, FileError])
def test_error_keeps_the_existing_file(error, tmp_path):
    path = tmp_path / "codes.npy"
    path.write_text("old")
    with pytest.raises(error, match="stop"), write_atomically(path) as partial:
        partial.write_text("half")
        raise error("stop")
    assert path.read_text() == "old"
    assert file_names(tmp_path) == ["codes.npy"]


def test_full_disk_raises_and_keeps_the_existing_file(tmp_path):
    path = tmp_path / "codes.npy"
    path.write_text("old")
    message = r"codes\.npy: cannot be written \(No space left"
    with pytest.raises(FileError, match=message), write_atomically(path) as partial:
        partial.write_text("half")
        raise OSError(28, os.strerror(28))
    assert path.read_text() == "old"
    assert file_names(tmp_path) == ["codes.npy"]


def test_existing_file_is_replaced(tmp_path):
    path = tmp_path / "codes.npy"
    path.write_text("old")
    with write_atomically(str(path)) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


def test_empty_folder_is_replaced(tmp_path):
    path = tmp_path / "images"
    path.mkdir()
    with write_atomically(path) as partial:
        partial.mkdir()
        (partial / "1.png").write_text("one")
    assert file_names(path) == ["1.png"]


def test_folder_that_is_not_empty_is_not_replaced(tmp_path):
    path = tmp_path / "images"
    path.mkdir()
    (path / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match="cannot be written"), write_atomically(path) as partial:
        partial.mkdir()
    assert file_names(path) == ["mine.txt"]
    assert file_names(tmp_path) == ["images"]


def test_missing_folder_raises(tmp_path):
    path = tmp_path / "missing" / "codes.npy"
    with pytest.raises(FileError, match="missing does not exist"), write_atomically(path):
        pytest.fail("the block must not run")


def test_unwritable_folder_raises(user_folder):
    user_folder.chmod(0o500)
    path = user_folder / "codes.npy"
    with pytest.raises(FileError, match="cannot be written"), write_atomically(path):
        pytest.fail("the block must not run")


def test_files_in_a_closed_folder_raise(user_folder):
    closed = user_folder / "closed"
    closed.mkdir()
    (closed / "m.safetensors").touch()
    closed.chmod(0o600)
    for check in (check_path, check_output_path, lambda path: check_input_file(path, "model")):
        for name in ("m.safetensors", "new.safetensors"):
            with pytest.raises(FileError, match=r"cannot be opened \(Permission denied\)$"):
                check(closed / name)


def test_an_unreadable_file_raises(user_folder):
    path = user_folder / "m.safetensors"
    path.touch(mode=0)
    with pytest.raises(FileError, match=r"m.safetensors: cannot be read \(Permission denied\)$"):
        check_input_file(path, "model")


def test_block_that_writes_nothing_raises(tmp_path):
    with (
        pytest.raises(FileError, match="cannot be written"),
        write_atomically(tmp_path / "codes.npy"),
    ):
        pass
    assert file_names(tmp_path) == []


def test_partial_outputs_are_removed(tmp_path):
    script = (
        "import os, sys\n"
        "from latentmap.files import write_atomically\n"
        "with write_atomically(sys.argv[1]) as partial:\n"
        "    partial.write_text('half')\n"
        "    os._exit(9)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "rows.npy")]
    assert subprocess.run(command).returncode == 9
    assert [path.name for path in tmp_path.rglob("rows.npy")] == ["rows.npy"]
    (tmp_path / "complete.npy").write_text("complete")
    remove_partial_outputs(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["complete.npy"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.gif", {"suffixes": (".png", ".pdf")}, "one of the suffixes .png, .pdf, found '.gif'"),
        ("a", {"suffixes": (".html",)}, "expected the suffix .html, found none"),
        ("a.txt", {"suffixes": (".npy", "")}, "suffix .npy, or none for a folder of images"),
        ("no/a.png", {}, "no does not exist"),
        ("folder", {}, "expected a path for a file, found a folder"),
        ("folder", {"folder": True}, "expected a new or empty folder"),
        ("file.npy", {"folder": True}, "expected a path for a folder, found a file"),
        ("file.npy", {"inputs": ["file.npy"]}, "found the input itself"),
        ("folder/1.png", {"inputs": ["folder"]}, "found a file of folder"),
    ],
)
def test_unwritable_output_path_raises(tmp_path, monkeypatch, name, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.npy").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "1.png").touch()
    with pytest.raises(FileError, match=re.escape(message)):
        check_output_path(name, **options)
    assert file_names(tmp_path) == ["file.npy", "folder"]


def test_writable_output_path_is_returned(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, folder in (("a.PNG", False), ("empty", True), ("new", True)):
        assert check_output_path(tmp_path / name, [".png", ""], folder=folder) == tmp_path / name
    assert file_names(tmp_path) == ["empty"]


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "b/" * 5000])
def test_names_that_a_file_cannot_have_raise(name):
    for function in (check_path, check_output_path, open_data, SearchIndex.load):
        with pytest.raises(FileError, match="the name is not valid"):
            function(name)
    with pytest.raises(ModelFileError, match="the name is not valid"):
        read_model(name)
    with pytest.raises(FileError, match="the name is not valid"), write_atomically(name):
        pass


def test_devices_are_written_and_not_replaced():
    with write_atomically("/dev/null") as path:
        path.write_text("text")
    assert Path("/dev/null").is_char_device()
    with (
        pytest.raises(FileError, match="/dev/full: cannot be written"),
        write_atomically("/dev/full") as path,
    ):
        path.write_text("text")
    assert Path("/dev/full").is_char_device()


def test_a_descriptor_receives_the_output(tmp_path):
    with (tmp_path / "codes").open("wb") as stream:
        with write_atomically(f"/dev/fd/{stream.fileno()}") as path:
            path.write_text("text")
        assert (tmp_path / "codes").samefile(f"/dev/fd/{stream.fileno()}")
    assert (tmp_path / "codes").read_text() == "text"


def test_a_link_to_a_missing_file_creates_the_file(tmp_path):
    (tmp_path / "link").symlink_to("target")
    with write_atomically(tmp_path / "link") as path:
        path.write_text("text")
    assert (tmp_path / "target").read_text() == "text"
    assert (tmp_path / "link").is_symlink()


def test_a_link_to_itself_raises(tmp_path):
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(FileError, match="link"), write_atomically(tmp_path / "link") as path:
        path.write_text("text")


def test_files_of_equal_arrays_are_equal(tmp_path):
    arrays = {"b": np.arange(3.0), "a": np.ones((2, 2), "float16"), "ä": np.zeros((), "int64")}
    paths = [tmp_path / f"{i}.safetensors" for i in range(20)]
    for path in paths:
        write_arrays(path, "model", {"format": 3, "name": "ä"}, arrays)
    assert len({path.read_bytes() for path in paths}) == 1
    description, read = read_arrays(paths[0], "model", 3)
    assert description == {"format": 3, "name": "ä"}
    assert all(np.array_equal(read[name], array) for name, array in arrays.items())
    assert read["a"].dtype == np.float16


@pytest.mark.parametrize("read", [load_model, SearchIndex.load, describe_model, CodeFile])
def test_a_pipe_is_not_read(read, tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(FileError, match="file, found a device or a pipe"):
        read(tmp_path / "pipe.safetensors")
