"""The command: one verb for each thing people do, one file for each group of verbs.

Nothing here or in the verbs' modules imports numpy, scikit-learn or an engine before a verb runs,
and no verb's module is loaded before it is asked for: ``latentmap --help`` answers at once.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from typing import Annotated, Any

import typer

from latentmap import __version__
from latentmap.cli.commands import VERBS, Verbs
from latentmap.cli.exit_codes import INTERRUPTED
from latentmap.cli.memory_option import check_told

__all__ = ["app", "main"]

app = typer.Typer(
    name="latentmap",
    cls=Verbs,
    help="Small codes for rows, and the way back: autoencoders from the command line.",
    epilog="Start with: latentmap fit mnist",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _listed() -> None:
    """Stand for a verb in the list of verbs."""


for _name, (_, _line) in VERBS.items():
    app.command(_name, help=_line)(_listed)


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
    check_told()


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
