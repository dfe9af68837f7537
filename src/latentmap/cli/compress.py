"""``latentmap compress``."""

from dataclasses import asdict
from pathlib import Path

import typer

from latentmap.analysis import compress as compress_rows
from latentmap.analysis.compression import CompressionResult
from latentmap.analysis.rate_control import CompressionLimit
from latentmap.cli.console import format_count, print_json, print_message
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import DATA, JSON, LABEL, MODEL, option, output_path
from latentmap.cli.row_selection import check_output, open_model_rows
from latentmap.cli.table_arguments import with_table_options

EXAMPLES = (
    "latentmap compress mnist.safetensors mnist:unseen -o digits.codes",
    "latentmap compress mnist.safetensors mnist:unseen -o digits.codes --bytes-per-row 16",
    "latentmap compress flowers.safetensors rows.csv -o rows.codes --error 0.01",
)


@with_table_options
def compress(
    model: Path = MODEL,
    data: str = DATA,
    output: Path = output_path("FILE", "Compressed file to write.", required=True),
    error: float | None = option(
        "E",
        "Maximum mean squared error of the restored rows, in scaled units as reported by "
        "latentmap evaluate.",
        default_text="5 % above the error of the model",
    ),
    bytes_per_row: float | None = option(
        "B", "Maximum size of the file in bytes per row, instead of --error."
    ),
    label: str | None = LABEL,
    labels: bool = typer.Option(
        True, "--labels/--no-labels", help="Store the labels, if there are any."
    ),
    as_json: bool = JSON,
) -> None:
    """Compress rows to a small file.

    The codes of the rows are rounded as far as the allowed error or size permits, and then
    entropy-coded. The compression is lossy, and the model is needed to restore the rows.
    """
    CompressionLimit(error, bytes_per_row).check()
    check_output(output, (), (model, data))
    estimator = open_model(model)
    rows = open_model_rows(estimator, data, label)
    limits = {"error": error, "bytes_per_row": bytes_per_row}
    result = compress_rows(estimator, rows, output, **limits, labels=labels, verbose=True)
    _print(output, result)
    if as_json:
        names = {"model": str(model), "data": data, "file": str(output)}
        metrics = {"bytes_per_row": result.bytes_per_row, "ratio": result.ratio}
        print_json({**names, **asdict(result), **metrics})


def _print(output: Path, result: CompressionResult) -> None:
    raw_bytes, gzip_bytes = result.raw_bytes / result.rows, result.gzip_bytes / result.rows
    ratio = f"{result.ratio:,.0f}" if result.ratio >= 100 else f"{result.ratio:.3g}"
    print_message(
        f"Wrote {output}: {format_count(result.rows, 'row')} in {result.file_bytes:,} bytes, "
        f"{result.bytes_per_row:,.4g} bytes per row"
    )
    print_message(
        f"{ratio} times smaller than the original ({raw_bytes:,.4g} bytes per row, "
        f"{gzip_bytes:,.4g} with gzip), not counting the model"
    )
    print_message(
        f"Mean squared error of scaled rows: {result.mse:.4g}, of which {result.model_mse:.4g} is "
        "the error of the model"
    )
