"""Base class of the columns of a fitted table, and columns that are constant.

Every encoded column has mean 0 and, summed over its numbers, variance 1 on the fitted rows, so that
all columns have equal weight, as in factor analysis of mixed data (J. Pagès, "Multiple Factor
Analysis by Example Using R", 2014). A missing value is NaN.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.preprocessing.column_types import Values, type_from_name

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Column(FileRecord):
    """A column of the fitted table.

    Attributes
    ----------
    name : str
    role : str
        "number", "integer", "boolean", "category", "date", "text", "vector" or "constant".
    type : str
        Type of the values; see `column_types.type_name`.
    has_missing_values : bool
        Whether values were missing among the fitted rows.
    unit : str or None
        Unit that the file states, such as "%".
    is_categorical : bool
        Whether the values are decoded to a categorical column of a data frame.
    """

    file_keys: ClassVar[dict[str, str]] = {"has_missing_values": "has_gaps"}

    name: str
    role: str
    type: str
    has_missing_values: bool
    unit: str | None = None
    is_categorical: bool = False

    @property
    def width(self) -> int:
        """Number of values that encode one cell of the column."""
        return 1

    @abstractmethod
    def encode(self, values: Values) -> np.ndarray:
        """Convert values to float64 of shape (n, width), with NaN for missing values."""

    @abstractmethod
    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Convert encoded numbers, shape (n, width), to values of the column's type."""

    def count_unknown(self, values: Values) -> int:
        """Return the number of values that cannot be encoded and count as missing."""
        return 0

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        type_from_name(self.type)


@dataclass(frozen=True, kw_only=True)
class ConstantColumn(Column):
    """A column with one value, or without values, that is restored but not fitted.

    ``n_known`` is the number of fitted rows in which the value is known.
    """

    value: str | None = None
    n_known: int | None = None

    @property
    def width(self) -> int:
        """Number of values that encode one cell of the column."""
        return 0

    def encode(self, values: Values) -> np.ndarray:
        """Return an array of shape (n, 0)."""
        return np.empty((len(values), 0))

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Return the constant for each row."""
        import pyarrow as pa

        text = pa.array([self.value] * len(encoded), pa.string())
        if self.type == "vector":
            return pa.nulls(len(encoded), type_from_name(self.type))
        return text.cast(type_from_name(self.type))


def constant_column(values: Values, properties: dict[str, Any]) -> ConstantColumn:
    """Return a constant column of the known value, or of missing values unless there is one."""
    import pyarrow.compute as pc

    known_values = values.filter(pc.invert(pc.is_null(values, nan_is_null=True)))
    is_vector = properties["type"] == "vector"
    distinct_values = [] if is_vector else to_strings(known_values).unique().to_pylist()
    value = distinct_values[0] if len(distinct_values) == 1 else None
    n_known = len(known_values)
    return ConstantColumn(value=value, n_known=n_known, **{**properties, "role": "constant"})


def to_strings(values: Values, allow_large: bool = False) -> "pa.Array":
    """Convert values of any type to strings; with ``allow_large``, large strings stay such."""
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    is_string = pa.types.is_string(values.type)
    is_string |= allow_large and pa.types.is_large_string(values.type)
    text = values if is_string else values.cast(pa.string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
