"""Atomic writes, checks of paths, and the cache folder.

An output is written to a temporary path in the same folder and then renamed. A crash or a full disk
therefore never leaves an incomplete file.
"""

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from latentmap.errors import FileError
from latentmap.temporary_folder import PREFIX, TemporaryFolder

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")

_ACCESS_ERRORS = (errno.EACCES, errno.EPERM)
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ELOOP)


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path, and rename it to ``path`` if the block raises no error.

    The output replaces an existing file or an empty folder, and keeps the permissions of the file.
    If the path is a symbolic link, its target is replaced. If the path is a device, a pipe or a
    descriptor such as /dev/stdout, the complete output is copied to it. Raise FileError if the
    parent folder is missing or not writable.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with write_atomically(path) as temporary_path:
    ...     _ = temporary_path.write_text("complete")
    >>> path.read_text(), [p.name for p in path.parent.iterdir()]
    ('complete', ['note.txt'])
    """
    path = check_path(path)
    is_stream = _is_stream(path)
    target = path if is_stream else Path(os.path.realpath(path))
    folder = _temporary_folder(path, Path(tempfile.gettempdir()) if is_stream else target.parent)
    try:
        temporary_path = folder.path / path.name
        yield temporary_path
        if is_stream:
            with temporary_path.open("rb") as source, path.open("wb") as stream:
                shutil.copyfileobj(source, stream)
        else:
            if target.is_file():
                shutil.copymode(target, temporary_path)
            temporary_path.replace(target)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        folder.remove()


def check_path(path: str | os.PathLike[str], error_type: type[FileError] = FileError) -> Path:
    """Return a path; raise ``error_type`` if its name is not valid or its folder not accessible.

    Examples
    --------
    >>> check_path("a" * 300)
    Traceback (most recent call last):
        ...
    latentmap.errors.FileError: 'aaaaaaaaaaaaaaaaaaaa...': the name is not valid (...)
    """
    if not os.fspath(path):  # Path("") is the current folder.
        raise error_type("'': expected a path, found an empty string")
    try:
        Path(path).stat()
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in _ACCESS_ERRORS:
            raise error_type(f"{path}: cannot be opened (Permission denied)") from None
        if isinstance(error, ValueError) or error.errno in _NAME_ERRORS:
            name = f"{os.fspath(path)!s:.20}..."
            reason = getattr(error, "strerror", None) or error
            raise error_type(f"{name!a}: the name is not valid ({reason})") from None
    return Path(path)


def check_input_file(
    path: str | os.PathLike[str], kind: str, error_type: type[FileError] = FileError
) -> Path:
    """Return a path; raise ``error_type`` unless it is a readable file; a pipe never ends.

    ``kind`` is "model", "index" or "compressed".

    Examples
    --------
    >>> check_input_file("/dev/null", "model")
    Traceback (most recent call last):
        ...
    latentmap.errors.FileError: /dev/null: expected a model file, found a device or a pipe
    """
    path = check_path(path, error_type)
    if path.exists() and not path.is_file():
        other = "a folder" if path.is_dir() else "a device or a pipe"
        raise error_type(f"{path}: expected a {kind} file, found {other}")
    if not path.exists():
        raise error_type(f"{path}: no such file")
    if not os.access(path, os.R_OK):
        raise error_type(f"{path}: cannot be read (Permission denied)")
    return path


def _is_stream(path: Path) -> bool:
    """Return whether a path is a device, a pipe, a socket or a descriptor of a process."""
    try:
        mode = path.stat().st_mode
        is_descriptor = Path(os.path.realpath(path.parent)).parts[1:2] == ("proc",)
    except OSError:
        return False
    is_regular = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    return not is_regular or is_descriptor or str(path) in ("/dev/stdout", "/dev/stderr")


def remove_partial_outputs(folder: Path) -> None:
    """Delete the partial outputs that killed processes left in a folder."""
    for partial_output in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(partial_output, ignore_errors=True)


def check_output_path(
    path: str | os.PathLike[str],
    suffixes: Sequence[str] = (),
    inputs: Iterable[str | os.PathLike[str]] = (),
    folder: bool = False,
    hints: Mapping[str, str] = {},
) -> Path:
    """Return the path of an output; raise FileError if the output cannot be written to it.

    Call this function before a long computation. An empty string in ``suffixes`` allows a name
    without a suffix. The path must not be one of the ``inputs`` or inside one. With ``folder``, the
    output is a folder, which must be new or empty. ``hints`` are additions to the error message for
    suffixes that are not allowed.

    Examples
    --------
    >>> check_output_path("codes.npy", [".npy", ".csv"]).name
    'codes.npy'
    """
    path = check_path(path)
    _check_not_input(path, [Path(source) for source in inputs])
    if suffixes and path.suffix.lower() not in suffixes:
        suffix = repr(path.suffix) if path.suffix else "none"
        hint = f": {hints[path.suffix.lower()]}" if path.suffix.lower() in hints else ""
        raise FileError(f"{path}: expected {_alternatives(suffixes)}, found {suffix}{hint}")
    if path.is_dir() and not folder:
        raise FileError(f"{path}: expected a path for a file, found a folder")
    if path.is_dir() and any(path.iterdir()):
        raise FileError(f"{path}: expected a new or empty folder, found one that is not empty")
    if path.is_file() and folder:
        raise FileError(f"{path}: expected a path for a folder, found a file")
    if not _is_stream(path):
        _temporary_folder(path, Path(os.path.realpath(path)).parent).remove()
    elif not os.access(path, os.W_OK):
        raise FileError(f"{path}: cannot be written (Permission denied)")
    return path


def _check_not_input(path: Path, inputs: Iterable[Path]) -> None:
    if not path.exists():
        return
    for source in inputs:
        if is_same_file(path, source):
            raise FileError(f"{path}: expected a path for the output, found the input itself")
        if source.is_dir() and path.is_file() and source.resolve() in path.resolve().parents:
            raise FileError(f"{path}: expected a path for the output, found a file of {source}")


def is_same_file(path: Path, other: Path) -> bool:
    """Return whether two paths exist and name the same file, for instance through a link."""
    return path.exists() and other.exists() and path.samefile(other)


def _alternatives(suffixes: Sequence[str]) -> str:
    names = ", ".join(filter(None, suffixes))
    text = f"one of the suffixes {names}" if "," in names else f"the suffix {names}"
    return text if "" not in suffixes else f"{text}, or none for a folder of images"


def user_cache_folder() -> Path:
    """Return the folder ``latentmap`` in the user's cache folder; it may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latentmap"


def _temporary_folder(path: Path, parent: Path) -> TemporaryFolder:
    if not parent.is_dir():
        # The user knows the folder of a path as written, but not that of the target of a link.
        folder = parent if path.is_symlink() else path.parent
        raise FileError(f"{path}: the folder {folder} does not exist")
    try:
        return TemporaryFolder(parent)
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror})") from error
