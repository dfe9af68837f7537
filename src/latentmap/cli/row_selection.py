"""Open the rows that an argument names: data, one row as ``DATA#NUMBER``, or an image file."""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.console import print_message, show_status
from latentmap.cli.model_arguments import Estimator, check_columns
from latentmap.cli.table_arguments import get_options, options_for
from latentmap.data import Source, TableOptions, list_datasets, open_data
from latentmap.data.images import IMAGE_SUFFIXES, ImageFolderSource
from latentmap.errors import DataError, SettingError
from latentmap.files import PICTURE_SUFFIXES, check_output_path

_MAX_FINGERPRINT_ROWS = 4096
# Additions to the error message for a suffix that another verb writes.
_OUTPUT_HINTS = {
    **dict.fromkeys(PICTURE_SUFFIXES, "latentmap plot draws pictures"),
    ".html": "latentmap explore --export writes a page",
    ".onnx": "latentmap export writes a network",
    ".safetensors": "latentmap fit writes a model",
}
_ROW = re.compile(r"(.+)#([^#/]*)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def open_rows(
    data: str,
    label: str | None = None,
    default_label: str | None = None,
    options: TableOptions | None = None,
    metadata: str | None = None,
) -> Source:
    """Open rows, or one row; the label column ``default_label`` is used only if it exists.

    ``options`` are those of tables, by default those that the verb was called with. ``metadata`` is
    a table beside rows of numbers.
    """
    data_path, number = split_row_number(data)
    options = get_options() if options is None else options
    with show_status(f"Reading {data}…"):
        rows = _open_all_rows(data_path, label, default_label, options, metadata)
        return rows if number is None else select_row(rows, number, data)


def open_model_rows(
    model: Estimator, data: str, label: str | None = None, metadata: str | None = None
) -> Source:
    """Open rows and check that they have the columns that a fitted model expects."""
    if label is not None and model.table_ is not None and label in model.table_.names:
        raise SettingError(
            f"--label {label}: expected a column that the model was not fitted to, found one of "
            "its columns"
        )
    default_label = ModelInfo.from_estimator(model).label_column
    rows = open_rows(data, label, default_label, options_for(model), metadata)
    for note in rows.notes:
        print_message(f"{rows.name}: {note}")
    if model.table_ is not None and (table := _missing_metadata(model, rows)):
        raise SettingError(
            f"{rows.name}: expected the fitted columns of {table} as well, found only vectors: "
            "give this table with --metadata"
        )
    check_columns(model, rows)
    return rows


def note_missing_metadata(model: Estimator, rows: Source) -> None:
    """Print how to show the columns beside the fitted vectors, if the rows have none."""
    if table := _missing_metadata(model, rows):
        print_message(
            f"{rows.name}: no columns beside the vectors are shown; the model was fitted with "
            f"--metadata {table}: give this table as well"
        )


def _missing_metadata(model: Estimator, rows: Source) -> str | None:
    """Return the table that the model was fitted with and the rows lack."""
    table = ModelInfo.from_estimator(model).metadata
    return table if rows.metadata is None and rows.table_schema is None else None


def require_one_row(rows: Source, text: str) -> Source:
    """Return ``rows`` if there is only one; otherwise raise SettingError."""
    if len(rows) > 1:
        raise SettingError(f"{text}: expected one row, such as {text}#0, found {len(rows):,} rows")
    return rows


def check_output(
    path: Path | None,
    suffixes: Sequence[str],
    inputs: Iterable[str | Path | None],
    folder: bool = False,
    hints: Mapping[str, str] = {},
) -> None:
    """Check that an output path differs from all inputs, which may end with a row number."""
    if path is not None:
        paths = [split_row_number(str(text))[0] for text in inputs if text is not None]
        check_output_path(path, suffixes, paths, folder, {**_OUTPUT_HINTS, **hints})


def split_row_number(text: str) -> tuple[str, int | None]:
    """Split ``DATA#NUMBER`` into data and number; an existing path has no number."""
    match = _ROW.fullmatch(text)
    if match is None or Path(text).exists():
        return text, None
    data, number = match.groups()
    if _NUMBER.fullmatch(number):
        return data, int(number)
    if Path(data).exists() or is_data_set_name(data.partition(":")[0]):
        raise SettingError(f"{text}: expected a row number from 0 after #, found {number!r}")
    return text, None


def select_row(rows: Source, number: int, text: str) -> Source:
    """Return one row as a source; the error message calls it ``text``."""
    if number >= len(rows):
        raise DataError(f"{text}: expected a row number below {len(rows):,}, found {number}")
    row = rows.subset([number])
    row.name = f"{rows.name}#{number}"
    return row


def fingerprint(rows: Source) -> str:
    """Return a SHA-256 of the number, shape and type of the rows and at most 4,096 of them."""
    header = f"{len(rows)} {tuple(rows.row_shape)} {rows.dtype}"
    sample = np.unique(np.linspace(0, len(rows) - 1, _MAX_FINGERPRINT_ROWS).astype(int))
    batch: Any = rows.take(sample)
    is_table = rows.table_schema is not None
    content = repr(batch.to_pydict()).encode() if is_table else batch.tobytes()
    return hashlib.sha256(header.encode() + content).hexdigest()


def is_data_set_name(data: str) -> bool:
    """Return whether ``data`` is the name of a built-in data set and not an existing path."""
    return data in list_datasets() and not Path(data).exists()


def _open_all_rows(
    data: str,
    label: str | None,
    default_label: str | None,
    options: TableOptions,
    metadata: str | None,
) -> Source:
    path = Path(data)
    if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
        image = ImageFolderSource(path.parent, [path.name], size=options.size)
        image.name = path.name
        return image
    open_with = partial(open_data, data, verbose=True, options=options, metadata=metadata)
    if label is None and default_label is not None:
        with contextlib.suppress(SettingError):
            return open_with(label=default_label)
    return open_with(label=label)
