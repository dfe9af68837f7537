import os
import re
import subprocess
import sys

import pytest

from latentmap.errors import FileError
from latentmap.files import check_output_path, remove_partial_outputs, write_atomically


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_when_it_is_complete(tmp_path):
    place = tmp_path / "codes.npy"
    with write_atomically(place) as beside:
        beside.write_text("new")
        assert beside.suffix == ".npy"
        assert not place.exists()
    assert place.read_text() == "new"
    assert left(tmp_path) == ["codes.npy"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, FileError])
def test_error_keeps_the_old_file(error, tmp_path):
    place = tmp_path / "codes.npy"
    place.write_text("old")
    with pytest.raises(error, match="stop"), write_atomically(place) as beside:
        beside.write_text("half")
        raise error("stop")
    assert place.read_text() == "old"
    assert left(tmp_path) == ["codes.npy"]


def test_full_disk_raises_and_keeps_the_old_file(tmp_path):
    place = tmp_path / "codes.npy"
    place.write_text("old")
    told = r"codes\.npy: cannot be written \(No space left"
    with pytest.raises(FileError, match=told), write_atomically(place) as beside:
        beside.write_text("half")
        raise OSError(28, os.strerror(28))
    assert place.read_text() == "old"
    assert left(tmp_path) == ["codes.npy"]


def test_old_file_is_replaced(tmp_path):
    place = tmp_path / "codes.npy"
    place.write_text("old")
    with write_atomically(str(place)) as beside:
        beside.write_text("new")
    assert place.read_text() == "new"


def test_a_folder_can_be_written(tmp_path):
    place = tmp_path / "images"
    place.mkdir()
    with write_atomically(place) as beside:
        beside.mkdir()
        (beside / "1.png").write_text("one")
    assert left(place) == ["1.png"]


def test_folder_that_is_not_empty_is_not_replaced(tmp_path):
    place = tmp_path / "images"
    place.mkdir()
    (place / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match="cannot be written"), write_atomically(place) as beside:
        beside.mkdir()
    assert left(place) == ["mine.txt"]
    assert left(tmp_path) == ["images"]


def test_message_names_a_missing_folder(tmp_path):
    place = tmp_path / "nowhere" / "codes.npy"
    with pytest.raises(FileError, match="nowhere does not exist"), write_atomically(place):
        pytest.fail("the block must not run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder_raises(tmp_path):
    tmp_path.chmod(0o500)
    try:
        place = tmp_path / "codes.npy"
        with pytest.raises(FileError, match="cannot be written"), write_atomically(place):
            pytest.fail("the block must not run")
    finally:
        tmp_path.chmod(0o700)


def test_block_that_writes_nothing_raises(tmp_path):
    with (
        pytest.raises(FileError, match="cannot be written"),
        write_atomically(tmp_path / "codes.npy"),
    ):
        pass
    assert left(tmp_path) == []


def test_partial_outputs_are_removed(tmp_path):
    script = (
        "import os, sys\n"
        "from latentmap.files import write_atomically\n"
        "with write_atomically(sys.argv[1]) as beside:\n"
        "    beside.write_text('half')\n"
        "    os._exit(9)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "rows.npy")]
    assert subprocess.run(command).returncode == 9
    assert [place.name for place in tmp_path.rglob("rows.npy")] == ["rows.npy"]
    (tmp_path / "whole.npy").write_text("whole")
    remove_partial_outputs(tmp_path)
    assert [place.name for place in tmp_path.iterdir()] == ["whole.npy"]


@pytest.mark.parametrize(
    ("name", "options", "words"),
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
def test_unwritable_output_path_raises(tmp_path, monkeypatch, name, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.npy").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "1.png").touch()
    with pytest.raises(FileError, match=re.escape(words)):
        check_output_path(name, **options)
    assert left(tmp_path) == ["file.npy", "folder"]


def test_writable_output_path_is_returned(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, folder in (("a.PNG", False), ("empty", True), ("new", True)):
        assert check_output_path(tmp_path / name, [".png", ""], folder=folder) == tmp_path / name
    assert left(tmp_path) == ["empty"]
