"""Suffixes of table files."""

import os
from pathlib import Path

from latentmap.files import check_path

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}
EXCEL_SUFFIX = ".xlsx"
CELLS_SUFFIX = ".h5ad"


def is_compressed(path: Path) -> bool:
    """Return whether the suffix of a file is that of a compressed file."""
    return path.suffix.lower() in COMPRESSIONS


def split_sheet(path: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Return the path of an Excel file and the name of a sheet, if it is given.

    Examples
    --------
    >>> split_sheet("sales.xlsx:May 2024")[1]
    'May 2024'
    """
    text = str(check_path(path))
    file, separator, sheet = text.rpartition(f"{EXCEL_SUFFIX}:")
    if separator and not Path(text).exists():
        return Path(file + EXCEL_SUFFIX), sheet
    return Path(text), None
