from pathlib import Path

import numpy as np
import pytest

from latentmap.data.memmap import TemporaryArrayFile, cache_folder
from latentmap.errors import FileError


def test_written_arrays_are_read_back_and_the_file_is_deleted(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    parts = [np.arange(6.0).reshape(2, 3), np.arange(6.0, 12.0).reshape(2, 3).T.copy().T]
    with TemporaryArrayFile() as file:
        for part in parts:
            file.write(part)
        rows = file.mapped(np.float64, (3,))
    assert np.array_equal(rows, np.concatenate(parts))
    assert not rows.flags.writeable
    assert not list((tmp_path / "latentmap").iterdir())


def test_full_disk_raises_file_error(monkeypatch):
    full = Path("/dev/full")
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: full.open("wb", buffering=0))
    with (
        TemporaryArrayFile() as file,
        pytest.raises(FileError, match=r"cannot be written \(No space"),
    ):
        file.write(np.zeros(3))


def test_temporary_folder_replaces_an_unwritable_cache_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_folder().is_dir()
    assert tmp_path not in cache_folder().parents
