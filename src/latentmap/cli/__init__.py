"""The command: one verb for each thing people do, one file for each group of verbs.

Nothing here or in the verbs' modules imports numpy, scikit-learn or an engine before a verb runs:
``latentmap --help`` answers at once.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from typing import Annotated, Any

import typer

from latentmap import __version__
from latentmap.cli import (
    cluster,
    compare,
    compress,
    data_sets,
    encode,
    evaluate,
    explore,
    fit,
    generate,
    info,
    limits,
    outliers,
    plot,
    similar,
)
from latentmap.cli.failing import INTERRUPTED, Commands

__all__ = ["app", "main"]

app = typer.Typer(
    name="latentmap",
    cls=Commands,
    help="Small codes for rows, and the way back: autoencoders from the command line.",
    epilog="Start with: latentmap fit mnist",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_VERBS = (
    ("fit", fit.fit, fit.EXAMPLES),
    ("encode", encode.encode, encode.ENCODE_EXAMPLES),
    ("decode", encode.decode, encode.DECODE_EXAMPLES),
    ("plot", plot.plot, plot.EXAMPLES),
    ("explore", explore.explore, explore.EXAMPLES),
    ("evaluate", evaluate.evaluate, evaluate.EXAMPLES),
    ("similar", similar.similar, similar.EXAMPLES),
    ("compare", compare.compare, compare.EXAMPLES),
    ("cluster", cluster.cluster, cluster.EXAMPLES),
    ("generate", generate.generate, generate.EXAMPLES),
    ("outliers", outliers.outliers, outliers.EXAMPLES),
    ("compress", compress.compress, compress.COMPRESS_EXAMPLES),
    ("decompress", compress.decompress, compress.DECOMPRESS_EXAMPLES),
    ("info", info.info, info.EXAMPLES),
    ("datasets", data_sets.data_sets, data_sets.EXAMPLES),
)

for _name, _verb, _examples in _VERBS:
    # An empty line keeps Typer from joining the examples into one paragraph.
    app.command(_name, epilog="\n\n".join(["Examples:", *_examples]))(_verb)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"latentmap {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version, and stop."
        ),
    ] = False,
) -> None:
    limits.check_told()


def _unraisable(told: Any) -> None:
    """Send a Ctrl-C again that came in a callback of the engine's, where nothing can be raised."""
    if told.exc_type is KeyboardInterrupt:
        threading.Timer(0.1, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(told)


def main() -> None:
    """Run the command that the process was started with."""
    sys.unraisablehook = _unraisable
    try:
        app(prog_name="latentmap")
    except SystemExit as leaving:
        if leaving.code != INTERRUPTED and threading.active_count() == 1:
            raise
        # The engine's threads, or the explorer's, may still compute: an orderly end would pull the
        # ground from under them, and the process would die of that instead.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(leaving.code if isinstance(leaving.code, int) else 1)
