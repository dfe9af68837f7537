"""``latentmap impute``."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.console import format_count, print_json, print_message, print_table
from latentmap.cli.model_arguments import Estimator, open_model
from latentmap.cli.options import DATA, JSON, LABEL, MODEL, output_path
from latentmap.cli.row_selection import check_output, open_model_rows
from latentmap.cli.table_arguments import with_table_options
from latentmap.cli.table_output import append_labels
from latentmap.data import write_rows
from latentmap.data.batching import read_batches
from latentmap.errors import DataError

EXAMPLES = (
    "latentmap impute people.safetensors people.csv -o complete.csv",
    "latentmap impute people.safetensors new.parquet -o complete.parquet --json",
)


@with_table_options
def impute(
    model: Path = MODEL,
    data: str = DATA,
    output: Path = output_path("FILE", "Output file: .csv or .parquet.", required=True),
    label: str | None = LABEL,
    as_json: bool = JSON,
) -> None:
    """Fill the missing values of a table.

    Known values do not change. For each column, the report states the number of filled values and
    their mean confidence, from 0 to 1. The confidence of a category is its estimated probability.
    The confidence of a number is 1 − RMSE / standard deviation on held-out rows. Labels and
    identifiers are not filled.
    """
    check_output(output, (".csv", ".parquet"), (model, data))
    estimator = open_model(model)
    if estimator.table_ is None:
        raise DataError(
            f"{model}: expected a model that was fitted to a table, found {_kind(estimator)}"
        )
    rows = open_model_rows(estimator, data, label)
    table_rows: Any = numeric_rows(estimator, rows)
    report = _Report()
    batches = _fill_batches(estimator, table_rows, report)
    if rows.labels is not None:
        name = label or ModelInfo.from_estimator(estimator).label_column or "label"
        batches = append_labels(batches, name, rows.labels)
    write_rows(output, batches, length=len(rows))
    report.print(as_json, model=str(model), data=data, file=str(output))
    print_message(
        f"Wrote {output}: {format_count(len(rows), 'row')}, "
        f"{format_count(sum(report.counts.values()), 'value')} filled"
    )


def _kind(estimator: Estimator) -> str:
    return f"one of rows of shape {estimator.row_shape_}"


@dataclass
class _Report:
    """Number of filled values of each column, and the sum of their confidences."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, names: list[str], confidence: np.ndarray) -> None:
        """Count the filled values of a batch."""
        counts = (~np.isnan(confidence)).sum(axis=0)
        for name, count, total in zip(names, counts, np.nansum(confidence, axis=0), strict=True):
            if count:
                self.counts[name] = self.counts.get(name, 0) + int(count)
                self.sums[name] = self.sums.get(name, 0.0) + float(total)

    def print(self, as_json: bool, **files: str) -> None:
        """Print the report as JSON or as a table; a table is left out if it has no rows."""
        means = {name: self.sums[name] / count for name, count in self.counts.items()}
        if as_json:
            columns = {
                name: {"filled": count, "mean_confidence": means[name]}
                for name, count in self.counts.items()
            }
            print_json({**files, "columns": columns})
        elif means:
            lines = [
                (name, f"{self.counts[name]:,}", f"{mean:.2f}") for name, mean in means.items()
            ]
            header = ("column", "filled", "mean confidence")
            print_table(header, lines, header[1:])


def _fill_batches(estimator: Estimator, rows: Any, report: _Report) -> Iterator[Any]:
    task = f"Filling {format_count(len(rows), 'row')}"
    for _, batch in read_batches(rows.rows, task=task):
        strings = rows.with_boolean_strings(batch)
        filled, confidence = estimator.impute(strings, return_confidence=True)
        table: Any = filled
        report.add(table.column_names, confidence)
        yield table
