"""Conversion of arrays, data frames, sparse matrices, paths and data-set names to a `Source`."""

import os

import numpy as np

from latentmap.data.array_checks import as_numbers
from latentmap.data.cells import from_anndata, is_anndata
from latentmap.data.data_frames import is_frame
from latentmap.data.readers import open_data
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource, is_sparse
from latentmap.data.tables import Table
from latentmap.data.types import DataLike
from latentmap.errors import SettingError


def as_source(data: DataLike | str | os.PathLike[str], *, label: str | None = None) -> Source:
    """Convert data to a `Source`.

    Parameters
    ----------
    data : Source, path, data-set name, data frame, AnnData, array, sparse matrix or list of rows
        A string is a path or the name of a data set; see `open_data`.
    label : str, optional
        The column of a table that holds labels; it is not one of the features.

    Returns
    -------
    Source

    Raises
    ------
    DataError, FileError, UnknownNameError
        If the data are not rows of numbers.

    Examples
    --------
    >>> as_source([[1, 2], [3, 4], [5, 6]])
    <ArraySource 'the array': 3 rows of shape (2,), int64>
    """
    if isinstance(data, Source):
        return data
    if isinstance(data, str | os.PathLike):
        return open_data(data, label=label)
    if is_frame(data):
        return Table(data, label=label)
    if is_anndata(data):
        return from_anndata(data, label=label)
    if label is not None:
        raise SettingError(f"label {label!r}: expected a table with named columns, found an array")
    if is_sparse(data):
        return SparseSource(data)
    array = data if isinstance(data, np.memmap) else as_numbers("the array", data)
    return ArraySource(array)
