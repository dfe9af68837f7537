import os
import signal
import subprocess
import sys

import pytest

from latentmap.files import write_atomically
from latentmap.temporary_folder import PREFIX, TemporaryFolder, remove_unused_folders

WRITER = """
import sys, time
from latentmap.files import write_atomically
with write_atomically(sys.argv[1]) as path:
    path.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def killed_writer(tmp_path):
    """Return a process that writes an output until it is killed."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "codes.npy")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def test_folder_of_a_killed_process_is_removed_by_the_next_write(killed_writer, tmp_path):
    with write_atomically(tmp_path / "other.npy") as path:
        path.write_text("whole")
    names = [p.name for p in tmp_path.iterdir() if p.name.startswith(PREFIX)]
    assert len(names) == 1  # The other process still writes.
    killed_writer.send_signal(signal.SIGKILL)
    killed_writer.wait()
    with write_atomically(tmp_path / "other.npy") as path:
        path.write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["other.npy"]


def test_only_folders_are_removed(tmp_path):
    (tmp_path / f"{PREFIX}notes").write_text("a file of the user")
    (tmp_path / "target").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to("target")
    (tmp_path / f"{PREFIX}abandoned").mkdir()
    remove_unused_folders(tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {f"{PREFIX}notes", f"{PREFIX}link", "target"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs two users")
def test_folders_of_other_users_are_kept(tmp_path):
    folder = tmp_path / f"{PREFIX}other"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    remove_unused_folders(tmp_path)
    assert folder.exists()


def test_folders_in_use_are_kept(tmp_path):
    with TemporaryFolder(tmp_path) as first, TemporaryFolder(tmp_path) as second:
        assert first.exists()
        assert second.exists()
    assert not list(tmp_path.iterdir())
