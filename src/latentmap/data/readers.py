"""Opening of files, folders and named data sets, by a table from suffix to reader."""

import os
from collections.abc import Callable
from pathlib import Path

from latentmap.data.arrays import open_npy, open_npz
from latentmap.data.csv_tables import open_csv
from latentmap.data.datasets import list_datasets, load_dataset
from latentmap.data.folders import folder_name, list_files
from latentmap.data.images import IMAGE_SUFFIXES, ImageFolderSource
from latentmap.data.parquet_tables import ParquetSource, open_parquet
from latentmap.data.sources import Source
from latentmap.data.string_store import StringStore
from latentmap.errors import DataError, FileError, SettingError, UnknownNameError
from latentmap.progress import progress

_FILE_READERS: dict[str, Callable[[Path, str | None], Source]] = {
    ".csv": open_csv,
    ".npy": open_npy,
    ".npz": open_npz,
    ".parquet": open_parquet,
}
FILE_SUFFIXES = tuple(_FILE_READERS)


def open_data(
    data: str | os.PathLike[str], *, label: str | None = None, verbose: bool = False
) -> Source:
    """Open a named data set, a file or a folder.

    Parameters
    ----------
    data : str or path-like
        A path to a .npy, .npz, .csv or .parquet file, or to a folder of .parquet files or of
        images; or the name of a data set such as ``"mnist"``, for the rows to fit, or
        ``"mnist:unseen"``, for the unseen rows. An existing path takes precedence over a name.
    label : str, optional
        The column of a table that holds labels.
    verbose : bool
        Show progress if opening takes more than two seconds: the headers of all images are read,
        the labels of all Parquet files, and other tables completely.

    Returns
    -------
    Source

    Raises
    ------
    UnknownNameError
        If there is neither a path nor a data set of this name.
    FileError
        If the file is missing, truncated, or of an unknown format.
    DataError
        If it does not hold rows of numbers.

    Examples
    --------
    >>> open_data("mnist:unseen")
    <ArraySource 'mnist:unseen': 10000 rows of shape (28, 28), uint8>
    >>> open_data("mnits")
    Traceback (most recent call last):
        ...
    latentmap.errors.UnknownNameError: unknown data set 'mnits', did you mean 'mnist'? (known: ...)
    """
    path = Path(data)
    if path.is_dir():
        return _open_folder(path, label, verbose)
    if path.is_file():
        return _open_file(path, label, verbose)
    if path.exists():
        raise FileError(f"{data}: expected a file or a folder, found something else")
    return _open_dataset(data, label)


def _open_file(path: Path, label: str | None, verbose: bool) -> Source:
    suffix = path.suffix.lower()
    if suffix not in _FILE_READERS:
        raise FileError(
            f"{path}: expected one of the suffixes {', '.join(_FILE_READERS)}, or a folder, "
            f"found {repr(path.suffix) if path.suffix else 'none'}"
        )
    with progress(f"reading {path.name}", 1, verbose, delayed=True):
        return _FILE_READERS[suffix](path, label)


def _open_dataset(data: str | os.PathLike[str], label: str | None) -> Source:
    if not isinstance(data, str) or os.sep in data or "/" in data or Path(data).suffix:
        raise FileError(f"{data}: no such file or folder")
    name, _, part = data.partition(":")
    if name not in list_datasets():
        raise UnknownNameError("data set", name, list_datasets())
    _check_no_label(name, label)
    return load_dataset(name, part or "fit")


def _open_parquet_folder(
    folder: Path, paths: StringStore, label: str | None, verbose: bool
) -> Source:
    files = [folder / path for path in paths]
    return ParquetSource(files, label=label, name=folder_name(folder), verbose=verbose)


def _open_image_folder(
    folder: Path, paths: StringStore, label: str | None, verbose: bool
) -> Source:
    _check_no_label(folder_name(folder), label)
    return ImageFolderSource(folder, paths, verbose)


_FOLDER_READERS: dict[str, Callable[[Path, StringStore, str | None, bool], Source]] = {
    ".parquet": _open_parquet_folder,
    **dict.fromkeys(IMAGE_SUFFIXES, _open_image_folder),
}


def _open_folder(folder: Path, label: str | None, verbose: bool) -> Source:
    paths = list_files(folder, lambda name: _suffix(name) in _FOLDER_READERS, verbose)
    readers = {_FOLDER_READERS[_suffix(path)] for path in paths}
    if not readers:
        raise DataError(f"{folder}: expected .parquet files or images, found none")
    if len(readers) > 1:
        raise FileError(f"{folder}: expected .parquet files or images, found both")
    return readers.pop()(folder, paths, label, verbose)


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - ten times as fast, for many files


def _check_no_label(name: str, label: str | None) -> None:
    if label is not None:
        raise SettingError(f"label {label!r}: {name} has no columns to choose from")
