"""``latentmap decode``."""

from pathlib import Path

from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.console import format_count, print_message
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import LABEL, MODEL, argument, output_path
from latentmap.cli.row_selection import check_output, open_rows
from latentmap.cli.streaming import map_batches
from latentmap.cli.table_output import ROW_SUFFIXES, ROWS_HELP
from latentmap.data import Source, write_rows
from latentmap.errors import DataError

EXAMPLES = (
    "latentmap decode mnist.safetensors codes.npy -o digits/",
    "latentmap decode flowers.safetensors codes.csv -o rows.parquet",
)


def decode(
    model: Path = MODEL,
    codes: str = argument(
        "CODES",
        "Codes: .npy, .npz, .csv or .parquet. A column named label is copied to the output.",
    ),
    output: Path = output_path("ROWS", ROWS_HELP, required=True),
    label: str | None = LABEL,
) -> None:
    """Decode codes to rows."""
    check_output(output, ROW_SUFFIXES, (model, codes), folder=not output.suffix)
    estimator = open_model(model)
    source = numeric_rows(None, open_rows(codes, label, "label"))
    _check_width(source, int(estimator.n_components))
    text = f"Decoding {format_count(len(source), 'code')}"
    write_rows(
        output,
        map_batches(estimator.inverse_transform, source, text),
        length=len(source),
        feature_names=ModelInfo.from_estimator(estimator).feature_names,
        labels=source.labels,
    )
    print_message(f"Wrote {output}: {format_count(len(source), 'row')}")


def _check_width(codes: Source, n_components: int) -> None:
    if codes.row_shape != (n_components,):
        raise DataError(
            f"{codes.name}: expected codes with {format_count(n_components, 'component')}, "
            f"found rows of shape {codes.row_shape}"
        )
