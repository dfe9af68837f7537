"""The ``latentmap`` command, with one verb for each task.

``latentmap --help`` must answer at once, so the module of a verb is imported only when the verb is
called. Keras is imported only after the options and paths of the verb have been checked.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading

import typer

from latentmap import __version__
from latentmap.cli.commands import VERBS, VerbGroup
from latentmap.cli.exit_codes import INTERRUPTED
from latentmap.cli.memory_option import check_memory_variable

__all__ = ["app", "main"]

app = typer.Typer(
    name="latentmap",
    cls=VerbGroup,
    help="Autoencoders and two-dimensional maps from the command line.",
    epilog="Start with: latentmap fit mnist",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _placeholder() -> None:
    """Represent a verb in the list of verbs; `VerbGroup` loads the verb when it is called."""


for _name, (_, _help) in VERBS.items():
    app.command(_name, help=_help)(_placeholder)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"latentmap {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version and exit.",
    ),
) -> None:
    check_memory_variable()


def _unraisable_hook(unraisable: sys.UnraisableHookArgs) -> None:
    """Raise KeyboardInterrupt again if Ctrl-C arrived in a callback, where Python drops it."""
    if unraisable.exc_type is KeyboardInterrupt:
        threading.Timer(0.1, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


def main() -> None:
    """Run the command line of this process."""
    sys.unraisablehook = _unraisable_hook
    try:
        app(prog_name="latentmap")
    except SystemExit as system_exit:
        if system_exit.code != INTERRUPTED and threading.active_count() == 1:
            raise
        # Finalising the interpreter could crash while threads of the engine or of the explorer
        # are running, so the process ends without finalising it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(system_exit.code if isinstance(system_exit.code, int) else 1)
