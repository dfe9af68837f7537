"""Arguments and options that several verbs share, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Data", "Json", "Label", "Model"]

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A name, such as mnist (see latentmap datasets), or a path: .npy, .npz, .csv, "
        ".parquet (file or folder), or a folder of images, whose sub-folders are labels.",
        show_default=False,
    ),
]
Model = Annotated[
    Path,
    typer.Argument(metavar="MODEL", help="A model file (.safetensors).", show_default=False),
]
Label = Annotated[
    str | None,
    typer.Option(
        "--label",
        metavar="COLUMN",
        help="The column of a table that holds labels. They colour and score, never train.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]
