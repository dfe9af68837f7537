"""Folder or URL for the checkpoints of a training on workers."""

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from latentmap.distributed import ray_connection
from latentmap.errors import SettingError


def check_storage(storage: str | os.PathLike[str] | None) -> None:
    """Raise SettingError if checkpoints cannot be stored at a folder or URL."""
    from pyarrow import ArrowException, fs

    try:
        if "://" in str(storage):
            fs.FileSystem.from_uri(str(storage))
        elif storage is not None:
            Path(storage).mkdir(parents=True, exist_ok=True)
    except (OSError, ArrowException) as error:
        reason = getattr(error, "strerror", None) or ray_connection.summarize_error(error)
        raise SettingError(
            f"storage: expected a folder or URL for checkpoints, found {str(storage)!r} ({reason})"
        ) from None


@contextlib.contextmanager
def open_storage(storage: str | os.PathLike[str] | None) -> Iterator[str]:
    """Yield a folder or URL for the checkpoints of one training; remove it afterwards."""
    n_machines = ray_connection.count_machines()
    if storage is None and n_machines > 1:
        raise SettingError(
            "storage: expected a folder or URL for checkpoints that all "
            f"{n_machines} machines of the cluster can read, found none"
        )
    name = f"latentmap-{uuid.uuid4().hex}"
    if "://" in str(storage):
        path_or_url = f"{storage}/{name}"
    else:
        path_or_url = str(Path(storage or tempfile.gettempdir()).absolute() / name)
    try:
        yield path_or_url
    finally:
        with contextlib.suppress(Exception):  # A failed removal must not hide the result.
            from pyarrow import fs

            system, path = fs.FileSystem.from_uri(path_or_url)
            system.delete_dir(path)
