"""Opening of files, folders and named data sets, by a table from suffix to reader."""

import os
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from pathlib import Path

from latentmap.data.arrays import open_npy, open_npz
from latentmap.data.datasets import list_datasets, load_dataset
from latentmap.data.file_suffixes import (
    CELLS_SUFFIX,
    COMPRESSIONS,
    EXCEL_SUFFIX,
    TEXT_SUFFIXES,
    split_sheet,
)
from latentmap.data.folders import folder_name, list_files
from latentmap.data.images import IMAGE_SUFFIXES, ImageFolderSource
from latentmap.data.parquet_tables import open_parquet
from latentmap.data.sources import Source
from latentmap.data.string_store import StringStore
from latentmap.data.table_files import open_excel, open_text_table
from latentmap.data.table_options import TableOptions
from latentmap.data.tables import as_numbers_source
from latentmap.data.text_embedding import fit_texts
from latentmap.data.vector_rows import add_metadata
from latentmap.errors import DataError, FileError, SettingError, TooLargeError, UnknownNameError
from latentmap.progress import progress

TableReader = Callable[[Path, str | None, TableOptions], Source]


def _open_parquet_file(path: Path, label: str | None, options: TableOptions) -> Source:
    return open_parquet([path], label, options, name=path.name)


def _open_cells(path: Path, label: str | None, options: TableOptions) -> Source:
    from latentmap.data.cell_files import open_h5ad

    return open_h5ad(path, label, options)


_ARRAY_READERS: dict[str, Callable[[Path, str | None], Source]] = {
    ".npy": open_npy,
    ".npz": open_npz,
}
_TABLE_READERS: dict[str, TableReader] = {
    **dict.fromkeys(TEXT_SUFFIXES, open_text_table),
    EXCEL_SUFFIX: open_excel,
    ".parquet": _open_parquet_file,
    CELLS_SUFFIX: _open_cells,
}
FILE_SUFFIXES = (*_ARRAY_READERS, *_TABLE_READERS)


def open_data(
    data: str | os.PathLike[str],
    *,
    label: str | None = None,
    verbose: bool = False,
    options: TableOptions | None = None,
    metadata: str | os.PathLike[str] | None = None,
) -> Source:
    """Open a named data set, a file or a folder.

    Parameters
    ----------
    data : str or path-like
        A path to an array (.npy, .npz), to a table (.csv, .tsv or .txt, also compressed as .gz,
        .bz2, .xz or .zst; .xlsx, or ``"file.xlsx:Sheet"``; .parquet), to single cells (.h5ad), or
        to a folder of .parquet files or of images; or the name of a data set such as ``"mnist"``,
        for the rows to fit, or ``"mnist:unseen"``, for the unseen rows. An existing path takes
        precedence over a name.
    label : str, optional
        The column of a table that holds labels.
    verbose : bool
        Show progress if opening takes more than two seconds. Opening reads the headers of all
        images, the labels of all Parquet files, and other tables completely.
    options : TableOptions, optional
        How to read a table, and which columns to use; other properties are detected.
    metadata : str or path-like, optional
        A table with a row for each row of numbers. ``label`` and ``options`` then apply to this
        table. Its columns become `Source.metadata`; columns with a role that is fitted are fitted
        beside the rows, which become a column "vector" of a table.

    Returns
    -------
    Source

    Raises
    ------
    UnknownNameError
        If there is neither a path nor a data set with this name.
    FileError
        If the file is missing, truncated, or of an unknown format.
    DataError
        If it does not hold rows of numbers or a table.
    SettingError
        If there is a label or an option for data that are not a table.

    Examples
    --------
    >>> open_data("mnist:unseen")
    <ArraySource 'mnist:unseen': 10000 rows of shape (28, 28), uint8>
    >>> open_data("mnits")
    Traceback (most recent call last):
        ...
    latentmap.errors.UnknownNameError: unknown data set 'mnits', did you mean 'mnist'? (known: ...)
    """
    options = options or TableOptions()
    if metadata is not None:
        table = open_data(metadata, label=label, verbose=verbose, options=options)
        return add_metadata(_open(data, None, verbose, TableOptions()), table)
    if options.text is None:
        rows = _open(data, label, verbose, options)
        schema = rows.table_schema
        has_vectors = schema is not None and schema.vector_column is not None
        return as_numbers_source(rows) if has_vectors else rows
    options = replace(options, roles={**options.roles, options.text: "text"})
    return fit_texts(_open(data, label, verbose, options), options, verbose)


def _open(
    data: str | os.PathLike[str], label: str | None, verbose: bool, options: TableOptions
) -> Source:
    path = split_sheet(data)[0]
    if path.is_dir():
        return _open_folder(path, label, verbose, options)
    if path.is_file():
        return _open_file(path, Path(data), label, verbose, options)
    if path.exists():
        raise FileError(f"{data}: expected a file or a folder, found a path of another kind")
    return _open_dataset(data, label, options)


