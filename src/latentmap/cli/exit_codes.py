"""Exit codes: 0 for success, 1 with a traceback for a bug, 2 for a user error, 130 for Ctrl-C."""

from collections.abc import Callable

import typer
from typer.exceptions import TyperException

from latentmap.cli.console import print_error
from latentmap.errors import LatentmapError

USER_ERROR = 2
INTERRUPT_CODE = 130
TWO_ROWS_MESSAGE = "{option}: expected two rows, such as mnist:unseen#0 mnist:unseen#1, found fewer"


def exit_code(run: Callable[[], object]) -> int:
    """Run a command, print its error if it has one, and return the exit code."""
    try:
        code = run()
    except LatentmapError as error:
        print_error(str(error))
        return USER_ERROR
    except TyperException as error:
        _print_usage_error(error)
        return USER_ERROR
    except MemoryError:
        print_error("the memory is not enough for this command: set a limit with LATENTMAP_MEMORY")
        return USER_ERROR
    except OSError as error:
        if error.filename is None:
            raise
        print_error(f"{error.filename}: {error.strerror}")
        return USER_ERROR
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPT_CODE
    if code == INTERRUPT_CODE:
        print_error("stopped by Ctrl-C; no incomplete file was written")
    return code if isinstance(code, int) else 0


def _print_usage_error(error: TyperException) -> None:
    message, context = error.format_message(), getattr(error, "ctx", None)
    if not message:  # Typer has already printed the help if the user gives no verb.
        return
    command = context.command_path if context is not None else "latentmap"
    if message.endswith("requires 2 arguments."):
        message = TWO_ROWS_MESSAGE.format(option=getattr(error, "option_name", "option"))
    print_error(f"{message.rstrip('.')} (see {command} --help)")
