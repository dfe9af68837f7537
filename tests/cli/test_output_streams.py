"""Tests of closed and full streams, invalid names, and outputs that are no regular files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[1] / "files" / "format-3.safetensors"
LATENTMAP = f"{sys.executable} -m latentmap"
COMPLETE = 276  # Lines of the data set penguins as a table.

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def run_shell(command, folder):
    """Run a shell command; return its exit code, standard output and standard error."""
    command = command.replace("latentmap", LATENTMAP, 1)
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, capture_output=True, timeout=120
    )
    errors = result.stderr.decode(errors="replace")
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    return result.returncode, result.stdout.decode(errors="replace"), errors


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        ("| head -1", 0),
        (">&-", 0),
        ("2>&-", 0),
        (">&- 2>&-", 0),
        ("<&- >&- 2>&-", 0),
        ("> /dev/full", 2),
        ("2> /dev/full", 0),
    ],
)
def test_closed_and_full_streams_give_no_traceback(redirection, code, tmp_path):
    exit_code, _, errors = run_shell(f"latentmap info {MODEL} --json {redirection}", tmp_path)
    assert exit_code == code
    assert errors.startswith("error: standard output: cannot be written" if code else "")


@pytest.mark.parametrize("redirection", ["2>&- >&-", "2> /dev/full > /dev/full", "2>&1 | true"])
def test_files_are_complete_if_no_stream_can_be_written(redirection, tmp_path):
    run_shell(f"latentmap datasets penguins -o rows.csv {redirection}", tmp_path)
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == COMPLETE


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"])
def test_exit_code_of_an_error_that_cannot_be_printed(redirection, tmp_path):
    assert run_shell(f"latentmap info missing.safetensors {redirection}", tmp_path)[0] == 2


@pytest.mark.parametrize("name", ["$(printf 'a\\377b')", "$(printf 'a%.0s' {1..300})"])
@pytest.mark.parametrize("command", ["info {}.safetensors", "datasets penguins -o {}/{}.csv"])
def test_invalid_names_give_one_sentence(command, name, tmp_path):
    code, _, errors = run_shell("latentmap " + command.replace("{}", name), tmp_path)
    assert code == 2
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


def test_a_link_is_followed_and_permissions_are_kept(tmp_path):
    target, link = tmp_path / "folder" / "rows.csv", tmp_path / "link.csv"
    target.parent.mkdir()
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to("folder/rows.csv")
    assert run_shell("latentmap datasets penguins -o link.csv", tmp_path)[0] == 0
    assert link.is_symlink()
    assert len(target.read_text().splitlines()) == COMPLETE
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_pipe_receives_the_output(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    command = "latentmap datasets penguins -o pipe.csv & wc -l < pipe.csv; wait"
    assert run_shell(command, tmp_path)[1].strip() == str(COMPLETE)
    assert (tmp_path / "pipe.csv").is_fifo()
