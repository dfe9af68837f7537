"""``latentmap outliers``."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import typer

from latentmap.analysis import OutlierDetector
from latentmap.analysis.outlier_scores import OutlierScores, top_outliers
from latentmap.cli.console import format_count, print_json, print_message
from latentmap.cli.distributed_options import check_worker_options, check_worker_rows, open_workers
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import DATA, JSON, LABEL, MODEL, RAY, SEED, WORKERS, output_path
from latentmap.cli.outlier_report import (
    TopOutliers,
    draw_outliers,
    fitted_columns,
    print_outliers,
    score_columns,
)
from latentmap.cli.row_selection import check_output, open_model_rows
from latentmap.cli.table_arguments import with_table_options
from latentmap.cli.table_output import TABLE_SUFFIXES, Write, open_column_writer, write_columns
from latentmap.data import Source
from latentmap.files import PICTURE_SUFFIXES

EXAMPLES = (
    "latentmap outliers mnist.safetensors mnist:unseen --reference mnist -o outliers.png",
    "latentmap outliers flowers.safetensors rows.csv -n 10 -o scores.csv",
)


@with_table_options
def outliers(
    model: Path = MODEL,
    data: str = DATA,
    output: Path | None = output_path(
        "FILE",
        "Table of all scores (.csv, .parquet, .npy), with a plot of the top outliers next to "
        "it, or only the plot (.png, .pdf, .svg).",
    ),
    rows: int = typer.Option(
        20, "-n", "--rows", min=1, max=1000, help="Number of top outliers to report and draw."
    ),
    reference: str | None = typer.Option(
        None,
        metavar="DATA",
        help="Normal rows to compare with, ideally those that the model was fitted to.",
        show_default="DATA",
    ),
    label: str | None = LABEL,
    seed: int = SEED,
    as_json: bool = JSON,
    workers: int | None = WORKERS,
    ray: str | None = RAY,
) -> None:
    """Rank rows by an outlier score.

    A row is an outlier if its reconstruction error is large or if its code is far from the codes
    of other rows. A score of 3 means that 1 of 1,000 reference rows has at least this score, and a
    score of 2 that 1 of 100 rows has. The error score and the distance score use the same scale.
    The report also shows the columns or pixels that differ most from the values that the model
    expects.

    With --workers, DATA must be a .parquet file or a folder of such files. The scores are written
    to a folder of .parquet files in the order of the rows.
    """
    check_worker_options(workers, ray)
    _check_outputs(output, workers is not None, model, data, reference)
    estimator = open_model(model)
    source = open_model_rows(estimator, data, label)
    reference_rows = source if reference is None else open_model_rows(estimator, reference, label)
    check_worker_rows(workers, source)
    scorer = OutlierDetector(estimator, reference_rows, seed, verbose=True)
    table = output if output is not None and output.suffix.lower() in TABLE_SUFFIXES else None
    with open_workers(workers, ray) as pool:
        if pool is not None:
            write_part = partial(_write_part, fitted_columns(estimator, source))
            numbers, scores = pool.score_outliers(scorer, source, rows, table, write_part)
        else:
            numbers, scores = _score(scorer, source, rows, table)
    top = TopOutliers.explain(scorer, source, numbers, scores)
    if table is not None:
        print_message(f"Wrote {table}: the scores of {format_count(len(source), 'row')}")
    if output is not None:
        draw_outliers(output if table is None else output.with_suffix(".png"), top)
    if as_json:
        names = {"model": str(model), "data": data, "reference": reference or data}
        print_json({**names, "rows": len(source), "outliers": top.as_dicts()})
    else:
        print_outliers(top)


def _check_outputs(output: Path | None, on_workers: bool, *inputs: str | Path | None) -> None:
    if output is None:
        return
    is_picture = output.suffix.lower() in PICTURE_SUFFIXES
    tables = (".parquet",) if on_workers else TABLE_SUFFIXES
    check_output(output, (*tables, *PICTURE_SUFFIXES), inputs, folder=on_workers and not is_picture)
    if not is_picture:
        check_output(output.with_suffix(".png"), (), inputs)


def _score(
    scorer: OutlierDetector, source: Source, count: int, table: Path | None
) -> tuple[np.ndarray, OutlierScores]:
    """Score all rows in this process, write the scores, and return the highest ones."""
    parts = scorer.score_batches(source, verbose=True)
    if table is None:
        return top_outliers(parts, count)
    with open_column_writer(table, len(source)) as write:
        names = fitted_columns(scorer.estimator, source)
        return top_outliers(_write_scores(parts, names, source, write), count)


def _write_scores(
    parts: Iterator[OutlierScores], names: Sequence[str] | None, source: Source, write: Write
) -> Iterator[OutlierScores]:
    """Write the scores of each batch, and yield them."""
    start = 0
    for part in parts:
        write(*score_columns(names, source, part, start))
        start += len(part.scores)
        yield part


def _write_part(
    names: Sequence[str] | None, path: Path, source: Source, scores: OutlierScores, start: int
) -> None:
    """Write the scores of a part that starts at row ``start``; called in a worker."""
    write_columns(path, *score_columns(names, source, scores, start))
