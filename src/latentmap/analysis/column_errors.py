"""Reconstruction error of each column of a table, in the unit of the column."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.analysis.encoding import encode_batch, numeric_model, numeric_rows
from latentmap.analysis.model_info import FittedEstimator
from latentmap.data.batching import read_batches
from latentmap.data.types import DataLike
from latentmap.errors import DataError
from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.column_types import SECONDS_PER_DAY, to_floats
from latentmap.preprocessing.encoded_columns import Column
from latentmap.preprocessing.encoded_rows import EncodedRows
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.vector_columns import VectorColumn

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ColumnError:
    """Error of the reconstructions of one column, and the error of a constant.

    Attributes
    ----------
    name : str
    measure : {"rmse", "accuracy"}
        Root mean squared error, or share of correct values.
    value : float
    baseline : float
        The measure of the mean of the column, or of its most frequent value.
    unit : str or None
        Unit of an error, if it is known: "days" for dates and "standard deviations" for texts.
    n_values : int
        Number of values that are not missing.
    """

    name: str
    measure: str
    value: float
    baseline: float
    unit: str | None
    n_values: int

    @property
    def relative(self) -> float:
        """The error divided by the error of a constant, from 0 to 1."""
        if self.measure == "rmse":
            return self.value / self.baseline
        return (1.0 - self.value) / (1.0 - self.baseline)


def column_errors(estimator: FittedEstimator, X: DataLike) -> list[ColumnError]:
    """Compute the error of the reconstructions of each column of a table.

    Parameters
    ----------
    estimator : fitted estimator
        Fitted to a table, such as a data frame.
    X : data frame or Source
        Rows, preferably not those that were fitted. They are read in batches.

    Returns
    -------
    list of ColumnError
        One for each fitted column, in their order. Columns with fewer than two different values
        in X are left out.

    Raises
    ------
    DataError
        If the estimator was not fitted to a table, or the columns differ from the fitted columns.

    Notes
    -----
    Missing values are left out. Let x be the n known values of a column with mean m, and y their
    reconstructions. RMSE = √(Σ (x − y)² / n), and its baseline is √(Σ (x − m)² / n). The accuracy
    is the number of equal x and y divided by n, and its baseline is the number of the most frequent
    value divided by n. Numbers and dates have an RMSE, and Booleans and categories an accuracy.
    Vectors have the RMSE of their numbers. Texts have the RMSE of their encoded numbers, whose
    standard deviation is 1 on the fitted rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from latentmap import AutoEncoder
    >>> X = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "kind": ["a", "a", "a", "b"]})
    >>> errors = column_errors(AutoEncoder(2, epochs=1, random_state=0).fit(X), X)
    >>> [(e.name, e.measure, round(e.baseline, 2), e.value <= 1) for e in errors]
    [('size', 'rmse', 1.12, True), ('kind', 'accuracy', 0.75, True)]
    """
    model, source = numeric_model(estimator), numeric_rows(estimator, X)
    if not isinstance(source, EncodedRows):
        raise DataError(
            f"{source.name}: expected a model that was fitted to a table, found a model of rows "
            "of numbers"
        )
    encoder = source.encoder
    sums = [_make_sums(column) for column in encoder.columns]
    table: Any
    for _, table in read_batches(source.rows):
        encoded = encoder.encode(table)
        decoded = np.asarray(model.inverse_transform(encode_batch(model, encoded, source)))
        for column, column_slice, part in zip(encoder.columns, encoder.slices, sums, strict=True):
            if part is not None:
                pair = (encoded[:, column_slice], decoded[:, column_slice])
                part.add(column, table.column(column.name), *pair)
    pairs = zip(encoder.columns, sums, strict=True)
    errors = [part.result(column) for column, part in pairs if part is not None]
    return [error for error in errors if error is not None]


def sort_by_error(errors: Sequence[ColumnError]) -> list[ColumnError]:
    """Return errors in descending order of `ColumnError.relative`."""
    return sorted(errors, key=lambda error: -error.relative)


class _ErrorSums(ABC):
    """Sums over batches, from which the error of a column is computed."""

    @abstractmethod
    def add(
        self, column: Any, values: pa.ChunkedArray, encoded: np.ndarray, decoded: np.ndarray
    ) -> None:
        """Add the values of a batch, their encoded numbers and the decoded numbers."""

    @abstractmethod
    def result(self, column: Column) -> ColumnError | None:
        """Return the error of the column, or None if its values are all equal."""


class _SquaredErrors(_ErrorSums):
    def __init__(self) -> None:
        self.n = 0
        self.squares = 0.0
        self.origin: np.ndarray | None = None
        self.moments: list[np.ndarray | float] = [0.0, 0.0]

    def add(
        self, column: Column, values: pa.ChunkedArray, encoded: np.ndarray, decoded: np.ndarray
    ) -> None:
        x, y = _in_own_unit(column, values, encoded, decoded)
        is_known = np.isfinite(x).all(axis=1)
        x, y = x[is_known], y[is_known]
        if not len(x):
            return
        # Sums of squares of large numbers lose digits, so the first value is subtracted.
        self.origin = x[0] if self.origin is None else self.origin
        shifted = x - self.origin
        self.n += len(x)
        self.squares += float(np.square(x - y).sum())
        sums = (shifted.sum(axis=0), float(np.square(shifted).sum()))
        self.moments = [total + part for total, part in zip(self.moments, sums, strict=True)]

    def result(self, column: Column) -> ColumnError | None:
        if not self.n:
            return None
        sums, squares = (np.asarray(moment) for moment in self.moments)
        variance = float(squares / self.n - np.square(sums / self.n).sum())
        if variance <= 1e-12 * float(squares) / self.n:
            return None
        width = column.width if isinstance(column, VectorColumn) else 1
        value, baseline = np.sqrt([self.squares / self.n / width, variance / width]).tolist()
        return ColumnError(column.name, "rmse", value, baseline, _error_unit(column), self.n)


class _CorrectCounts(_ErrorSums):
    def __init__(self) -> None:
        self.n_correct = 0
        self.counts: Counter[object] = Counter()

    def add(
        self, column: Column, values: pa.ChunkedArray, encoded: np.ndarray, decoded: np.ndarray
    ) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(column, BooleanColumn):  # An encoded Boolean is positive if it is true.
            x = pa.array(encoded[:, 0] > 0, mask=np.isnan(encoded[:, 0]))
            y = pa.array(column.probabilities(decoded) > 0.5)
        else:
            parts = (values, column.decode(decoded))
            x, y = (_without_dictionary(part).cast(pa.string()) for part in parts)
        self.n_correct += pc.sum(pc.equal(x, y)).as_py() or 0
        counts = pc.value_counts(x.drop_null())
        pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
        self.counts.update(dict(pairs))

    def result(self, column: Column) -> ColumnError | None:
        if len(self.counts) < 2:
            return None
        n, max_count = self.counts.total(), max(self.counts.values())
        return ColumnError(column.name, "accuracy", self.n_correct / n, max_count / n, None, n)


def _make_sums(column: Column) -> _ErrorSums | None:
    if not column.width:
        return None
    is_class = isinstance(column, BooleanColumn | CategoryColumn)
    return _CorrectCounts() if is_class else _SquaredErrors()


def _in_own_unit(
    column: Column, values: pa.ChunkedArray, encoded: np.ndarray, decoded: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Convert values and reconstructions to numbers in the unit of the error, shape (n, k)."""
    if isinstance(column, NumberColumn):
        factor = SECONDS_PER_DAY if _is_date(column) else 1
        x, y = (to_floats(part, column.type) for part in (values, column.decode(decoded)))
        return x[:, None] / factor, y[:, None] / factor
    scale = column.scale if isinstance(column, VectorColumn) else 1.0
    return encoded.astype(np.float64) * scale, decoded.astype(np.float64) * scale


def _is_date(column: Column) -> bool:
    return column.type.startswith(("date", "timestamp"))


def _error_unit(column: Column) -> str | None:
    if _is_date(column):
        return "days"
    if column.type.startswith(("time", "duration")):
        return "seconds"
    return "standard deviations" if column.role == "text" else column.unit


def _without_dictionary(values: Any) -> Any:
    import pyarrow as pa

    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
