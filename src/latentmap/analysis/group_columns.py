"""Columns and texts of rows, from which groups of rows are named."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentmap.analysis.group_names import name_groups
from latentmap.data import Source
from latentmap.data.array_checks import missing_labels
from latentmap.preprocessing.word_splitting import split_words

MAX_NAMED_ROWS = 20_000
_MAX_NUMBERS = (
    2**24
)  # Maximum number of values that are read, which limits the rows of wide tables.
_MAX_CATEGORIES = 50
_MIN_WORDS = 3  # Minimum mean number of words of a column of texts.


def named_rows(rows: Source) -> np.ndarray:
    """Return the indices of at most 20,000 evenly spaced rows, from which groups are named."""
    width = len(rows.feature_names or ()) or 1
    limit = max(1, min(MAX_NAMED_ROWS, _MAX_NUMBERS // width))
    return np.arange(0, len(rows), -(-len(rows) // limit))


def name_row_groups(rows: Source, groups: np.ndarray, n_groups: int) -> list[str]:
    """Name groups of rows by their labels, or by the columns and words that distinguish them.

    Parameters
    ----------
    rows : Source
    groups : ndarray of shape (n,), int
        Group of each row, from 0.
    n_groups : int

    Returns
    -------
    list of str
        Distinct names; see `latentmap.analysis.name_groups`.

    Examples
    --------
    >>> from latentmap.data import load_dataset
    >>> penguins = load_dataset("penguins")
    >>> name_row_groups(penguins, np.unique(penguins.labels, return_inverse=True)[1], 3)
    ['Adelie', 'Chinstrap', 'Gentoo']
    """
    indices = named_rows(rows)
    columns, texts = read_group_columns(rows, indices)
    labels = None
    if rows.labels is not None:
        is_missing = missing_labels(rows.labels)[indices]
        labels = np.where(is_missing, "", rows.labels[indices].astype(str)).tolist()
    names = name_groups(groups[indices], columns, texts, labels)
    return [*names, *map(str, range(len(names), n_groups))]


def read_group_columns(
    rows: Source, indices: np.ndarray
) -> tuple[dict[str, np.ndarray], list[list[str | None]]]:
    """Read the columns and the texts of rows, and of their metadata, for `name_groups`.

    Parameters
    ----------
    rows : Source
    indices : ndarray of shape (k,)

    Returns
    -------
    columns : dict of str to ndarray of shape (k,)
        Numbers, dates, durations, and strings with at most 50 distinct values.
    texts : list of lists of k strings
        Columns of longer strings.

    Examples
    --------
    >>> from latentmap.data import load_dataset
    >>> columns, texts = read_group_columns(load_dataset("penguins"), np.arange(100))
    >>> list(columns)[:2], texts
    (['island', 'bill_length_mm'], [])
    """
    columns: dict[str, np.ndarray] = {}
    texts: list[list[str | None]] = []
    for source in (rows, rows.metadata):
        if source is None or (source.table_schema is None and source.feature_names is None):
            continue
        for name, values in _read_columns(source, indices):
            if values.dtype.kind in "iufmM":
                columns[name] = values
            elif values.dtype.kind == "O" and all(v is None or isinstance(v, str) for v in values):
                _add_strings(name, values, columns, texts)
    return columns, texts


def _read_columns(source: Source, indices: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return the name and the values of each column; truth values are strings."""
    import pyarrow as pa

    table: Any = source.take(indices)
    if source.table_schema is None:
        return list(zip(source.feature_names or (), np.asarray(table).T, strict=True))
    columns = [c.cast(pa.string()) if pa.types.is_boolean(c.type) else c for c in table.columns]
    return list(zip(table.column_names, (column.to_numpy() for column in columns), strict=True))


def _add_strings(
    name: str, values: np.ndarray, columns: dict[str, np.ndarray], texts: list[list[str | None]]
) -> None:
    present_values = [value for value in values if value is not None]
    if len(set(present_values)) <= _MAX_CATEGORIES:
        columns[name] = values
    elif np.mean([len(split_words(value)) for value in present_values]) >= _MIN_WORDS:
        texts.append(list(values))
