"""Labels of rows from a column of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentmap.data.array_checks import as_labels, check_label_memory
from latentmap.data.frame_batches import to_shortest_time_type
from latentmap.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def column_labels(column: pa.ChunkedArray, label: str, name: str) -> np.ndarray:
    """Return a column as labels: numbers with NaN for missing values, or strings with "" for them.

    Strings that represent numbers become numbers. Raise DataError, whose message starts with
    ``name``, if the column has no labels.
    """
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_nested(kind):
        raise DataError(f"{name}, column {label}: expected labels, found {kind}")
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _smallest_integers(as_labels(_numbers(column.cast(kind)), name))
    encoded = column if types.is_dictionary(column.type) else column.dictionary_encode()
    encoded = encoded.unify_dictionaries()
    values = _distinct_labels(encoded.chunk(0).dictionary) if encoded.num_chunks else np.array([""])
    if values.dtype.kind == "U":
        check_label_memory(name, values.itemsize // 4, len(column))
    # Missing labels have the index -1, which selects the last value.
    indices = [chunk.indices.fill_null(-1).to_numpy() for chunk in encoded.chunks]
    return _smallest_integers(as_labels(values[np.concatenate(indices)], name))


def _distinct_labels(distinct: pa.Array) -> np.ndarray:
    """Return distinct labels, followed by the value of a missing label."""
    from pyarrow import types

    from latentmap.data.column_parsing import parse_column

    if types.is_string(distinct.type) or types.is_large_string(distinct.type):
        distinct = parse_column(distinct.cast("string"), role="label").values
    if types.is_integer(distinct.type) or types.is_floating(distinct.type):
        return np.append(_numbers(distinct), np.nan)
    return np.array([*map(_as_text, to_shortest_time_type(distinct).to_pylist()), ""], dtype=str)


def _numbers(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    from pyarrow import types

    if types.is_integer(column.type) and not column.null_count:
        return column.to_numpy()
    return column.cast("double").to_numpy(zero_copy_only=False)


def _smallest_integers(labels: np.ndarray) -> np.ndarray:
    """Convert whole numbers to the smallest type, to save memory for many rows."""
    if labels.dtype.kind != "i" or not len(labels):
        return labels
    return labels.astype(np.min_scalar_type(min(int(labels.min()), -1 - int(labels.max()))))


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
