"""Conversion of batches of data frames to Arrow tables or arrays, before they are written."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentmap.data.data_frames import as_arrow
from latentmap.errors import DataError

if TYPE_CHECKING:
    from typing import TypeAlias

    import pyarrow as pa

    from latentmap.data.types import FrameLike

    Values: TypeAlias = pa.Array | pa.ChunkedArray

_MAX_LISTED = 5


def convert_frames(
    path: Path, frames: Iterable[FrameLike]
) -> Iterator[pa.Table] | Iterator[np.ndarray]:
    """Convert data frames to Arrow tables, or to arrays for a .npy file.

    Raise DataError if the format of the path cannot hold the columns.
    """
    convert = {".npy": _as_numbers, ".csv": _as_csv_values, "": _reject}.get(path.suffix.lower())
    for frame in frames:
        table = as_arrow(frame, path.name)[0]
        yield table if convert is None else convert(path, table)


def _as_numbers(path: Path, table: pa.Table) -> np.ndarray:
    from pyarrow import types

    numeric = (types.is_integer, types.is_floating, types.is_boolean)
    names = [f.name for f in table.schema if not any(is_type(f.type) for is_type in numeric)]
    if names:
        raise DataError(
            f"{path.name}: expected columns of numbers for a .npy file, found other values in "
            f"{_list(names)}; .csv and .parquet hold columns of any type"
        )
    columns = [column.to_numpy() for column in table.columns]
    return np.column_stack([c.astype(float) if c.dtype == object else c for c in columns])


def _as_csv_values(path: Path, table: pa.Table) -> pa.Table:
    from pyarrow import types

    names = [field.name for field in table.schema if types.is_nested(field.type)]
    if names:
        raise DataError(
            f"{path.name}: expected one value in each cell of a .csv file, found vectors in "
            f"{_list(names)}; .parquet holds them"
        )
    import pyarrow as pa

    columns = [
        _duration_strings(column)
        if types.is_duration(column.type)
        else to_shortest_time_type(column)
        for column in table.columns
    ]
    return pa.table(columns, table.column_names)


def _duration_strings(durations: Values) -> Values:
    import pyarrow as pa

    values = durations.cast(pa.duration("us"), safe=False).to_pylist()
    return pa.array([None if value is None else format_duration(value) for value in values])


def format_duration(duration: datetime.timedelta) -> str:
    """Return a duration as pandas writes it, such as "1 days 2:03:04" or "-1 days +23:00:00"."""
    time = datetime.timedelta(seconds=duration.seconds, microseconds=duration.microseconds)
    return f"{duration.days} days {'+' * (duration.days < 0)}{time}"


def to_shortest_time_type(times: Values) -> Values:
    """Convert dates and times to the type with the shortest strings that keeps all values.

    These are dates if all times are at midnight. Values of other types are returned as they are.

    Examples
    --------
    >>> import pyarrow as pa
    >>> str(to_shortest_time_type(pa.array([86_400_000_000], pa.timestamp("us")))[0])
    '1970-01-02'
    """
    import pyarrow as pa
    from pyarrow import types

    kinds: list[pa.DataType] = []
    if types.is_timestamp(times.type):
        kinds = [pa.timestamp(unit, times.type.tz) for unit in ("s", "ms")]
        kinds = kinds if times.type.tz else [pa.date32(), *kinds]
    elif types.is_time64(times.type):
        kinds = [pa.time32("s"), pa.time32("ms")]
    for kind in kinds:
        shorter = times.cast(kind, safe=False)
        if shorter.cast(times.type, safe=False).equals(times):
            return shorter
    return times


def _reject(path: Path, table: pa.Table) -> pa.Table:
    raise DataError(
        f"{path.name}: expected images for a folder, found {table.num_columns} columns of a table; "
        "use a name that ends in .csv or .parquet"
    )


def _list(names: Sequence[str]) -> str:
    omitted_text = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return f"{', '.join(names[:_MAX_LISTED])}{omitted_text}"
