"""Reading of files in a process of its own, which has limits of memory and time."""

import numpy as np
import pandas as pd
import pytest

from latentmap.data import TableOptions, isolated_reading
from latentmap.data.isolated_reading import read_isolated
from latentmap.errors import DataError, FileError


def test_the_first_rows_and_the_number_of_all_rows_are_returned(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,kind,paid\n" + "1.5,x,yes\n2.5,y,no\n" * 50)
    rows, total = read_isolated(path, 3, label="kind")
    assert (len(rows), total) == (3, 100)
    assert rows.labels.tolist() == ["x", "y", "x"]
    assert rows[:].to_pydict() == {"a": [1.5, 2.5, 1.5], "paid": [True, False, True]}
    assert rows.table_schema.boolean_strings == {"paid": ["no", "yes"]}


def test_arrays_keep_their_type_and_shape(tmp_path):
    images = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    np.savez(tmp_path / "rows.npz", x=images, y=np.arange(5))
    rows, total = read_isolated(tmp_path / "rows.npz", 2)
    assert total == 5
    assert rows[:].dtype == np.uint8
    np.testing.assert_array_equal(rows[:], images[:2])
    assert rows.labels.tolist() == [0, 1]


def test_vectors_keep_the_columns_beside_them(tmp_path):
    frame = pd.DataFrame({"x": [[1.0, 2.0], [3.0, 4.0]], "title": ["one", "two"]})
    frame.to_parquet(tmp_path / "rows.parquet")
    rows, _ = read_isolated(tmp_path / "rows.parquet", 1)
    assert rows[:].tolist() == [[1.0, 2.0]]
    assert rows.metadata[:].to_pydict() == {"title": ["one"]}


@pytest.mark.parametrize(
    ("text", "options", "kind", "message"),
    [
        ("a\n", {}, DataError, "rows.csv: expected at least one row"),
        ("a\n1\n", {"decimal": ",", "columns": ("b",)}, DataError, "unknown column 'b'"),
        ("a\0b\n", {}, FileError, "rows.csv: expected text, found binary data"),
    ],
)
def test_errors_keep_their_type_and_message(tmp_path, text, options, kind, message):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(kind, match=message):
        read_isolated(tmp_path / "rows.csv", 3, options=TableOptions(**options))


@pytest.mark.parametrize("values", [np.zeros(60_000_000), ["x" * 100_000] * 6000])
def test_a_file_that_needs_too_much_memory_is_refused(values, tmp_path):
    pd.DataFrame({"a": values}).to_parquet(tmp_path / "zeros.parquet")
    assert (tmp_path / "zeros.parquet").stat().st_size < 10**6
    with pytest.raises(FileError, match=r"zeros\.parquet: expected .* at most 450 MB of memory"):
        read_isolated(tmp_path / "zeros.parquet", 3)


def test_a_file_that_needs_too_much_time_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(isolated_reading, "_MAX_ELAPSED_SECONDS", 0.01)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(FileError, match=r"rows\.csv: expected a file that is read within"):
        read_isolated(tmp_path / "rows.csv", 3)


@pytest.mark.parametrize(
    ("signal_name", "message"),
    [("SIGSEGV", "cannot be read, because its reader crashed"), ("SIGXCPU", "within 20 seconds")],
)
def test_a_process_that_ends_by_a_signal_is_an_error(signal_name, message, tmp_path, monkeypatch):
    run = isolated_reading.subprocess.run

    def run_and_crash(command, **options):
        script = f"import os, signal; os.kill(os.getpid(), signal.{signal_name})"
        return run([command[0], "-c", script], **options)

    monkeypatch.setattr(isolated_reading.subprocess, "run", run_and_crash)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(FileError, match=rf"rows\.csv: .*{message}"):
        read_isolated(tmp_path / "rows.csv", 3)


def test_modules_of_the_current_folder_are_not_imported(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "rows.npy", np.eye(3))
    assert read_isolated(tmp_path / "rows.npy", 3)[1] == 3
