"""Split rows into those that a model is fitted to and those that it is evaluated on.

A built-in data set has unseen rows. From other data, `fit` holds out a tenth of the rows. The model
file stores the random seed of the split and a fingerprint of the data, so that `evaluate` repeats
the split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from latentmap.analysis.encoding import numeric_rows
from latentmap.cli.console import format_count
from latentmap.cli.model_arguments import Estimator
from latentmap.cli.row_selection import fingerprint, is_data_set_name, open_rows
from latentmap.cli.table_arguments import options_for
from latentmap.data import Source, TableOptions, load_dataset
from latentmap.data.caching import load_or_cache
from latentmap.errors import DataError

MIN_ROWS = 20  # A tenth of fewer rows is too small a sample to measure the quality.
_HELD_OUT_SHARE, _MAX_HELD_OUT = 0.1, 10_000


@dataclass(frozen=True)
class HeldOut:
    """Description of held-out rows in a model file, from which `evaluate` selects the same rows."""

    rows: int
    data_set: str | None = None
    rows_total: int | None = None
    seed: int | None = None
    fingerprint: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that are set, as the model file stores them."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, metadata: Mapping[str, Any]) -> HeldOut:
        """Return the description that a model file stores."""
        names = {field.name for field in fields(cls)}
        return cls(**{"rows": 0, **{k: v for k, v in metadata.items() if k in names}})

    def describe(self, data: str = "") -> str:
        """Describe the rows, with the name of their data if it is known."""
        if self.data_set is not None:
            return f"the {self.rows:,} unseen rows of {self.data_set}"
        total = format_count(self.rows_total or 0, "row")
        return f"{self.rows:,} of {total}{data and f' of {data}'}, which were held out"


@dataclass(frozen=True)
class FitRows:
    """Rows to fit a model to, and rows to evaluate it on, if there are enough."""

    fitted: Source
    unseen: Source | None
    held_out: HeldOut

    def select_layout(self, path: Path) -> np.ndarray:
        """Read the positions of all rows from a file, and return those of the fitted rows."""
        held_out = self.held_out
        positions = numeric_rows(None, open_rows(str(path), options=TableOptions()))
        total = held_out.rows_total or len(self.fitted)
        if len(positions) != total:
            n_positions = format_count(len(positions), "position")
            raise DataError(
                f"{path}: expected a position for each of {total:,} rows, found {n_positions}"
            )
        if self.unseen is not None and held_out.seed is not None:
            positions = positions.split(held_out.rows, held_out.seed)[0]
        return positions[:]


def split_fit_rows(
    data: str, rows: Source, seed: int, cached: bool = True, hold_out: bool = True
) -> FitRows:
    """Choose the rows to fit a model to, and those to evaluate it on, if any are held out."""
    if is_data_set_name(data):
        unseen = load_dataset(data, "unseen")
        return FitRows(rows, unseen, HeldOut(len(unseen), data_set=data))
    rows = load_or_cache(rows, verbose=True) if cached else rows
    total = len(rows)
    n_held_out = (
        0
        if total < MIN_ROWS or not hold_out
        else min(round(_HELD_OUT_SHARE * total), _MAX_HELD_OUT)
    )
    held_out = HeldOut(n_held_out, rows_total=total, seed=seed, fingerprint=fingerprint(rows))
    if n_held_out == 0:
        return FitRows(rows, None, held_out)
    fitted, unseen = rows.split(n_held_out, seed)
    # The held-out rows are used several times, and a source that is not decoded is slow to read.
    return FitRows(fitted, unseen if unseen.is_decoded else load_or_cache(unseen), held_out)


def open_evaluation_rows(
    data: str, label: str | None, model: Estimator, metadata: str | None = None
) -> tuple[Source, Source | None, str]:
    """Open the rows to evaluate a model on: unseen rows, held-out rows, or all rows.

    Also return the fitted rows, if they are available, and a description of the opened rows.
    """
    report = model.fit_report_ or {}
    rows = open_rows(data, label, report.get("label"), options_for(model), metadata)
    if is_data_set_name(data):
        unseen = load_dataset(data, "unseen")
        return unseen, rows, HeldOut(len(unseen), data_set=data).describe()
    all_rows_text, own_fingerprint = f"all {len(rows):,} rows of {rows.name}", fingerprint(rows)
    held_out_rows = (report.get("held_out") or {}, *(report.get("held_out_before") or ()))
    for held_out in map(HeldOut.from_dict, held_out_rows):
        if held_out.fingerprint != own_fingerprint:
            continue
        if not held_out.rows:
            return rows, None, f"{all_rows_text}, which the model was fitted to"
        fitted, unseen = rows.split(int(held_out.rows), int(held_out.seed or 0))
        return unseen, fitted, held_out.describe(rows.name)
    return rows, None, all_rows_text
