"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated, Any

import typer


def argument(metavar: str, help_text: str) -> Any:
    """Return the declaration of an argument; the signature of the verb holds its default."""
    return typer.Argument(metavar=metavar, help=help_text, show_default=False)


def option(metavar: str, help_text: str, *names: str, default: str | bool = False) -> Any:
    """Return the declaration of an option; ``default`` is how its help describes the default."""
    return typer.Option(*names, metavar=metavar, help=help_text, show_default=default)


def output_option(metavar: str, help_text: str) -> Any:
    """Return the declaration of ``-o``, the output path of a verb."""
    return option(metavar, help_text, "-o", "--output")


Data = Annotated[
    str,
    argument(
        "DATA",
        "A data set name such as mnist (see latentmap datasets), or a path: .npy, .npz, .csv, "
        ".parquet (file or folder), or a folder of images, whose sub-folders are labels.",
    ),
]
Model = Annotated[Path, argument("MODEL", "A model file (.safetensors).")]
Label = Annotated[
    str | None,
    option(
        "COLUMN",
        "Column of the table that holds labels. Labels colour plots and score models; they are "
        "never used for training.",
        "--label",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed; the same seed gives the same result.")]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Number of worker processes, run by Ray (pip install latentmap[ray]).",
        show_default=False,
    ),
]
RayAddress = Annotated[
    str | None,
    option(
        "ADDRESS",
        "Address of the Ray cluster for --workers: HOST:PORT, or auto for the cluster that this "
        "machine belongs to. All its machines must see DATA at the same path.",
        "--ray",
        default="the cores of this machine",
    ),
]
