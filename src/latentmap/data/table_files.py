"""Open text tables and Excel files as tables, in memory if they fit.

A larger text table is copied once to a temporary Parquet file, which is read in chunks.
"""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path

from latentmap.data import memory
from latentmap.data.file_suffixes import is_compressed
from latentmap.data.memmap import cache_folder
from latentmap.data.parquet_footers import open_files
from latentmap.data.parquet_tables import ParquetTable
from latentmap.data.sources import Source
from latentmap.data.table_options import TableOptions, label_roles
from latentmap.data.tables import Table
from latentmap.temporary_folder import TemporaryFolder

# Memory of the cells, their strings and their values, for each byte of a file.
_MEMORY_PER_BYTE, _MEMORY_PER_COMPRESSED_BYTE = 3, 20


def open_text_table(path: Path, label: str | None, options: TableOptions) -> Source:
    """Read a text table; see `latentmap.data.csv_files.read_csv`."""
    from latentmap.data.csv_files import read_csv

    options = replace(options, roles=label_roles(label, options.roles))
    if not fits_in_memory(path):
        return _stream_text_table(path, options)
    return Table.from_arrow(*read_csv(path, options), path.name)


def fits_in_memory(path: Path) -> bool:
    """Return whether a text table needs at most 512 MiB and fits into the available memory."""
    factor = _MEMORY_PER_COMPRESSED_BYTE if is_compressed(path) else _MEMORY_PER_BYTE
    max_bytes, available = memory.BUDGET.loaded_rows.max_bytes(), memory.available_bytes()
    return path.stat().st_size * factor <= min(
        max_bytes, max_bytes if available is None else available
    )


def _stream_text_table(path: Path, options: TableOptions) -> ParquetTable:
    """Copy a text table to a temporary Parquet file, which is deleted with the returned rows."""
    import pyarrow as pa
    from pyarrow import parquet

    from latentmap.data.csv_files import stream_csv

    stream = stream_csv(path, options)
    schema = stream.description.schema
    options = replace(options, roles=schema.roles)
    folder = TemporaryFolder(cache_folder())
    copy_path = folder.path / "rows.parquet"
    try:
        with parquet.ParquetWriter(copy_path, schema.schema) as writer:
            for batch in stream:
                writer.write_table(pa.Table.from_batches([batch]))
        rows = ParquetTable(
            open_files([copy_path], path.name), schema.schema.names, options, False, parse=False
        )
    except BaseException:
        folder.remove()
        raise
    rows.table_schema = replace(schema, schema=rows.table_schema.schema)
    weakref.finalize(rows, folder.remove)
    return rows


def open_excel(path: Path, label: str | None, options: TableOptions) -> Table:
    """Read a sheet of an Excel file; see `latentmap.data.excel_files.read_excel`."""
    from latentmap.data.excel_files import read_excel

    options = replace(options, roles=label_roles(label, options.roles))
    return Table.from_arrow(*read_excel(path, options), path.name)
