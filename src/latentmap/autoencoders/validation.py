"""Validation of the rows that are passed to estimators, and their conversion to a `Source`."""

import re
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from latentmap.data.array_checks import as_numbers
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource, is_sparse
from latentmap.data.types import DataLike
from latentmap.errors import DataError, RowTypeError


def fitting_rows(estimator: Any, X: DataLike) -> Source:
    """Validate the rows of a fit, and store their shape and column names on the estimator.

    Set ``n_features_in_``, ``row_shape_`` and, if the columns have names, ``feature_names_in_``.
    """
    rows = _source(estimator, X, reset=True)
    if len(rows) < 2:
        raise DataError(f"{rows.name}: expected at least 2 rows to fit, found {len(rows)} sample")
    estimator.row_shape_ = rows.row_shape
    estimator.n_features_in_ = int(np.prod(rows.row_shape))
    return rows


def new_rows(estimator: Any, X: DataLike) -> Source:
    """Return rows for a fitted estimator; raise DataError if their shape or columns differ."""
    rows = _source(estimator, X, reset=False)
    found = int(np.prod(rows.row_shape))
    if found != estimator.n_features_in_:
        name = type(estimator).__name__
        raise DataError(
            f"{rows.name}: X has {found} features, but {name} is expecting "
            f"{estimator.n_features_in_} features as input, in rows of shape {estimator.row_shape_}"
        )
    return rows


def _source(estimator: Any, X: DataLike, reset: bool) -> Source:
    if isinstance(X, Source):
        names = X.feature_names
        if reset:
            _name_columns(estimator, names)
        elif names is not None:
            _same_names(estimator, names, X.name)
        return X
    rows = _checked(estimator, X, reset)
    names = getattr(estimator, "feature_names_in_", None)
    kind = SparseSource if is_sparse(rows) else ArraySource
    return kind(rows, name="X", feature_names=None if names is None else list(names))


def _checked(estimator: Any, X: Any, reset: bool) -> Any:
    """Return an array, sparse matrix or data frame validated by scikit-learn; images skip this."""
    if isinstance(X, list | tuple | np.ma.MaskedArray):
        X = as_numbers("X", X)
    if getattr(X, "ndim", 2) == 1:
        raise DataError(
            f"X: expected a 2D array, found a 1D array of shape {X.shape}. Reshape your data: "
            "X.reshape(1, -1) makes one row of it, X.reshape(-1, 1) one column"
        )
    try:
        if getattr(X, "ndim", 2) > 2:
            if reset:
                _name_columns(estimator, None)
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
    """Return scikit-learn's message on one line, without the array that it may contain."""
    return " ".join(re.split(r"\n(?:array=|\[|<)", str(error))[0].split()).rstrip(":")


def _name_columns(estimator: Any, names: list[str] | None) -> None:
    if names is not None:
        estimator.feature_names_in_ = np.asarray(names, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _same_names(estimator: Any, names: list[str], source: str) -> None:
    fitted = list(getattr(estimator, "feature_names_in_", names))
    if fitted == names:
        return
    missing, odd = sorted(set(fitted) - set(names)), sorted(set(names) - set(fitted))
    found = "them in another order"
    if missing or odd:
        found = ", ".join([*(f"no {name!r}" for name in missing), *map(repr, odd)][:5])
    raise DataError(f"{source}: expected the columns {', '.join(fitted[:20])}, found {found}")
