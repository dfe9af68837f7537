"""The report of `fit` and `fit --continue`: quality, plots and the final model file."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from latentmap.cli.console import format_count, print_message
from latentmap.cli.evaluation import (
    TIMINGS,
    EncodedSample,
    encode_fitted_rows,
    measure_quality,
    print_quality,
)
from latentmap.cli.held_out import MIN_ROWS, FitRows
from latentmap.cli.model_arguments import Estimator
from latentmap.cli.pictures import fit_plots
from latentmap.data import Source
from latentmap.data.parquet_tables import ParquetVectors
from latentmap.preprocessing.table_encoder import TableEncoder


def print_table_summary(rows: Source) -> None:
    """Print one line that says how a table was read and what its columns are, and its warnings."""
    parts = [*rows.notes]
    if rows.metadata is not None or isinstance(rows, ParquetVectors):
        parts.insert(0, _describe_shape(rows))
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


def _describe_shape(rows: Source) -> str:
    if len(rows.row_shape) > 1:
        height, width = rows.row_shape[:2]
        return f"images of {width}×{height} pixels"
    kind = "vectors" if rows.feature_names is None else "rows"
    return f"{kind} of {format_count(rows.row_shape[0], 'number')}"


def report_fit(
    model: Estimator, rows: FitRows, path: Path, report: dict[str, Any]
) -> EncodedSample:
    """Measure the quality, save it with the model, draw the plots, and return the codes."""
    with note_missing(path, "the quality and the plots are"):
        codes = encode_fitted_rows(model, rows.fitted)
        if rows.unseen is not None:
            report = {**report, **measure_quality(model, rows.unseen, codes)}
        # The measured speed is printed but not saved, so that equal fits write equal files.
        model.fit_report_ = {name: report[name] for name in report if name not in TIMINGS}
        model.save(path)
    print_message(f"Wrote {path}")
    _draw_plots(path, fit_plots(model, rows, path, codes))
    if rows.unseen is None:
        n_rows, is_small = len(rows.fitted), len(rows.fitted) < MIN_ROWS
        reason = "are too few to hold out a part" if is_small else "were all fitted"
        print_message(f"Quality was not measured, because {format_count(n_rows, 'row')} {reason}.")
    else:
        title = f"Quality on {rows.held_out.describe(rows.fitted.name)}"
        print_quality(title, report)
    return codes


def _draw_plots(path: Path, plots: dict[Path, Callable[[Path], None]]) -> None:
    names = [plot_path.name for plot_path in plots]
    for i, (plot_path, draw) in enumerate(plots.items()):
        missing = " and ".join(names[i:])
        with note_missing(path, f"{missing} {'is' if i == len(names) - 1 else 'are'}"):
            draw(plot_path)


@contextlib.contextmanager
def note_missing(path: Path, missing: str) -> Iterator[None]:
    """Print which outputs are missing if the block fails or is interrupted."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        print_message(f"The model is saved in {path}; {missing} missing.")
        raise
