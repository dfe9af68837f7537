"""Print results to standard output, and progress, messages and errors to standard error."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from latentmap.progress import progress, replace_unprintable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is 1."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _console(stderr: bool) -> Console:
    from rich.console import Console

    # Standard output and error may have been redirected, so each call creates a new console.
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_message(text: str) -> None:
    """Print a message to standard error."""
    _console(stderr=True).print(replace_unprintable(text))


def print_error(text: str) -> None:
    """Print an error to standard error, on one line."""
    from rich.text import Text

    _console(stderr=True).print(
        Text.assemble(("error: ", "bold red"), replace_unprintable(" ".join(text.split())))
    )


@contextlib.contextmanager
def show_status(text: str) -> Iterator[None]:
    """Show what the command is doing while the block runs."""
    from rich.text import Text

    console = _console(stderr=True)
    if console.is_terminal:
        with console.status(Text(replace_unprintable(text))):
            yield
    else:
        print_message(text)
        with progress(text.rstrip("…"), 1, delay=True):
            yield


def print_json(value: object) -> None:
    """Print a value as JSON to standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values in two columns under a title."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 3, 0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    _console(stderr=False).print(Text(replace_unprintable(title), style="bold"))
    _print_rows(table, pairs)


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]
) -> None:
    """Print a table with a header; the columns named in ``numbers`` are right-aligned."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    _print_rows(table, rows)


def _print_rows(table: Table, rows: Sequence[Sequence[str]]) -> None:
    from rich.text import Text

    for row in rows:
        table.add_row(*(Text(replace_unprintable(value)) for value in row))
    # Soft wrapping would keep the cells of a table from wrapping inside their columns.
    _console(stderr=False).print(table, soft_wrap=False)
