"""Declarations of arguments and options; constants are options that several verbs share.

A verb uses a declaration as the default value of a parameter, and Typer replaces it by the value.
"""

from typing import Any

import typer

from latentmap.number_checks import MAX_SEED


def argument(metavar: str, help_text: str, default: Any = ...) -> Any:
    """Declare an argument, which is required unless it has a default."""
    return typer.Argument(default, metavar=metavar, help=help_text, show_default=False)


def option(
    metavar: str,
    help_text: str,
    *names: str,
    default_text: str | bool = False,
    required: bool = False,
) -> Any:
    """Declare an option; ``default_text`` is the default that its help shows."""
    default = ... if required else None
    return typer.Option(default, *names, metavar=metavar, help=help_text, show_default=default_text)


def output_path(metavar: str, help_text: str, required: bool = False) -> Any:
    """Declare the option ``-o``, the path of an output."""
    return option(metavar, help_text, "-o", "--output", required=required)


DATA = argument(
    "DATA",
    "A data set name such as mnist (see latentmap datasets), or a path: .npy, .npz, .csv, .h5ad, "
    ".parquet (file or folder), or a folder of images, whose sub-folders are labels.",
)
MODEL = argument("MODEL", "A model file (.safetensors).")
LABEL = option(
    "COLUMN",
    "Column of the table that holds labels. Labels are used to colour plots and to score models, "
    "and never for training.",
    "--label",
)
METADATA = option(
    "TABLE",
    "Table with a row for each vector of DATA. Its columns are shown and can be labels; they are "
    "fitted only if --as gives them a role.",
    "--metadata",
)
JSON: Any = typer.Option(False, "--json", help="Print the result as JSON.")
SEED: Any = typer.Option(
    0, min=0, max=MAX_SEED, help="Random seed; the same seed gives the same result."
)
REFERENCE = option(
    "DATA",
    "Rows to search or to draw random pairs from, as for latentmap fit. By default the data "
    "that the row belongs to.",
    "--reference",
)
INDEX = option(
    "FILE",
    "Use the rows of an index written by latentmap similar --save-index instead of reading "
    "them again.",
    "--index",
)
WORKERS: Any = typer.Option(
    None,
    "--workers",
    metavar="N",
    min=1,
    help="Number of worker processes, run by Ray (pip install latentmap[ray]).",
    show_default=False,
)
RAY = option(
    "ADDRESS",
    "Address of the Ray cluster for --workers: HOST:PORT, or auto for the cluster that this "
    "machine belongs to. DATA must have the same path on all machines.",
    "--ray",
    default_text="the cores of this machine",
)
