"""Arrow types of the columns of a table, and their conversion to and from float64."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    Values: TypeAlias = pa.Array | pa.ChunkedArray
else:
    Values = object  # pyarrow is imported only when a table is read.

_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:, tz=([\w/+:-]{1,64}))?\]")
STRING_TYPES = ("string", "large_string")  # Names of the types of strings.
_NAMES = (
    *("bool", *STRING_TYPES, "float", "double", "date32[day]"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *(f"duration[{unit}]" for unit in ("s", "ms", "us", "ns")),
    *("time32[s]", "time32[ms]", "time64[us]", "time64[ns]"),
)
# Number of units per second, for the units in which Arrow stores dates, times and durations.
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
SECONDS_PER_DAY = 86_400


def type_name(dtype: pa.DataType) -> str:
    """Return the name of an Arrow type in a model file, or "other" if the type is not supported.

    Dictionaries have the name of their values; decimals and half floats are read as "double".

    Examples
    --------
    >>> import pyarrow as pa
    >>> type_name(pa.dictionary(pa.int8(), pa.string())), type_name(pa.list_(pa.float32()))
    ('string', 'vector')
    """
    from pyarrow import types

    if types.is_dictionary(dtype):
        return type_name(dtype.value_type)
    if types.is_list(dtype) or types.is_large_list(dtype) or types.is_fixed_size_list(dtype):
        kind = type_name(dtype.value_type)
        return "vector" if kind in ("float", "double") or is_integer_type(kind) else "other"
    if types.is_decimal(dtype) or types.is_float16(dtype):
        return "double"
    if types.is_string_view(dtype):
        return "string"
    if types.is_date64(dtype):
        return "date32[day]"
    name = str(dtype)
    return name if name in _NAMES or _TIMESTAMP.fullmatch(name) else "other"


def type_from_name(name: str) -> pa.DataType:
    """Return the Arrow type with a name; raise ValueError if there is none.

    Examples
    --------
    >>> type_from_name("timestamp[us, tz=UTC]")
    TimestampType(timestamp[us, tz=UTC])
    """
    import pyarrow as pa

    if match := _TIMESTAMP.fullmatch(name):
        return pa.timestamp(match.group(1), match.group(2))
    if name == "vector":
        return pa.list_(pa.float32())
    if name not in _NAMES:
        raise ValueError(f"type: expected the name of a column type, found {name!r}")
    return pa.type_for_alias(name.split("[")[0] if name.startswith("date32") else name)


def is_time_type(name: str) -> bool:
    """Return whether a type is a date, a time or a duration."""
    return name.startswith(("timestamp", "date", "time", "duration"))


def is_integer_type(name: str) -> bool:
    """Return whether a type is an integer type."""
    return name.startswith(("int", "uint"))


def to_floats(values: Values, name: str) -> np.ndarray:
    """Convert numbers, dates and times to float64, with NaN for missing values.

    Dates and times become seconds; dates are counted from 1970.
    """
    import pyarrow as pa

    if is_time_type(name):
        integers = values.cast(pa.int32() if "32" in name else pa.int64())
        return seconds_per_unit(name) * to_floats(integers, "double")
    is_double = values.type == pa.float64()
    return _as_float64(values if is_double else values.cast(pa.float64(), safe=False))


def from_floats(numbers: np.ndarray, name: str) -> pa.Array:
    """Convert float64 to values of a type; integers, dates and times are rounded.

    Numbers outside the range of a type become its nearest value. NaN becomes missing.
    """
    import pyarrow as pa

    is_missing = np.isnan(numbers)
    if name in ("float", "double"):
        limit = np.finfo(np.float32 if name == "float" else np.float64).max
        numbers = np.clip(numbers, -limit, limit)
        return pa.array(numbers, mask=is_missing).cast(type_from_name(name))
    integers = (
        np.round(numbers / seconds_per_unit(name)) if is_time_type(name) else np.round(numbers)
    )
    limits = np.iinfo(name if is_integer_type(name) else "int32" if "32" in name else "int64")
    # The largest int64 is not representable in float64, and the next larger float64 would overflow.
    top = min(float(limits.max), 2.0**63 - 1024) if limits.max < 2**63 else 2.0**64 - 2048
    integers = np.clip(np.where(is_missing, 0.0, integers), float(limits.min), top).astype(
        limits.dtype
    )
    return pa.array(integers, mask=is_missing).cast(type_from_name(name))


def _as_float64(values: Values) -> np.ndarray:
    return values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def seconds_per_unit(name: str) -> float:
    """Return the number of seconds in a unit of a date, time or duration type."""
    if name.startswith("date"):
        return SECONDS_PER_DAY
    unit = name[name.index("[") + 1 :].split(",")[0].rstrip("]")
    return 1.0 / _PER_SECOND[unit]
