"""Tables of named columns with values of any type, held as Arrow tables in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.converted_rows import ConvertedRows
from latentmap.data.data_frames import as_arrow
from latentmap.data.index_checks import check_arrow
from latentmap.data.sources import ArraySource, Source
from latentmap.data.table_labels import column_labels
from latentmap.data.table_options import (
    ROLES,
    TableOptions,
    fitted_names,
    label_column,
    label_roles,
)
from latentmap.data.table_parsing import parse_string_columns
from latentmap.data.table_problems import check_column_names, similar_names
from latentmap.data.vector_rows import find_vector_column, split_vectors, vector_and_role_columns
from latentmap.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.data.column_parsing import ParsedColumn
    from latentmap.data.types import FrameLike


@dataclass(frozen=True)
class TableSchema:
    """Columns of a table, and their properties.

    Attributes
    ----------
    schema : pyarrow.Schema
    container : {"pandas", "polars", "arrow"}
        Kind of data frame that decoded rows are returned as.
    roles : dict of str to str
        Roles that the user gave.
    units : dict of str to str
        Units that the file states.
    boolean_strings : dict of str to tuple of str
        Strings of false and true in columns of Booleans that were strings.
    has_string_names : bool
        Whether the columns have names, and all of them are strings.
    vector_column : str or None
        Column of vectors, if it is the only fitted column; the other columns are metadata.
    fitted_columns : tuple of str, optional
        Names of the fitted columns; by default all columns that have a role that is fitted.
    day_first : bool or None
        Whether the day precedes the month in all strings that were read as dates.
    notes : tuple of str
        Short phrases about how a file was read, for a report of one line.
    warnings : tuple of str
        A sentence for each column that is read as text because of a few cells.
    """

    schema: pa.Schema
    container: str = "pandas"
    roles: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    boolean_strings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    has_string_names: bool = True
    vector_column: str | None = None
    fitted_columns: tuple[str, ...] | None = None
    day_first: bool | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def typed_schema(
    schema: pa.Schema, columns: Mapping[str, ParsedColumn], options: TableOptions
) -> TableSchema:
    """Return the schema of a table with columns that were strings."""
    untyped = TableSchema(
        schema,
        roles=options.roles,
        vector_column=find_vector_column(schema, options.roles, options.columns),
        fitted_columns=vector_and_role_columns(schema, options.roles, options.columns),
    )
    if not columns:
        return untyped
    from latentmap.data.format_search import (
        boolean_strings,
        column_units,
        date_notes,
        used_date_order,
    )

    return replace(
        untyped,
        units=column_units(columns),
        boolean_strings=boolean_strings(columns),
        day_first=used_date_order(columns),
        notes=date_notes(columns),
    )


class Table(Source):
    """A table in memory: a data frame with numbers, categories, dates, texts and missing values.

    Estimators accept data frames directly. A `Table` adds the roles of columns, the columns to
    leave out, and the column of labels. String columns that hold numbers, Booleans or dates are
    read as such, unless their role is "category", "text" or "identifier".

    If one column holds vectors (lists of numbers), only the vectors are fitted, as rows of numbers,
    and the other columns are their metadata. Those that ``columns`` or ``roles`` names are fitted
    too.

    Parameters
    ----------
    data : data frame of pandas or polars, or pyarrow.Table
    label : str, optional
        Column of labels, which is not fitted.
    roles : mapping of str to str, optional
        Role of a column: "number", "integer", "boolean", "category", "date", "text", "vector",
        "identifier" (not fitted) or "label". Other roles are inferred when the table is fitted.
    columns : collection of str, optional
        Columns to use; all others are left out.
    drop : collection of str
        Columns to leave out.
    text : str, optional
        Column of texts, the only fitted column; the other columns are metadata. `embed_texts` uses
        the embeddings of a language model instead of TF-IDF.
    units : mapping of str to str, optional
    day_first : bool, optional
        Whether the day precedes the month in strings such as 03/04/2024. If one order does not fit
        all dates of a column, the other one is used.
    name : str
        Used in messages.

    Raises
    ------
    DataError
        If there are no rows or no columns, or two columns have the same name.
    UnknownNameError
        If a column or a role is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"zip": [10115, 80331, 10115], "rooms": [2, 3, None]})
    >>> Table(frame, roles={"zip": "category"})
    <Table 'the data frame': 3 rows of 2 columns>
    """

    is_decoded = True
    dtype = np.dtype(object)
    table_schema: TableSchema

    def __init__(
        self,
        data: FrameLike,
        *,
        label: str | None = None,
        roles: Mapping[str, str] | None = None,
        columns: Collection[str] | None = None,
        drop: Collection[str] = (),
        text: str | None = None,
        units: Mapping[str, str] | None = None,
        day_first: bool | None = None,
        name: str = "the data frame",
    ) -> None:
        table, container, has_string_names = as_arrow(data, name)
        check_arrow(name, table)
        roles = label_roles(label, {**(roles or {}), **({} if text is None else {text: "text"})})
        names = _select_names(name, table.column_names, roles, columns, drop)
        columns = None if columns is None else tuple(columns)
        options = TableOptions(roles=roles, columns=columns, day_first=day_first)
        table, parsed = parse_string_columns(table.select(names), options)
        schema = typed_schema(table.schema, parsed, options)
        schema = replace(
            schema,
            container=container,
            units={**schema.units, **(units or {})},
            has_string_names=has_string_names,
            fitted_columns=schema.fitted_columns if text is None else fitted_names(roles),
        )
        self._set_rows(table, schema, name)

    @classmethod
    def from_arrow(cls, table: pa.Table, schema: TableSchema, name: str) -> Self:
        """Return an Arrow table as rows, without conversion of its columns."""
        rows = cls.__new__(cls)
        rows._set_rows(table, schema, name)
        return rows

    def _set_rows(self, table: pa.Table, schema: TableSchema, name: str) -> None:
        label = label_column(schema.roles)
        features = [column for column in table.column_names if column != label]
        if not features:
            condition = "" if label is None else " beside the label"
            raise DataError(f"{name}: expected at least one column{condition}, found none")
        if table.num_rows < 1:
            raise DataError(f"{name}: expected at least one row, found none")
        self.labels = None
        if label is not None:
            self.labels = column_labels(table.column(label), label, name)
            table = table.select(features)
        self.table, self.name = table, name
        self.row_shape, self.feature_names = (len(features),), features
        if not schema.schema.equals(table.schema):
            schema = replace(schema, schema=table.schema)
        self.table_schema = schema

    def __len__(self) -> int:
        return self.table.num_rows

    def __repr__(self) -> str:
        return f"<Table {self.name!r}: {len(self)} rows of {self.table.num_columns} columns>"

    def take(self, indices: ArrayLike) -> Any:
        """Return the rows at ``indices`` as a pyarrow.Table, without a copy if they are a range."""
        indices = np.asarray(indices, dtype=np.intp)
        if len(indices) and (np.diff(indices) == 1).all() and indices[0] >= 0:
            return self.table.slice(indices[0], len(indices))
        return self.table.take(indices)

    def without(self, columns: Collection[str]) -> Table | None:
        """Return the table without its labels and given columns, or None if no column is left."""
        names = [name for name in self.table.column_names if name not in columns]
        if not names:
            return None
        schema = replace(self.table_schema, roles={}, vector_column=None)
        return Table.from_arrow(self.table.select(names), schema, self.name)

    def numbers(self) -> ArraySource:
        """Return the vectors or the columns as rows of numbers; raise DataError for other values.

        The other columns of a table with one column of vectors become metadata.
        """
        if self.table_schema.vector_column is not None:
            return split_vectors(self, self.table_schema.vector_column)
        return ArraySource(
            _as_numbers(self.table, self.name),
            feature_names=self.feature_names if self.table_schema.has_string_names else None,
            labels=self.labels,
            name=self.name,
        )

    @property
    def _row_bytes(self) -> int:
        return max(1, self.table.nbytes // len(self))


def _as_numbers(table: pa.Table, name: str) -> np.ndarray:
    """Return the columns of a table as an array of their common type."""
    columns = []
    for column_name, column in zip(table.column_names, table.columns, strict=True):
        values = column.to_numpy()
        if values.dtype.kind not in "buif":
            raise DataError(
                f"{name}, column {column_name}: expected numbers, found {column.type}; keep only "
                "columns of numbers, or one column of vectors"
            )
        columns.append(values.astype(np.uint8) if values.dtype.kind == "b" else values)
    dtype = np.result_type(*{column.dtype for column in columns})
    return np.column_stack([column.astype(dtype) for column in columns])


class TableNumbers(ConvertedRows):
    """The rows of a table of numbers as float64, read from a table that may be on disk."""

    dtype = np.dtype(np.float64)

    def __init__(self, rows: Source) -> None:
        super().__init__(rows)
        if rows.table_schema is not None and not rows.table_schema.has_string_names:
            self.feature_names = None

    def take(self, indices: ArrayLike) -> np.ndarray:
        """Return the rows at ``indices``; raise DataError if a column does not hold numbers."""
        table: Any = self.rows.take(indices)
        return _as_numbers(table, self.name).astype(np.float64)


def as_numbers_source(rows: Source) -> Source:
    """Return rows of numbers: those of a table of numbers or vectors, and others as they are."""
    if rows.table_schema is None:
        return rows
    if rows.table_schema.vector_column is not None and not isinstance(rows, Table):
        table: Any = rows[:]
        schema = replace(rows.table_schema, roles={})  # The column of labels was removed before.
        labels, rows = rows.labels, Table.from_arrow(table, schema, rows.name)
        rows.labels = labels
    return rows.numbers() if isinstance(rows, Table) else TableNumbers(rows)


def _select_names(
    name: str,
    names: Sequence[str],
    roles: Mapping[str, str],
    columns: Collection[str] | None,
    drop: Collection[str],
) -> list[str]:
    """Return the columns to use and the label; raise UnknownNameError for unknown names."""
    check_column_names(name, names)
    for column in (*roles, *(columns or ()), *drop):
        if column not in names:
            raise UnknownNameError("column", column, similar_names(column, names))
    for role in roles.values():
        if role not in ROLES:
            raise UnknownNameError("role", role, ROLES)
    used_names = {*(names if columns is None else columns)} - {*drop} | {label_column(roles)}
    return [column for column in names if column in used_names]
