"""Fitting of tables, whose columns are encoded as numbers and have a separate loss."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from latentmap.data.cells import from_anndata, is_anndata
from latentmap.data.data_frames import arrow_table, has_lists, is_frame
from latentmap.data.sources import Source
from latentmap.data.tables import Table, as_numbers_source
from latentmap.data.types import DataLike
from latentmap.errors import DataError, DataWarning, SettingError
from latentmap.preprocessing.column_terms import TABLE_LOSSES
from latentmap.preprocessing.encoded_rows import EncodedRows
from latentmap.preprocessing.scaling import Scale
from latentmap.preprocessing.table_encoder import TableEncoder

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.autoencoders.network_estimator import NetworkEstimator
    from latentmap.networks.losses import Loss, LossLike

_STANDARDIZED_SCALINGS = ("auto", "columns")  # Scalings that standardise each column of a table.


def as_table(X: DataLike, encoder: TableEncoder | None = None) -> Source | None:
    """Return the rows of a data frame or another table; None for rows of numbers.

    The string columns of a data frame keep the roles that they have in ``encoder``.
    """
    if isinstance(X, Source):
        return X if X.table_schema is not None else None
    if not is_frame(X):
        return None
    roles = {} if encoder is None else encoder.string_roles()
    names = set(map(str, getattr(X, "column_names", getattr(X, "columns", ()))))
    return Table(X, name="X", roles={name: roles[name] for name in roles.keys() & names})


def as_numeric_rows(X: DataLike) -> DataLike:
    """Return the vectors of a table with one column of vectors, or the matrix of an AnnData.

    Other data are returned unchanged.
    """
    if is_anndata(X):
        return from_anndata(X, name="X")
    if is_frame(X) and has_lists(X):
        X = Table(X, name="X")
    if not isinstance(X, Source) or X.table_schema is None:
        return X
    return X if X.table_schema.vector_column is None else as_numbers_source(X)


def fit_table(estimator: BaseAutoEncoder, table: Source) -> EncodedRows:
    """Fit the encoder of a table, set it on the estimator, and return the encoded rows."""
    standardize = estimator.scaling in _STANDARDIZED_SCALINGS
    encoder = TableEncoder.fit(table, standardize)
    if not encoder.is_numeric:
        expected = {"scaling": _STANDARDIZED_SCALINGS, "loss": ("auto",)}
        for name, values in expected.items():
            if getattr(estimator, name) not in values:
                raise SettingError(
                    f"{name}: expected {' or '.join(map(repr, values))} for a table with "
                    f"categories or missing values, found {getattr(estimator, name)!r}"
                )
    estimator.table_ = encoder
    return EncodedRows(table, encoder)


def name_columns(rows: Source, encoder: TableEncoder) -> Table:
    """Return rows of numbers as a table of the fitted columns."""
    table = Table(arrow_table(rows[:], rows.feature_names or encoder.names), name=rows.name)
    table.labels = rows.labels
    return table


def encode_table(table: Source, encoder: TableEncoder) -> Source:
    """Return the encoded rows of a table; warn of categories that were not fitted."""
    encoded_rows = EncodedRows(table, encoder)
    if isinstance(table, Table) and (unknown_counts := encoder.count_unknown(table.table)):
        counts = ", ".join(f"{name}: {count:,}" for name, count in unknown_counts.items())
        message = f"{table.name}: categories that were not fitted count as missing ({counts})"
        warnings.warn(message, DataWarning, stacklevel=2)
    return encoded_rows


def has_table_loss(estimator: BaseAutoEncoder) -> bool:
    """Return whether a fit uses the loss of the columns of a table."""
    if estimator.table_ is None or not isinstance(estimator.loss, str):
        return False
    return estimator.loss == "auto" and estimator.scaling in _STANDARDIZED_SCALINGS


def table_scale(estimator: BaseAutoEncoder) -> Scale | None:
    """Return the scale of encoded rows, which are standardised; None for other rows."""
    if not has_table_loss(estimator):
        return None
    return Scale(np.zeros((), np.float32), np.ones((), np.float32), False, allow_nan=True)


def find_loss(estimator: BaseAutoEncoder, loss: LossLike) -> Loss:
    """Return the loss that an argument describes, such as "table" for a table's columns."""
    from latentmap.networks.losses import get_loss
    from latentmap.networks.table_loss import TableLoss

    if estimator.table_ is None or not isinstance(loss, str) or loss not in TABLE_LOSSES:
        return get_loss(loss)
    table_loss = TableLoss(estimator.table_.columns)
    return table_loss.loss if loss == "table" else table_loss.linear_loss


def indicator_indices(estimator: NetworkEstimator) -> list[int] | None:
    """Return the indices of the inputs with a flag of missing values; see `NetworkSpec`."""
    if estimator.table_ is None or estimator._state.loss not in TABLE_LOSSES:
        return None
    return estimator.table_.indicator_indices()


def check_new_width(estimator: BaseAutoEncoder, rows: Source) -> None:
    """Raise DataError if rows of numbers do not have the number of features of the fitted rows."""
    n_features = int(np.prod(rows.row_shape))
    if n_features != estimator.n_features_in_:
        name, shape = type(estimator).__name__, estimator.row_shape_
        # The shape of a table is that of its encoded columns, which the user does not know.
        shape_text = "" if estimator.table_ is not None else f", in rows of shape {shape}"
        raise DataError(
            f"{rows.name}: X has {n_features} features, but {name} is expecting "
            f"{estimator.n_features_in_} features as input{shape_text}"
        )
