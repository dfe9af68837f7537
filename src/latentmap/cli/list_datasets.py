"""``latentmap datasets``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from latentmap.cli.console import format_count, print_json, print_message, print_table
from latentmap.cli.options import JSON, argument, output_path
from latentmap.cli.table_output import ROW_SUFFIXES, append_labels
from latentmap.data import Source, list_datasets, open_data, write_rows
from latentmap.data.batching import read_batches
from latentmap.data.table_options import label_column
from latentmap.errors import DataError, SettingError, UnknownNameError
from latentmap.files import check_output_path

EXAMPLES = (
    "latentmap datasets",
    "latentmap datasets penguins -o penguins.csv",
    "latentmap datasets mnist:unseen -o digits/",
)


def datasets(
    name: str | None = argument(
        "[NAME]", "A data set to write to a file; NAME:unseen for its unseen rows.", default=None
    ),
    output: Path | None = output_path(
        "FILE",
        "Output: a .csv or .parquet file with a column of labels, a .npy file, or a name without "
        "a suffix for a new folder of images with one sub-folder for each label.",
    ),
    as_json: bool = JSON,
) -> None:
    """List the built-in data sets, or write one to a file."""
    if (name is None) != (output is None):
        raise SettingError(
            "datasets: expected a name and an output, or neither, found only one of them; "
            "write latentmap datasets NAME -o FILE"
        )
    if name is None or output is None:
        _list(as_json)
    else:
        _write(name, output)


def _list(as_json: bool) -> None:
    data_sets = list_datasets().values()
    if as_json:
        fields = ("name", "description", "licence", "n_fit", "n_unseen")
        print_json(
            [{field: getattr(data_set, field) for field in fields} for data_set in data_sets]
        )
        return
    print_table(
        ("name", "rows", "unseen", "description", "licence"),
        [(d.name, f"{d.n_fit:,}", f"{d.n_unseen:,}", d.description, d.licence) for d in data_sets],
        numbers=("rows", "unseen"),
    )


def _write(name: str, output: Path) -> None:
    if name.partition(":")[0] not in list_datasets():
        raise UnknownNameError("data set", name, list_datasets())
    is_folder = not output.suffix
    check_output_path(output, ROW_SUFFIXES, folder=is_folder)
    rows = open_data(name)
    if is_folder and rows.dtype != np.uint8:
        raise DataError(f"{name}: expected images of 8-bit pixels, found other numbers; write .csv")
    write_rows(output, length=len(rows), **_contents(rows, is_folder))
    print_message(f"Wrote {output}: {format_count(len(rows), 'row')}")


def _contents(rows: Source, is_folder: bool) -> dict[str, Any]:
    """Return the arguments of `write_rows` for rows with labels."""
    batches: Iterator[Any] = (batch for _, batch in read_batches(rows))
    labels = rows.labels
    if is_folder and labels is not None:
        names = [f"{label}/{i:05}.png" for i, label in enumerate(labels)]
        return {"batches": batches, "names": names}
    column = None if rows.table_schema is None else label_column(rows.table_schema.roles)
    if column is not None and labels is not None:
        return {"batches": append_labels(batches, column, labels)}
    return {"batches": batches, "labels": labels, "feature_names": rows.feature_names}
