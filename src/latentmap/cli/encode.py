"""``latentmap encode`` and ``decode``: rows to codes in a file, and codes back to rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from latentmap.cli.console import say
from latentmap.cli.distributed_options import check_hiring, check_parts, hired
from latentmap.cli.model_arguments import check_columns, columns_of, open_model
from latentmap.cli.options import Data, Label, Model, RayAddress, WorkerCount
from latentmap.cli.table_output import ROW_SUFFIXES, SUFFIXES
from latentmap.errors import DataError

__all__ = ["EXAMPLES", "decode", "encode"]

EXAMPLES = {
    "encode": (
        "latentmap encode mnist.safetensors mnist:unseen -o codes.npy",
        "latentmap encode flowers.safetensors rows.csv --label species -o codes.csv",
        "latentmap encode model.safetensors rows/ -o codes.parquet --workers 16 --ray auto",
    ),
    "decode": (
        "latentmap decode mnist.safetensors codes.npy -o digits/",
        "latentmap decode flowers.safetensors codes.csv -o rows.parquet",
    ),
}


def encode(
    model: Model,
    data: Data,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="CODES",
            help="Where the codes go: .npy, .csv or .parquet. Tables keep the labels.",
            show_default=False,
        ),
    ],
    label: Label = None,
    workers: WorkerCount = None,
    ray: RayAddress = None,
) -> None:
    """Turn rows into codes.

    With --workers, DATA is .parquet, a file or a folder, and CODES becomes a folder of .parquet
    files that hold the codes in the order of the rows.
    """
    from latentmap.cli.row_selection import input_paths, open_rows
    from latentmap.cli.streaming import encoded
    from latentmap.data import write_rows
    from latentmap.files import check_output_path

    check_hiring(workers, ray)
    suffixes = SUFFIXES if workers is None else (".parquet",)
    check_output_path(output, suffixes, input_paths(model, data), folder=workers is not None)
    fitted = open_model(model)
    rows = open_rows(data, label, (fitted.figures_ or {}).get("label"))
    check_columns(fitted, rows)
    check_parts(workers, rows)
    with hired(workers, ray) as crew:
        if crew is not None:
            crew.encode(fitted, rows, output)
        else:
            write_rows(
                output,
                encoded(fitted, rows),
                length=len(rows),
                feature_names=list(fitted.get_feature_names_out()),
                labels=rows.labels,
            )
    say(f"Wrote {output}: {len(rows):,} codes of {fitted.n_components} numbers")


def decode(
    model: Model,
    codes: Annotated[
        str,
        typer.Argument(
            metavar="CODES",
            help="Codes: .npy, .npz, .csv or .parquet. A column called label is kept, not decoded.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="ROWS",
            help="Where the rows go: .npy, .csv, .parquet, or, without a suffix, a new folder of "
            "images.",
            show_default=False,
        ),
    ],
    label: Label = None,
) -> None:
    """Turn codes back into rows."""
    from latentmap.cli.row_selection import input_paths, open_rows
    from latentmap.cli.streaming import through
    from latentmap.data import write_rows
    from latentmap.files import check_output_path

    check_output_path(output, ROW_SUFFIXES, input_paths(model, codes), folder=not output.suffix)
    fitted = open_model(model)
    source = open_rows(codes, label, "label")
    _check_width(fitted, source)
    write_rows(
        output,
        through(fitted.inverse_transform, source, f"Decoding {len(source):,} codes"),
        length=len(source),
        feature_names=columns_of(fitted),
        labels=source.labels,
    )
    say(f"Wrote {output}: {len(source):,} rows")


def _check_width(fitted: Any, codes: Any) -> None:
    expected = (int(fitted.n_components),)
    if codes.row_shape != expected:
        raise DataError(
            f"{codes.name}: expected codes of {expected[0]} numbers, "
            f"found rows of shape {codes.row_shape}"
        )
