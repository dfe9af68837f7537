"""Arguments and options that several verbs share, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Data", "Json", "Label", "Model", "RayAddress", "WorkerCount"]

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
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Share the work among so many processes, over Ray (pip install latentmap[ray]).",
        show_default=False,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Of the Ray cluster that the workers run on: HOST:PORT, or auto for the one that this "
        "machine is part of; it reads DATA at the same path on every machine.",
        show_default="this machine's cores",
    ),
]
