"""What tables of every kind share: which column is the label, and what the others add up to.

CSV, Parquet and data frames differ in how a column is read and agree on everything else.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from latentmap.errors import DataError, UnknownNameError

__all__ = ["common_dtype", "feature_columns"]

_SHOWN = 20  # an error that lists 784 pixels helps nobody


def feature_columns(name: str, columns: Sequence[str], label: str | None) -> list[int]:
    """Give the positions of the columns that are learned: all but the label.

    Parameters
    ----------
    name : str
        The table, for the message.
    columns : sequence of str
        The names of its columns.
    label : str or None
        The one that holds labels.

    Returns
    -------
    list of int

    Raises
    ------
    UnknownNameError
        If no column has the name ``label``.
    DataError
        If two columns share a name, or none is left.

    Examples
    --------
    >>> feature_columns("iris.csv", ["length", "width", "species"], "species")
    [0, 1]
    """
    _check_unique(name, columns)
    if label is not None and label not in columns:
        raise UnknownNameError("column", label, _worth_showing(label, columns))
    chosen = [i for i, column in enumerate(columns) if column != label]
    if not chosen:
        raise DataError(f"{name}: expected at least one column of numbers, found none")
    return chosen


def _check_unique(name: str, columns: Sequence[str]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise DataError(f"{name}: expected columns of different names, found two {column!r}")
        seen.add(column)


def _worth_showing(label: str, columns: Sequence[str]) -> Sequence[str]:
    if len(columns) <= _SHOWN:
        return columns
    return difflib.get_close_matches(label, columns, n=_SHOWN, cutoff=0.5) or columns[:_SHOWN]


def common_dtype(dtypes: Sequence[np.dtype]) -> np.dtype:
    """Give the smallest dtype that holds every column: integers stay integers if all are.

    Examples
    --------
    >>> common_dtype([np.dtype("int8"), np.dtype("int64")])
    dtype('int64')
    >>> common_dtype([np.dtype("int64"), np.dtype("float32")])
    dtype('float64')
    """
    return np.result_type(*set(dtypes))
