"""Columns of a table as the page shows them: numbers, dates, categories and texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from latentmap.data.frame_batches import to_shortest_time_type
from latentmap.preprocessing.column_roles import infer_role
from latentmap.preprocessing.column_types import (
    SECONDS_PER_DAY,
    STRING_TYPES,
    Values,
    is_time_type,
    to_floats,
    type_name,
)
from latentmap.preprocessing.encoded_columns import Column

if TYPE_CHECKING:
    import pyarrow as pa

NUMBER, DATE, CATEGORY, TEXT = "number", "date", "category", "text"
_KINDS = {"boolean": CATEGORY, "category": CATEGORY, "text": TEXT, "vector": TEXT}
_MAX_VECTOR_NUMBERS = 4


@dataclass(frozen=True)
class DisplayColumn:
    """A column of the page, and the conversion of its values.

    Attributes
    ----------
    name : str
    kind : {"number", "date", "category", "text"}
    type : str
        Type of the values; see `column_types.type_name`.
    encoded_slice : slice or None
        Position among the decoded numbers of a row; None for a column that is not fitted.
    encoder : Column or None
        Converter of decoded numbers to values; None if the numbers are the values.
    """

    name: str
    kind: str
    type: str
    encoded_slice: slice | None = None
    encoder: Column | None = None

    @classmethod
    def from_fitted(cls, column: Column, encoded_slice: slice) -> Self:
        """Return a column of a fitted table."""
        kind = _KINDS.get(column.role) or _kind_of_type(column.type)
        return cls(column.name, kind, column.type, encoded_slice, column)

    @classmethod
    def from_unfitted(cls, name: str, dtype: pa.DataType) -> Self:
        """Return a column that is not fitted, which is shown as text until `with_inferred_kind`."""
        return cls(name, TEXT, type_name(dtype))

    def with_inferred_kind(self, values: Values) -> Self:
        """Return the column with the kind that its values have; a fitted column is unchanged."""
        if self.encoded_slice is not None or self.kind != TEXT:
            return self
        role = infer_role(self.name, values).name
        kind = _KINDS.get(role, TEXT if role == "identifier" else _kind_of_type(self.type))
        return replace(self, kind=kind)

    @property
    def unit(self) -> str | None:
        """Unit that the file states."""
        return None if self.encoder is None else self.encoder.unit

    @property
    def is_decoded_whole(self) -> bool:
        """Whether decoded values are whole numbers."""
        return self.encoder is not None and self.encoder.role == "integer"

    def convert(self, values: Values) -> np.ndarray:
        """Convert numbers and dates, in seconds since 1970, to float64, and others to strings.

        A missing number is NaN, and a missing string is None.
        """
        if self.kind in (NUMBER, DATE):
            return to_floats(values, type_name(values.type))
        return np.array(as_display_strings(values).to_pylist(), dtype=object)

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Convert decoded rows of shape (m, d) to values, which are missing if not fitted."""
        import pyarrow as pa

        if self.encoded_slice is None:
            is_number = self.kind in (NUMBER, DATE)
            return np.full(len(rows), np.nan if is_number else None, float if is_number else object)
        numbers = np.ascontiguousarray(rows[:, self.encoded_slice])
        if self.encoder is None:
            return numbers[:, 0].astype(np.float64)
        return self.convert(pa.chunked_array([self.encoder.decode(numbers)]))

    def describe(self, values: np.ndarray) -> dict[str, Any]:
        """Return the name, kind, unit and statistics of the column, as JSON values."""
        description: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.unit:
            description["unit"] = self.unit
        if self.encoded_slice is None:
            description["is_fitted"] = False
        if self.kind in (NUMBER, DATE):
            description |= _statistics(values)
        if self.kind == NUMBER:
            finite_values = values[np.isfinite(values)]
            description["is_integer"] = bool((finite_values == np.round(finite_values)).all())
            description["is_decoded_whole"] = self.is_decoded_whole
        if self.kind == DATE:
            description |= self._describe_date(values)
        return description

    def _describe_date(self, seconds: np.ndarray) -> dict[str, str]:
        finite_values = seconds[np.isfinite(seconds)]
        if self.type.startswith(("time32", "time64")):
            return {"format": "time"}
        if self.type.startswith("duration"):
            return {"format": "duration"}
        zone = self.type.partition("tz=")[2].rstrip("]")
        if not zone and not (finite_values % SECONDS_PER_DAY).any():
            return {"format": "date"}
        return {"format": "datetime", **({"time_zone": zone} if zone else {})}


def _kind_of_type(name: str) -> str:
    """Return the kind of a constant column from the name of its type."""
    if name in ("bool", *STRING_TYPES):
        return CATEGORY
    if name == "vector":
        return TEXT
    return DATE if is_time_type(name) else NUMBER


def _statistics(values: np.ndarray) -> dict[str, float]:
    finite_values = values[np.isfinite(values)].astype(np.float64)
    if len(finite_values) == 0:
        return {"mean": 0.0, "std": 0.0, "low": 0.0, "high": 1.0}
    statistics = {
        "mean": finite_values.mean(),
        "std": finite_values.std(),
        "low": finite_values.min(),
        "high": finite_values.max(),
    }
    return {name: float(value) for name, value in statistics.items()}


def as_display_strings(values: Values) -> pa.Array | pa.ChunkedArray:
    """Return values of any type as strings; long lists of numbers are truncated."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        strings = to_shortest_time_type(values).cast(pa.string())
        if pa.types.is_timestamp(values.type):
            strings = pc.replace_substring_regex(strings, r"\.0+(Z?)$", r"\1")
        return strings
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([_as_text(value) for value in values.to_pylist()], pa.string())


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, list):
        return str(value)
    if any(isinstance(x, str) for x in value):  # All strings are kept, for the text search.
        return ", ".join(str(x) for x in value if x is not None)
    numbers = [f"{x:.3g}" if isinstance(x, float) else str(x) for x in value[:_MAX_VECTOR_NUMBERS]]
    n_omitted = len(value) - len(numbers)
    return ", ".join(numbers) + (f", … ({n_omitted:,} more)" if n_omitted else "")
