import os
import re
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from latentmap.data import Table, TableOptions, open_data, readers
from latentmap.errors import FileError, SettingError, TooLargeError, UnknownNameError


def test_every_format_gives_the_same_rows(tmp_path):
    rows = np.arange(6).reshape(3, 2)
    np.save(tmp_path / "rows.npy", rows)
    np.savez(tmp_path / "rows.npz", rows=rows)
    np.savetxt(tmp_path / "rows.CSV", rows, "%d", delimiter=",")
    parquet.write_table(pa.table({"a": rows[:, 0], "b": rows[:, 1]}), tmp_path / "rows.parquet")
    for path in tmp_path.iterdir():
        source = open_data(path)
        assert source.name == path.name
        source = source.numbers() if isinstance(source, Table) else source
        assert np.array_equal(source[:], rows)
        assert source.dtype == np.int64


def test_slow_reading_shows_progress(tmp_path, monkeypatch, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3,4\n", encoding="ascii")
    open_data(path, verbose=True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("latentmap.progress.LINE_SECONDS", 0.0)
    monkeypatch.setattr("latentmap.progress._REFRESH_SECONDS", 0.001)
    read = readers._TABLE_READERS[".csv"]
    monkeypatch.setitem(
        readers._TABLE_READERS, ".csv", lambda *args: (time.sleep(0.2), read(*args))[1]
    )
    open_data(path, verbose=True)
    assert "reading rows.csv: 0 s so far\n" in capsys.readouterr().err


def test_names():
    assert len(open_data("wine")) == 142
    assert len(open_data("wine:unseen")) == 36
    with pytest.raises(UnknownNameError, match="unknown part 'unsen', did you mean 'unseen'"):
        open_data("wine:unsen")
    with pytest.raises(UnknownNameError, match="unknown data set 'wines', did you mean 'wine'"):
        open_data("wines")
    with pytest.raises(SettingError, match="label 'a': expected data with columns, found wine"):
        open_data("wine", label="a")


def test_path_takes_precedence_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wine").mkdir()
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "wine" / "a.png")
    assert open_data("wine").row_shape == (2, 3)


@pytest.mark.parametrize("name", ["absent.csv", "./mnist", "folder/mnist"])
def test_missing_paths(name):
    with pytest.raises(FileError, match=f"^{re.escape(name)}: no such file or folder$"):
        open_data(name)


def test_a_path_object_is_never_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="no such file or folder"):
        open_data(tmp_path.relative_to(tmp_path) / "mnist")


@pytest.mark.parametrize(("name", "found"), [("rows.xls", "'.xls'"), ("rows", "none")])
def test_unknown_suffixes(tmp_path, name, found):
    (tmp_path / name).write_text("1,2\n")
    suffixes = ".npy, .npz, .csv, .tsv, .txt, .xlsx, .parquet, .h5ad"
    sentence = f"suffixes {suffixes}, or a folder, found {found}"
    with pytest.raises(FileError, match=re.escape(sentence)):
        open_data(tmp_path / name)


def test_options_are_for_tables(tmp_path):
    (tmp_path / "rows.txt").write_text("1;2\n3;4\n")
    rows = open_data(tmp_path / "rows.txt", options=TableOptions(header=True))
    assert rows.feature_names == ["1", "2"]
    np.save(tmp_path / "rows.npy", np.eye(2))
    for data in (tmp_path / "rows.npy", "wine"):
        with pytest.raises(SettingError, match="header: expected a table for this option, found"):
            open_data(data, options=TableOptions(header=True))


def test_pipes_raise(tmp_path):
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(FileError, match="found a path of another kind"):
        open_data(tmp_path / "rows.csv")


def test_folder_of_two_formats_raises(tmp_path):
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(FileError, match=r"expected .parquet files or images, found both"):
        open_data(tmp_path)


def test_current_folder_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert open_data(".").name == tmp_path.name


def test_importing_the_package_is_light():
    code = (
        "import sys, latentmap.data; heavy = {'keras', 'jax', 'sklearn', 'pyarrow', 'PIL', 'pooch',"
        " 'pandas', 'scipy'}; print(sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert result.stdout.strip() == "[]"


def test_a_failed_allocation_raises_an_error_that_names_the_file(tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    monkeypatch.setitem(readers._TABLE_READERS, ".csv", fail)
    with pytest.raises(TooLargeError, match=r"^rows.csv: too large to be read into memory$"):
        open_data(tmp_path / "rows.csv")
