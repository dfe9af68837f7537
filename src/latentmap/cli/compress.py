"""``latentmap compress`` and ``decompress``: rows to a small file, and back, with a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.console import say, show_json
from latentmap.cli.model_arguments import check_columns, columns_of, open_model
from latentmap.cli.options import Data, Json, Label, Model
from latentmap.cli.table_output import ROW_SUFFIXES

if TYPE_CHECKING:
    from latentmap.analysis.compression import Compressed

__all__ = ["EXAMPLES", "compress", "decompress"]

EXAMPLES = {
    "compress": (
        "latentmap compress mnist.safetensors mnist:unseen -o digits.codes",
        "latentmap compress mnist.safetensors mnist:unseen -o digits.codes --bytes 16",
        "latentmap compress flowers.safetensors rows.csv -o rows.codes --error 0.01",
    ),
    "decompress": (
        "latentmap decompress mnist.safetensors digits.codes -o digits/",
        "latentmap decompress flowers.safetensors rows.codes -o rows.parquet",
    ),
}


def compress(
    model: Model,
    data: Data,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where the compressed rows go.",
            show_default=False,
        ),
    ],
    error: Annotated[
        float | None,
        typer.Option(
            "--error",
            metavar="E",
            help="The mean squared error that the rows may have in all when they are back, as "
            "evaluate tells it. By default a twentieth more than the model makes anyway.",
            show_default=False,
        ),
    ] = None,
    bytes_a_row: Annotated[
        float | None,
        typer.Option(
            "--bytes",
            metavar="B",
            help="Instead, how many bytes the file may have for each row.",
            show_default=False,
        ),
    ] = None,
    label: Label = None,
    labels: Annotated[
        bool, typer.Option("--labels/--no-labels", help="Keep the labels, where there are some.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Turn rows into a small file.

    The model is needed to get them back. Codes are rounded as far as the error or the size that you
    allow, and then entropy-coded; what comes back is nearly what went in.
    """
    from latentmap.analysis import compress
    from latentmap.analysis.rate_control import Limit
    from latentmap.cli.row_selection import input_paths, open_rows
    from latentmap.files import check_output_path

    Limit(error, bytes_a_row).checked()
    check_output_path(output, inputs=input_paths(model, data))
    fitted = open_model(model)
    rows = open_rows(data, label, (fitted.figures_ or {}).get("label"))
    check_columns(fitted, rows)
    limit = {"error": error, "bytes_a_row": bytes_a_row}
    done = compress(fitted, rows, output, **limit, labels=labels, verbose=True)
    for line in _told(output, done):
        say(line)
    if as_json:
        show_json({"model": str(model), "data": data, "file": str(output), **_figures(done)})


def decompress(
    model: Model,
    packed: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="What compress wrote.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="ROWS",
            help="Where the rows go: .npy, .csv, .parquet, or, without a suffix, a new folder of "
            "images. Tables have the labels, if they were kept.",
            show_default=False,
        ),
    ],
) -> None:
    """Get the rows back from a file that compress wrote."""
    from latentmap.analysis.codec_file import PackedCodes
    from latentmap.analysis.compression import decompressed, open_codes
    from latentmap.data import write_rows
    from latentmap.files import check_output_path

    check_output_path(output, ROW_SUFFIXES, [model, packed], folder=not output.suffix)
    PackedCodes(packed)  # a wrong file is told before the engine starts
    fitted = open_model(model)
    found = open_codes(fitted, packed)
    write_rows(
        output,
        decompressed(fitted, found, verbose=True),
        length=found.rows,
        feature_names=columns_of(fitted),
        labels=found.labels,
    )
    say(f"Wrote {output}: {found.rows:,} rows")


def _told(output: Path, done: Compressed) -> list[str]:
    raw, zipped = done.raw_bytes / done.rows, done.gzip_bytes / done.rows
    return [
        f"Wrote {output}: {done.rows:,} rows in {done.file_bytes:,} bytes, "
        f"{done.bytes_a_row:,.4g} a row",
        f"{_times(done.ratio)} times smaller than the rows ({raw:,.4g} bytes a row, {zipped:,.4g} "
        "with gzip); the model is needed to get them back",
        f"Mean squared error {done.mse:.4g} of scaled rows, {done.model_mse:.4g} before codes were "
        "rounded",
    ]


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _figures(done: Compressed) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(done), "bytes_a_row": done.bytes_a_row, "ratio": done.ratio}
