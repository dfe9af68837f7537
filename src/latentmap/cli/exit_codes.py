"""How the command fails: one sentence on standard error and the exit code 2, or a traceback.

What latentmap raises on purpose, and what the user typed wrongly, is told without a traceback. Any
other exception is a defect of ours, and keeps its traceback for the report. Ctrl-C exits with 130,
as shells expect.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from latentmap.cli.console import say_error
from latentmap.errors import LatentmapError

__all__ = ["INTERRUPTED", "Commands"]

_WRONG_USE = 2
INTERRUPTED = 130


class Commands(TyperGroup):
    """The group of verbs."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a verb and leave the process with its exit code."""
        # In this mode, what a verb returns and the code it exits with come back alike.
        places = (args, prog_name, complete_var, False, windows_expand_args)
        run = partial(super().main, *places, **extra)
        return sys.exit(_exit_code(run)) if standalone_mode else run()


def _exit_code(run: Callable[[], Any]) -> int:
    try:
        code = run()
    except LatentmapError as error:
        say_error(str(error))
        return _WRONG_USE
    except TyperException as error:
        return _tell_use(error)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        say_error("stopped by Ctrl-C; no file was left half written")
    return code if isinstance(code, int) else 0


def _tell_use(error: TyperException) -> int:
    """Tell a wrong option or verb, and where help is."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if not message:  # no verb was given: help has been shown instead
        return _WRONG_USE
    path = context.command_path if context is not None else "latentmap"
    say_error(f"{message.rstrip('.')} (see {path} --help)")
    return _WRONG_USE
