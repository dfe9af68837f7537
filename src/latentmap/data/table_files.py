"""Open text tables and Excel files as tables in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from latentmap.data.table_options import TableOptions, label_roles
from latentmap.data.tables import Table, TableSchema

if TYPE_CHECKING:
    from latentmap.data.csv_results import CsvTable


def open_text_table(path: Path, label: str | None, options: TableOptions) -> Table:
    """Read a text table; see `latentmap.data.csv_files.read_csv`."""
    from latentmap.data.csv_files import read_csv

    options = replace(options, roles=label_roles(label, options.roles))
    return _as_table(read_csv(path, options), options, path.name)


def open_excel(path: Path, label: str | None, options: TableOptions) -> Table:
    """Read a sheet of an Excel file; see `latentmap.data.excel_files.read_excel`."""
    from latentmap.data.excel_files import read_excel

    options = replace(options, roles=label_roles(label, options.roles))
    return _as_table(read_excel(path, options), options, path.name)


def _as_table(result: CsvTable, options: TableOptions, name: str) -> Table:
    return Table.from_arrow(result.table, schema_of(result, options), name)


def schema_of(result: CsvTable, options: TableOptions) -> TableSchema:
    """Return the columns of a table that was read from a file."""
    # A file has only texts; true and false are values that a data frame has as well.
    texts = {n: pair for n, pair in result.boolean_texts.items() if pair[1].lower() != "true"}
    return TableSchema(
        result.table.schema,
        roles=options.roles,
        units=result.units,
        texts=texts,
        are_texts=result.header,
        notes=tuple(result.notes),
        warnings=tuple(result.warnings),
    )
