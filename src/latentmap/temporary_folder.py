"""Temporary folders that are removed even if their process is killed.

A process holds a lock on each of its folders. The system releases the lock when the process ends,
so that a later process recognises the folders that no process uses.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # On Windows, folders of killed processes are not removed.
    fcntl = None  # type: ignore[assignment]

PREFIX = ".writing-"


class TemporaryFolder:
    """A new folder in ``parent``, which exists until the block ends or `remove` is called.

    Temporary folders in ``parent`` that killed processes of the same user left are removed first.

    Examples
    --------
    >>> with TemporaryFolder(Path(tempfile.gettempdir())) as folder:
    ...     path = folder
    >>> path.exists()
    False
    """

    def __init__(self, parent: Path) -> None:
        remove_unused_folders(parent)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            self._lock = _lock(self.path)
            if self.path.exists():
                return
            self._close()  # Another process removed the folder before it was locked.

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *error: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder and its contents."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._close()

    def _close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_unused_folders(parent: Path) -> None:
    """Remove the temporary folders of this user whose processes have ended."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                _remove_if_unused(Path(entry.path))


def _remove_if_unused(folder: Path) -> None:
    with contextlib.suppress(OSError):
        if folder.stat().st_uid != os.geteuid():
            return
        lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder and return its descriptor; return None if the system cannot lock it."""
    if fcntl is None:
        return None
    lock = None
    with contextlib.suppress(OSError):
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
