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
from latentmap.cli.console import print_error
from latentmap.cli.exit_codes import INTERRUPT_CODE, USER_ERROR
from latentmap.cli.memory_option import check_memory_variable
from latentmap.cli.output_streams import find_output_error, protect_streams

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
    protect_streams()
    try:
        app(prog_name="latentmap")
    except SystemExit as system_exit:
        code = system_exit.code if isinstance(system_exit.code, int) else 1
    else:
        code = 0
    output_error = find_output_error()
    if output_error is not None:
        print_error(output_error)
        code = code or USER_ERROR
    sys.stderr.flush()
    if code != INTERRUPT_CODE and threading.active_count() == 1:
        sys.exit(code)
    # Finalising the interpreter could crash while threads of the engine or of the explorer are
    # running, so the process ends without finalising it.
    os._exit(code)