def _open_file(
    path: Path, full_path: Path, label: str | None, verbose: bool, options: TableOptions
) -> Source:
    suffix = _suffix(path.name)
    if suffix not in FILE_SUFFIXES:
        raise FileError(
            f"{path}: expected one of the suffixes {', '.join(FILE_SUFFIXES)}, or a folder, "
            f"found {repr(path.suffix) if path.suffix else 'none'}"
        )
    if suffix in _ARRAY_READERS:
        _check_options(path.name, options, _ARRAY_OPTIONS)
    else:
        _check_options(
            path.name, options, _CELL_OPTIONS if suffix == CELLS_SUFFIX else _TABLE_OPTIONS
        )
    try:
        with progress(f"reading {path.name}", 1, verbose, delay=True):
            if suffix in _TABLE_READERS:
                return _TABLE_READERS[suffix](full_path, label, options)
            return _ARRAY_READERS[suffix](path, label)
    except MemoryError as error:
        if isinstance(error, TooLargeError):
            raise
        raise TooLargeError(f"{path.name}: too large to be read into memory") from None


def _open_dataset(data: str | os.PathLike[str], label: str | None, options: TableOptions) -> Source:
    if not isinstance(data, str) or os.sep in data or "/" in data or Path(data).suffix:
        raise FileError(f"{data}: no such file or folder")
    name, _, part = data.partition(":")
    if name not in list_datasets():
        raise UnknownNameError("data set", name, list_datasets())
    _check_no_label(name, label)
    _check_options(name, options, _ARRAY_OPTIONS)
    return load_dataset(name, part or "fit")


def _open_parquet_folder(
    folder: Path, paths: StringStore, label: str | None, verbose: bool, options: TableOptions
) -> Source:
    _check_options(folder_name(folder), options, _TABLE_OPTIONS)
    files = [folder / path for path in paths]
    return open_parquet(files, label, options, name=folder_name(folder), verbose=verbose)


def _open_image_folder(
    folder: Path, paths: StringStore, label: str | None, verbose: bool, options: TableOptions
) -> Source:
    _check_no_label(folder_name(folder), label)
    _check_options(folder_name(folder), options, _IMAGE_OPTIONS)
    return ImageFolderSource(folder, paths, verbose, options.size)


FolderReader = Callable[[Path, StringStore, str | None, bool, TableOptions], Source]

_FOLDER_READERS: dict[str, FolderReader] = {
    ".parquet": _open_parquet_folder,
    **dict.fromkeys(IMAGE_SUFFIXES, _open_image_folder),
}


def _open_folder(folder: Path, label: str | None, verbose: bool, options: TableOptions) -> Source:
    paths = list_files(folder, lambda name: _suffix(name) in _FOLDER_READERS, verbose)
    readers = {_FOLDER_READERS[_suffix(path)] for path in paths}
    if not readers:
        others = sorted({Path(path).suffix.lower() for path in list_files(folder)} - {""})
        content = f"only files with the suffix {', '.join(others[:3])}" if others else "none"
        raise DataError(f"{folder}: expected .parquet files or images, found {content}")
    if len(readers) > 1:
        raise FileError(f"{folder}: expected .parquet files or images, found both")
    return readers.pop()(folder, paths, label, verbose, options)


def _suffix(path: str) -> str:
    """Return the suffix of a file without the suffix of its compression, such as .gz."""
    stem, suffix = os.path.splitext(path)  # noqa: PTH122 - ten times as fast, for many files
    suffix = suffix.lower()
    if suffix in COMPRESSIONS:
        suffix = os.path.splitext(stem)[1].lower()  # noqa: PTH122
    return suffix


def _check_no_label(name: str, label: str | None) -> None:
    if label is not None:
        raise SettingError(f"label {label!r}: expected data with columns, found {name}")


_ARRAY_OPTIONS: tuple[str, ...] = ()
_IMAGE_OPTIONS = ("size",)
_CELL_OPTIONS = ("layer", "obsm")
_TABLE_OPTIONS = tuple(
    field.name
    for field in fields(TableOptions)
    if field.name not in (*_IMAGE_OPTIONS, *_CELL_OPTIONS)
)
_EXPECTED_DATA = {
    **dict.fromkeys(_CELL_OPTIONS, "single cells (.h5ad)"),
    **dict.fromkeys(_IMAGE_OPTIONS, "a folder of images"),
    "text": "a table with a column of texts",
}


def _check_options(name: str, options: TableOptions, allowed_options: Collection[str]) -> None:
    """Raise SettingError if an option is set that does not apply to data of this kind."""
    if options.ignore_unknown:
        return
    wrong = [
        field.name
        for field in fields(options)
        if field.name not in allowed_options
        and getattr(options, field.name) != getattr(TableOptions(), field.name)
    ]
    # The column that --text names gets the role "text".
    for option in sorted(wrong, key="text".__ne__):
        expected = _EXPECTED_DATA.get(option, "a table")
        raise SettingError(f"{option}: expected {expected} for this option, found {name}")
