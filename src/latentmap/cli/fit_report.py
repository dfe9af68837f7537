"""The report of `fit` and `fit --continue`: quality, plots and the final model file."""

import math
from pathlib import Path
from typing import Any

from latentmap.cli.console import format_count, print_message
from latentmap.cli.evaluation import (
    EncodedSample,
    encode_fitted_rows,
    measure_quality,
    print_quality,
)
from latentmap.cli.held_out import FitRows
from latentmap.cli.model_arguments import Estimator
from latentmap.cli.pictures import draw_fit_plots
from latentmap.data import Source
from latentmap.data.parquet_vectors import ParquetVectors
from latentmap.preprocessing.table_encoder import TableEncoder


def print_table_summary(rows: Source) -> None:
    """Print one line on how a table was read and what its columns are, and its warnings."""
    parts = [*rows.notes]
    if rows.metadata is not None or isinstance(rows, ParquetVectors):
        kind = "vectors" if rows.feature_names is None else "rows"
        parts.insert(0, f"{kind} of {format_count(math.prod(rows.row_shape), 'number')}")
        if rows.metadata is not None:
            parts.append(f"metadata: {', '.join(rows.metadata.feature_names or ())}")
    elif rows.table_schema is not None:
        parts = [TableEncoder.fit(rows).summary(), *rows.table_schema.notes]
    if not parts:
        return
    text = "; ".join(parts)
    print_message(f"{rows.name}: {format_count(len(rows), 'row')}; {text}")
    for warning in rows.table_schema.warnings if rows.table_schema is not None else ():
        print_message(f"Warning: {rows.name}, {warning}")


def report_fit(
    model: Estimator, rows: FitRows, path: Path, report: dict[str, Any]
) -> EncodedSample:
    """Measure the quality, save it with the model, draw the plots, and return the codes."""
    codes = encode_fitted_rows(model, rows.fitted)
    if rows.unseen is not None:
        report = {**report, **measure_quality(model, rows.unseen, codes)}
    model.fit_report_ = report
    model.save(path)
    print_message(f"Wrote {path}")
    draw_fit_plots(model, rows, path, codes)
    if rows.unseen is None:
        print_message("Quality was not measured, because no rows were held out.")
    else:
        title = f"Quality on {rows.held_out.describe(rows.fitted.name)}"
        print_quality(title, report)
    return codes
