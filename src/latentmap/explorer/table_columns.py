"""Rows that are tables: which columns the page can show, and what is usual in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latentmap.data import Source
from latentmap.explorer.shared_source import over_rows

__all__ = ["MOST_COLUMNS", "SCALE", "Table", "quantized"]

MOST_COLUMNS = 256
SCALE = 65_534
"""Numbers in a buffer are whole ones from 0 to this, from the lowest to the highest."""


@dataclass(frozen=True)
class Table:
    """The columns that are shown, k of them, and their values in all rows.

    Attributes
    ----------
    chosen : ndarray of shape (k,), int
        Their places among all columns.
    names : list of str
    values : ndarray of shape (n, k)
        float32.
    telling : ndarray of shape (k,)
        How much each tells.
    total : int
        How many columns there are in all.
    whole : bool
        Whether all numbers are whole.
    """

    chosen: np.ndarray
    names: list[str]
    values: np.ndarray
    telling: np.ndarray
    total: int
    whole: bool

    @classmethod
    def of(cls, source: Source, names: list[str], telling: np.ndarray, verbose: bool) -> Table:
        """Read the most telling columns of all rows.

        Parameters
        ----------
        source : Source
            Of n tables' rows, (n, d).
        names : list of str
            Of all d columns.
        telling : ndarray of shape (d,)
            How much each tells; of more than 256 those that tell most are shown.
        verbose : bool
        """
        chosen = np.sort(np.argsort(-telling, kind="stable")[:MOST_COLUMNS])
        text = f"Reading {len(source):,} rows"
        values = over_rows(
            lambda rows: rows[:].reshape(len(rows), -1)[:, chosen].astype(np.float32),
            source,
            text,
            verbose,
        )
        whole = source.dtype.kind in "iub"
        shown = [names[i] for i in chosen]
        return cls(chosen, shown, values, telling[chosen], len(names), whole)

    def narrowed(self, most: int) -> Table:
        """Leave the ``most`` columns that tell most."""
        kept = np.sort(np.argsort(-self.telling, kind="stable")[:most])
        return replace(
            self,
            chosen=self.chosen[kept],
            names=[self.names[i] for i in kept],
            values=self.values[:, kept],
            telling=self.telling[kept],
        )

    @property
    def low(self) -> np.ndarray:
        """The lowest number of each column, shape (k,)."""
        return self.values.min(axis=0).astype(np.float64)

    @property
    def high(self) -> np.ndarray:
        """The highest number of each column, shape (k,)."""
        return self.values.max(axis=0).astype(np.float64)

    def shown(self, rows: Any) -> np.ndarray:
        """Give the columns that are shown of rows, (m, ...) to (m, k), float32."""
        rows = np.asarray(rows)
        return np.ascontiguousarray(rows.reshape(len(rows), -1)[:, self.chosen], np.float32)

    def described(self) -> list[dict[str, Any]]:
        """Tell of each column its name, and what is usual in it."""
        mean, deviation = (
            figure(self.values, axis=0, dtype=np.float64) for figure in (np.mean, np.std)
        )
        figures = np.column_stack([mean, deviation, self.low, self.high]).tolist()
        keys = ("mean", "deviation", "low", "high")
        return [
            {"name": name, **dict(zip(keys, four, strict=True)), "whole": self.whole}
            for name, four in zip(self.names, figures, strict=True)
        ]


def quantized(values: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """Give numbers as whole ones from 0 to 65,534 over low to high, clipped; NaN is 65,535.

    Examples
    --------
    >>> quantized(np.array([0.0, 1.0, 9.0, np.nan]), 0.0, 2.0).tolist()
    [0, 32767, 65534, 65535]
    """
    width = np.where(np.subtract(high, low) > 0, np.subtract(high, low), 1.0)
    steps = np.rint(np.clip((values - low) / width, 0, 1) * SCALE)
    return np.where(np.isnan(steps), SCALE + 1, steps).astype("<u2")
