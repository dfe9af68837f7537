"""How the command speaks.

What was asked for goes to standard output, so that it can be piped. All else goes to standard
error: what is being done, what was written, what went wrong. On a terminal the wait is animated;
elsewhere the same words come as plain lines.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from latentmap.progress import harmless, progress

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["say", "say_error", "show_json", "show_pairs", "show_table", "working"]


def _console(stderr: bool) -> Console:
    from rich.console import Console

    # Made anew each time: standard output and error may have been redirected since.
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell the user something, on standard error."""
    _console(stderr=True).print(harmless(text))


def say_error(text: str) -> None:
    """Tell the user what is wrong, in one sentence."""
    from rich.text import Text

    _console(stderr=True).print(
        Text.assemble(("error: ", "bold red"), harmless(" ".join(text.split())))
    )


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Say what is being done for as long as the block takes."""
    from rich.text import Text

    console = _console(stderr=True)
    if console.is_terminal:
        with console.status(Text(harmless(text))):
            yield
    else:
        say(text)
        with progress(text.rstrip("…"), 1, patient=True):
            yield


def show_json(value: Any) -> None:
    """Print a value for a program to read."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def show_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values, two columns under a title."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 3, 0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(harmless(name)), Text(harmless(value)))
    _show(title, table)


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]
) -> None:
    """Print a table with a header; the columns in ``numbers`` are set flush right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(value)) for value in row))
    _show("", table)


def _show(title: str, table: Any) -> None:
    from rich.text import Text

    console = _console(stderr=False)
    if title:
        console.print(Text(harmless(title), style="bold"))
    # A table must wrap inside its columns, which soft wrapping would prevent.
    console.print(table, soft_wrap=False)
