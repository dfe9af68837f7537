"""Conversion of a table to rows of numbers for a network, and back to its own columns."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from latentmap.data import memory
from latentmap.data.sources import Source
from latentmap.errors import DataError
from latentmap.preprocessing.column_encoders import ENCODERS
from latentmap.preprocessing.column_fitting import fit_column, fit_texts, has_no_terms
from latentmap.preprocessing.column_roles import infer_roles
from latentmap.preprocessing.column_types import STRING_TYPES
from latentmap.preprocessing.encoded_columns import Column
from latentmap.preprocessing.number_columns import NumberColumn

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CONTAINERS = ("pandas", "polars", "arrow")
_NUMERIC_ROLES = ("number", "integer", "date", "constant")
_STRING_ROLES = ("category", "text")
NO_COMMON_TERM = "no word occurs in two texts"  # Reason why a column of texts is not fitted.
_MAX_LISTED = 5


@dataclass(frozen=True)
class TableEncoder:
    """The columns of a fitted table in their order, and the conversion of its rows.

    Attributes
    ----------
    columns : tuple of Column
        Columns that are fitted or constant.
    ignored : dict of str to str
        Columns that are not fitted, each with the reason.
    container : {"pandas", "polars", "arrow"}
        Kind of data frame that decoded rows are returned as.

    Examples
    --------
    >>> import pandas as pd
    >>> from latentmap.data.tables import Table
    >>> frame = pd.DataFrame({"rooms": [2, 3, None, 2], "heating": ["gas", "oil", "gas", "gas"]})
    >>> encoder = TableEncoder.fit(Table(frame))
    >>> encoder.encode(Table(frame)[:]).shape
    (4, 3)
    >>> encoder.decode(encoder.encode(Table(frame)[:]))["heating"].tolist()
    ['gas', 'oil', 'gas', 'gas']
    """

    columns: tuple[Column, ...]
    ignored: Mapping[str, str] = field(default_factory=dict)
    container: str = "pandas"

    @classmethod
    def fit(cls, rows: Source, standardize: bool = True, seed: int = 0) -> Self:
        """Infer roles and scales from a table, or from a uniform sample of a large table.

        Without ``standardize``, numbers are not scaled; all columns must then be numbers.
        """
        schema = rows.table_schema
        assert schema is not None
        max_rows = memory.BUDGET.row_sample.max_bytes() // max(1, rows.nbytes // len(rows))
        sample: Any = rows.sample(max(1000, max_rows), seed)[:]
        try:
            roles = infer_roles(sample, schema.roles, schema.fitted_columns)
        except DataError as error:
            raise DataError(f"{rows.name}: {error}") from None
        fitted_roles = {n: role.name for n, role in roles.items() if role.name in ENCODERS}
        if [*fitted_roles.values()] == ["text"]:
            columns = [fit_texts(next(iter(fitted_roles)), sample)]
        else:
            columns = [
                fit_column(name, role, sample, schema, standardize)
                for name, role in fitted_roles.items()
            ]
        ignored = {n: r.reason or "" for n, r in roles.items() if r.name not in ENCODERS}
        ignored |= {c.name: NO_COMMON_TERM for c in columns if has_no_terms(c, fitted_roles)}
        fitted_columns = tuple(column for column in columns if column.name not in ignored)
        encoder = cls(fitted_columns, ignored, schema.container)
        if not encoder.width:
            raise DataError(
                f"{rows.name}: expected a column with different values, found only constant columns"
            )
        return encoder

    @property
    def width(self) -> int:
        """Number of encoded numbers of a row."""
        return sum(column.width for column in self.columns)

    @cached_property
    def slices(self) -> list[slice]:
        """Position of each column among the encoded numbers of a row."""
        ends = list(itertools.accumulate(column.width for column in self.columns))
        return [slice(end - c.width, end) for c, end in zip(self.columns, ends, strict=True)]

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def string_roles(self) -> dict[str, str]:
        """Return the roles of the columns of strings, whose later values are strings, too."""
        columns = (c for c in self.columns if c.type in STRING_TYPES and c.role in _STRING_ROLES)
        return {column.name: column.role for column in columns}

    @property
    def is_numeric(self) -> bool:
        """Whether all columns are numbers without missing values."""
        return all(c.role in _NUMERIC_ROLES and not c.has_missing_values for c in self.columns)

    def encode(self, table: pa.Table) -> np.ndarray:
        """Convert rows to float32 of shape (n, width), with NaN for missing values."""
        encoded = np.empty((table.num_rows, self.width), np.float32)
        with np.errstate(over="ignore"):
            for column, column_slice in zip(self.columns, self.slices, strict=True):
                try:
                    encoded[:, column_slice] = column.encode(table.column(column.name))
                except (ValueError, NotImplementedError) as error:
                    raise DataError(
                        f"column {column.name}: expected values of the type {column.type}, found "
                        f"{table.schema.field(column.name).type} ({str(error).splitlines()[0]})"
                    ) from None
        if np.isinf(encoded).any():
            column, column_slice, row = next(
                (c, s, int(rows.argmax()))
                for c, s in zip(self.columns, self.slices, strict=True)
                if (rows := np.isinf(encoded[:, s]).any(axis=1)).any()
            )
            raise DataError(
                f"column {column.name}: expected finite numbers in the range of the fitted rows, "
                f"found {table.column(column.name)[row].as_py()}"
            )
        return encoded

    def decode(self, encoded: np.ndarray) -> pd.DataFrame | pa.Table:
        """Convert numbers to rows, as a data frame of the fitted kind with the fitted columns."""
        return self.as_frame(self.decode_arrow(encoded))

    def decode_arrow(self, encoded: np.ndarray) -> pa.Table:
        """Convert numbers to rows, as an Arrow table."""
        import pyarrow as pa

        arrays = [
            column.decode(encoded[:, column_slice])
            for column, column_slice in zip(self.columns, self.slices, strict=True)
        ]
        return pa.table(dict(zip(self.names, arrays, strict=True)))

    def as_frame(self, table: pa.Table) -> pd.DataFrame | pa.Table:
        """Convert an Arrow table to a data frame of the kind that was fitted."""
        if self.container == "arrow" or find_spec(self.container) is None:
            return table  # A model may be used where the library of its table is not installed.
        if self.container == "polars":
            import polars

            return polars.from_arrow(table)
        return table.to_pandas()

    def count_unknown(self, table: pa.Table) -> dict[str, int]:
        """Return the number of unknown values, for each column that contains unknown values."""
        counts = {c.name: c.count_unknown(table.column(c.name)) for c in self.columns}
        return {name: count for name, count in counts.items() if count}

    def indicator_indices(self) -> list[int]:
        """Return the index of the first encoded number of each column with missing values."""
        return [
            column_slice.start
            for column, column_slice in zip(self.columns, self.slices, strict=True)
            if column.has_missing_values and column.width
        ]

    def check_columns(self, rows: Source) -> None:
        """Raise DataError unless a table has exactly the fitted columns in their order."""
        names_in_rows = rows.feature_names or []
        if [name for name in names_in_rows if name not in self.ignored] == self.names:
            return
        missing_names = [name for name in self.names if name not in names_in_rows]
        extra_names = [
            name for name in names_in_rows if name not in self.names and name not in self.ignored
        ]
        problems = [f"no {name!r}" for name in missing_names] + [repr(name) for name in extra_names]
        raise DataError(
            f"{rows.name}: The feature names should match those that were passed during fit: "
            f"expected the columns {', '.join(self.names[:20])}, found "
            f"{', '.join(problems[:_MAX_LISTED]) or 'them in another order'}"
        )

    def scales(self) -> np.ndarray:
        """Return the standard deviation of each linear column of numbers, and NaN for others."""
        return np.array(
            [
                c.scale if isinstance(c, NumberColumn) and c.arsinh_scale is None else np.nan
                for c in self.columns
            ]
        )

    def summary(self) -> str:
        """Describe roles and ignored columns in one line.

        Examples
        --------
        >>> import pandas as pd
        >>> from latentmap.data.tables import Table
        >>> TableEncoder.fit(Table(pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]}))).summary()
        '1 number, 1 category'
        """
        counts = Counter(_SUMMARY_NAMES.get(c.role, c.role) for c in self.columns)
        text = ", ".join(
            f"{counts[name]} {name if counts[name] == 1 else _PLURALS.get(name, name + 's')}"
            for name in dict.fromkeys([*_SUMMARY_NAMES.values(), *counts])
            if counts[name]
        )
        ignored_columns = [
            f"{name or 'the nameless column'} ({reason})" for name, reason in self.ignored.items()
        ]
        if len(ignored_columns) > _MAX_LISTED:
            ignored_columns = [
                *ignored_columns[:_MAX_LISTED],
                f"{len(ignored_columns) - _MAX_LISTED} more",
            ]
        return f"{text}; ignored: {', '.join(ignored_columns)}" if ignored_columns else text

    def to_json(self) -> dict[str, Any]:
        """Return all properties except the arrays as JSON values."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "ignored": dict(self.ignored),
            "container": self.container,
        }

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the columns, each named by the number of its column."""
        return {
            f"{i:05d}/{name}": array
            for i, column in enumerate(self.columns)
            for name, array in column.to_arrays().items()
        }

    @classmethod
    def from_file(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the encoder of a file; raise an error if its description is damaged."""
        columns = []
        for i, record in enumerate(values["columns"]):
            prefix = f"{i:05d}/"
            own_arrays = {
                k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)
            }
            column = ENCODERS[record["role"]].from_file(record, own_arrays)
            column.validate()
            columns.append(column)
        ignored, container = values["ignored"], values["container"]
        strings = [*itertools.chain(*ignored.items())]
        if container not in CONTAINERS or not all(isinstance(string, str) for string in strings):
            raise ValueError(
                "table: expected the names of ignored columns and a known type of data frame"
            )
        if len({column.name for column in columns}) < len(columns):
            raise ValueError("table: expected columns of different names")
        return cls(tuple(columns), ignored, container)


_SUMMARY_NAMES = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "category": "category",
    "date": "date",
    "text": "text",
    "vector": "vector",
}
_PLURALS = {"category": "categories"}
