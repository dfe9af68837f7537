"""``latentmap decompress``."""

from pathlib import Path

from latentmap.analysis.codec_file import CodeFile
from latentmap.analysis.compression import iter_decompressed, open_codes
from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.console import format_count, print_message
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import MODEL, argument, output_path
from latentmap.cli.table_output import ROW_SUFFIXES, ROWS_HELP
from latentmap.data import write_rows
from latentmap.files import check_output_path

EXAMPLES = (
    "latentmap decompress mnist.safetensors digits.codes -o digits/",
    "latentmap decompress flowers.safetensors rows.codes -o rows.parquet",
)


def decompress(
    model: Path = MODEL,
    compressed: Path = argument(
        "FILE", "A file written by latentmap compress with the same model."
    ),
    output: Path = output_path(
        "ROWS",
        f"{ROWS_HELP} .csv and .parquet include the labels, if they were stored.",
        required=True,
    ),
) -> None:
    """Restore the rows of a compressed file."""
    check_output_path(output, ROW_SUFFIXES, [model, compressed], folder=not output.suffix)
    CodeFile(compressed)  # An unreadable file is reported before the engine starts.
    estimator = open_model(model)
    codes = open_codes(estimator, compressed)
    write_rows(
        output,
        iter_decompressed(estimator, codes, verbose=True),
        length=codes.rows,
        feature_names=ModelInfo.from_estimator(estimator).feature_names,
        labels=codes.labels,
    )
    print_message(f"Wrote {output}: {format_count(codes.rows, 'row')}")
