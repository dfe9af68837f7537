"""Columns of CSV, Parquet and data frames: which are features, and the type that holds them."""

import difflib
from collections.abc import Sequence

import numpy as np

from latentmap.errors import DataError, UnknownNameError

_MAX_NAMES_IN_MESSAGE = 20


def feature_columns(name: str, columns: Sequence[str], label: str | None) -> list[int]:
    """Return the indices of all columns but the label; raise UnknownNameError or DataError."""
    check_column_names(name, columns)
    if label is not None and label not in columns:
        raise UnknownNameError("column", label, _similar_names(label, columns))
    indices = [i for i, column in enumerate(columns) if column != label]
    if not indices:
        raise DataError(f"{name}: expected at least one column of numbers, found none")
    return indices


def check_column_names(name: str, columns: Sequence[str]) -> None:
    """Raise DataError if two columns have the same name."""
    unique: set[str] = set()
    for column in columns:
        if column in unique:
            raise DataError(f"{name}: expected columns of different names, found {column!r} twice")
        unique.add(column)


def _similar_names(label: str, columns: Sequence[str]) -> Sequence[str]:
    if len(columns) <= _MAX_NAMES_IN_MESSAGE:
        return columns
    return (
        difflib.get_close_matches(label, columns, n=_MAX_NAMES_IN_MESSAGE, cutoff=0.5)
        or columns[:_MAX_NAMES_IN_MESSAGE]
    )


def common_dtype(dtypes: Sequence[np.dtype]) -> np.dtype:
    """Return the smallest type that holds every column; it is an integer type if all are."""
    return np.result_type(*set(dtypes))
