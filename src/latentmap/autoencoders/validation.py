"""Validation of the rows that are passed to estimators, and their conversion to a `Source`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import validate_data

from latentmap.autoencoders.table_fitting import (
    as_numeric_rows,
    as_table,
    check_new_width,
    encode_table,
    fit_table,
    name_columns,
)
from latentmap.backend import block_rows
from latentmap.data.array_checks import as_numbers
from latentmap.data.batching import read_batches
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource, as_csr, is_sparse
from latentmap.data.tables import as_numbers_source
from latentmap.data.types import DataLike
from latentmap.errors import DataError, RowTypeError
from latentmap.preprocessing.scaling import ShiftedRows, find_offset
from latentmap.progress import print_note

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder

MAX_BLOCKS = 16
MAX_BATCH_ROWS = 1 << 15


def fitting_rows(estimator: BaseAutoEncoder, X: DataLike) -> Source:
    """Validate the rows of a fit and convert them to a source.

    Set ``n_features_in_``, ``row_shape_``, ``table_`` and, if the columns have names,
    ``feature_names_in_``. ``table_`` is the encoder of a table, and None for other rows.
    """
    X = as_numeric_rows(X)
    table = as_table(X)
    if table is None:
        rows, estimator.table_ = _to_source(estimator, X, reset=True), None
        for note in rows.notes:
            print_note(f"{rows.name}: {note}", estimator.verbose)
        _check_row_count(rows)
        estimator.row_offset_ = None if isinstance(rows, SparseSource) else find_offset(rows)
        if estimator.row_offset_ is not None:
            rows = ShiftedRows(rows, estimator.row_offset_)
        n_features = int(np.prod(rows.row_shape))
    else:
        _check_row_count(table)
        rows, estimator.row_offset_ = fit_table(estimator, table), None
        _set_feature_names(estimator, rows.column_names)
        n_features = len(rows.encoder.columns)
    estimator.row_shape_, estimator.n_features_in_ = rows.row_shape, n_features
    return rows


def _check_row_count(rows: Source) -> None:
    if len(rows) < 2:
        raise DataError(f"{rows.name}: expected at least 2 rows to fit, found {len(rows)} sample")


def new_rows(estimator: BaseAutoEncoder, X: DataLike) -> Source:
    """Convert new rows to a source; raise DataError if their columns or shape are wrong."""
    encoder = estimator.table_
    if encoder is None:
        return _new_numbers(estimator, as_numeric_rows(X))
    if isinstance(X, Source) and X.encoder is encoder:
        return X
    table = as_table(X, encoder)
    if table is None:
        table = name_columns(_new_numbers(estimator, X), encoder)
    return encode_table(table, encoder)


def _new_numbers(estimator: BaseAutoEncoder, X: DataLike) -> Source:
    rows = _to_source(estimator, X, reset=False)
    check_new_width(estimator, rows)
    return rows if estimator.row_offset_ is None else ShiftedRows(rows, estimator.row_offset_)


def read_new_rows(estimator: BaseAutoEncoder, X: DataLike) -> Iterator[np.ndarray]:
    """Iterate over batches of new rows that have the shape of the fitted rows."""
    return row_batches(estimator, new_rows(estimator, X))


def row_batches(estimator: BaseAutoEncoder, rows: Source) -> Iterator[np.ndarray]:
    """Yield batches of validated rows, each row in the shape of the fitted rows."""
    block_size = block_rows(estimator.row_shape_)
    batch_size = max(block_size, min(MAX_BLOCKS * block_size, MAX_BATCH_ROWS))
    for _, batch in read_batches(rows, batch_size):
        yield batch.reshape(len(batch), *estimator.row_shape_)


def _to_source(estimator: BaseAutoEncoder, X: DataLike, reset: bool) -> Source:
    if isinstance(X, Source):
        X = as_numbers_source(X)
        names = X.feature_names
        if reset:
            _set_feature_names(estimator, names)
        elif names is not None:
            _check_feature_names(estimator, names, X.name)
        return X
    rows = _validate_array(estimator, X, reset)
    names = getattr(estimator, "feature_names_in_", None)
    source_type = SparseSource if is_sparse(rows) else ArraySource
    return source_type(rows, name="X", feature_names=None if names is None else list(names))


def _validate_array(estimator: BaseAutoEncoder, X: DataLike, reset: bool) -> Any:
    """Return rows after scikit-learn's validation, which does not apply to images."""
    if isinstance(X, str | os.PathLike):
        path = os.fspath(X)
        raise RowTypeError(
            f"X: expected rows, found the path {path!r}; "
            f"latentmap.data.open_data({path!r}) opens it"
        )
    # Arrays are recognised first, because `np.ma` is imported when it is used.
    if type(X) is not np.ndarray and isinstance(X, list | tuple | np.ma.MaskedArray):
        X = as_numbers("X", X)
    shape = getattr(X, "shape", (0, 0))
    if len(shape) == 1:
        raise DataError(
            f"X: expected a 2D array, found a 1D array of shape {shape}. Reshape your data: "
            "X.reshape(1, -1) makes one row of it, X.reshape(-1, 1) one column"
        )
    if is_sparse(X) and len(shape) == 2:
        X = as_csr("X", X)
    try:
        if len(shape) > 2:
            if reset:
                _set_feature_names(estimator, None)
            array = X if is_sparse(X) else np.asarray(X)
        else:
            array = validate_data(
                estimator,
                X,
                reset=reset,
                accept_sparse="csr",
                ensure_min_samples=1 + reset,
                ensure_all_finite=False,
            )
    except TypeError as error:
        raise RowTypeError(f"X: expected rows of numbers, but {error}") from error
    except ValueError as error:
        raise DataError(_one_sentence(error)) from error
    return array


def _one_sentence(error: Exception) -> str:
    """Return a message of scikit-learn on one line, without the array that it may contain."""
    return " ".join(re.split(r"\n(?:array=|\[|<)", str(error))[0].split()).rstrip(":")


def _set_feature_names(estimator: BaseAutoEncoder, names: list[str] | None) -> None:
    if names is not None:
        estimator.feature_names_in_ = np.asarray(names, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _check_feature_names(estimator: BaseAutoEncoder, names: list[str], source: str) -> None:
    fitted_names = list(getattr(estimator, "feature_names_in_", names))
    if fitted_names == names:
        return
    missing_names = [f"no {name!r}" for name in sorted(set(fitted_names) - set(names))]
    unknown_names = [repr(name) for name in sorted(set(names) - set(fitted_names))]
    difference = ", ".join((missing_names + unknown_names)[:5]) or "them in another order"
    raise DataError(
        f"{source}: expected the columns {', '.join(fitted_names[:20])}, found {difference}"
    )
