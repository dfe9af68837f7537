"""Columns of a table that the page displays, and their statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data import Source
from latentmap.explorer.shared_source import map_batches

MAX_COLUMNS = 256
# Largest quantised number; 65,535 is a missing value.
MAX_QUANTIZED = 65_534


@dataclass(frozen=True)
class TableColumns:
    """Values of the k displayed columns, (n, k), of a table of ``n_total`` columns."""

    indices: np.ndarray
    names: list[str]
    values: np.ndarray
    importance: np.ndarray
    n_total: int
    is_integer: bool

    @classmethod
    def read(
        cls, source: Source, names: list[str], importance: np.ndarray, verbose: bool = False
    ) -> Self:
        """Read the 256 columns of greatest importance of all rows, or all columns if fewer."""
        indices = _largest(importance, MAX_COLUMNS)

        def select(rows: Source) -> np.ndarray:
            return rows[:].reshape(len(rows), -1)[:, indices].astype(np.float32)

        values = map_batches(select, source, f"Reading {len(source):,} rows", verbose)
        displayed_names = [names[i] for i in indices]
        is_integer = source.dtype.kind in "iub"
        return cls(indices, displayed_names, values, importance[indices], len(names), is_integer)

    def keep_most_important(self, count: int) -> TableColumns:
        """Return the ``count`` columns of greatest importance."""
        largest = _largest(self.importance, count)
        return replace(
            self,
            indices=self.indices[largest],
            names=[self.names[i] for i in largest],
            values=self.values[:, largest],
            importance=self.importance[largest],
        )

    @property
    def low(self) -> np.ndarray:
        """The minimum of each column, shape (k,)."""
        return self.values.min(axis=0).astype(np.float64)

    @property
    def high(self) -> np.ndarray:
        """The maximum of each column, shape (k,)."""
        return self.values.max(axis=0).astype(np.float64)

    def to_display(self, rows: ArrayLike) -> np.ndarray:
        """Return the displayed columns of rows, (m, ...) to (m, k), float32."""
        array = np.asarray(rows)
        columns = array.reshape(len(array), -1)[:, self.indices]
        return np.ascontiguousarray(columns, np.float32)

    def describe(self) -> dict[str, object]:
        """Return the kind of rows and the statistics of each column, as JSON values."""
        mean = self.values.mean(axis=0, dtype=np.float64)
        std = self.values.std(axis=0, dtype=np.float64)
        statistics = np.column_stack([mean, std, self.low, self.high]).tolist()
        columns = [
            {"name": name, "mean": m, "std": s, "low": a, "high": b, "is_integer": self.is_integer}
            for name, (m, s, a, b) in zip(self.names, statistics, strict=True)
        ]
        return {"kind": "table", "columns": columns}


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the largest values, in ascending order."""
    return np.sort(np.argsort(-values, kind="stable")[:count])


def quantize(values: np.ndarray, low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Map numbers from low to high to integers from 0 to 65,534, and NaN to 65,535."""
    width = np.subtract(high, low)
    width = np.where(width > 0, width, 1.0)
    steps = np.rint(np.clip((values - low) / width, 0, 1) * MAX_QUANTIZED)
    return np.where(np.isnan(steps), MAX_QUANTIZED + 1, steps).astype("<u2")
