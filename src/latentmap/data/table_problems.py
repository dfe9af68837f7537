"""Problems of a table, collected so that one error reports all of them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from latentmap.data.table_options import ROLES, TableOptions, label_column
from latentmap.errors import DataError, UnknownNameError

_MAX_NAMES_IN_MESSAGE = 20


def raise_problems(name: str, problems: Sequence[str]) -> None:
    """Raise DataError if there are problems; one is a sentence, several are a list."""
    if len(problems) == 1:
        separator = ", " if problems[0].startswith("line ") else ": "
        raise DataError(f"{name}{separator}{problems[0]}")
    if problems:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise DataError(f"{name}: {len(problems)} problems:{lines}")


def selected_columns(names: Sequence[str], options: TableOptions) -> tuple[list[str], list[str]]:
    """Return the columns to read, and the problems of options that name columns.

    Raise UnknownNameError for an unknown column of labels, which is read in any case.
    """
    label = label_column(options.roles)
    if label is not None and label not in names:
        raise UnknownNameError("column", label, similar_names(label, names))
    requests = [
        ("--columns", options.columns or ()),
        ("--drop", options.drop),
        ("--as", tuple(name for name in options.roles if name != options.text)),
        ("--text", () if options.text is None else (options.text,)),
    ]
    problems = [
        _unknown_column(option, column, names)
        for option, columns in requests
        for column in columns
        if column not in names and not options.ignore_unknown
    ]
    problems += [
        f"--as {column}={role}: expected a role among {', '.join(ROLES)}"
        for column, role in options.roles.items()
        if role not in ROLES
    ]
    requested_names = names if options.columns is None else options.columns
    selected_names = set(requested_names) - set(options.drop) | {label}
    columns = [name for name in names if name in selected_names]
    if not columns and not problems:
        problems.append("expected at least one column to read, found none (--columns, --drop)")
    return columns or list(names), problems


def _unknown_column(option: str, column: str, names: Sequence[str]) -> str:
    similar = difflib.get_close_matches(column, names, n=1)
    known_names = ", ".join(names[:_MAX_NAMES_IN_MESSAGE]) + (
        ", ..." if len(names) > _MAX_NAMES_IN_MESSAGE else ""
    )
    hint = f"did you mean {similar[0]!r}?" if similar else f"known: {known_names}"
    return f"{option}: unknown column {column!r}, {hint}"


def check_column_names(name: str, columns: Sequence[str]) -> None:
    """Raise DataError if two columns have the same name."""
    unique: set[str] = set()
    for column in columns:
        if column in unique:
            raise DataError(f"{name}: expected columns of different names, found {column!r} twice")
        unique.add(column)


def similar_names(name: str, columns: Sequence[str]) -> Sequence[str]:
    """Return the columns to list in a message about an unknown name: all, or similar ones."""
    if len(columns) <= _MAX_NAMES_IN_MESSAGE:
        return columns
    similar = difflib.get_close_matches(name, columns, n=_MAX_NAMES_IN_MESSAGE, cutoff=0.5)
    return similar or columns[:_MAX_NAMES_IN_MESSAGE]


def format_omitted_count(count: int, noun: str) -> str:
    """Return " (and 3 more lines)", or nothing for a count of zero."""
    return f" (and {count:,} more {noun}{'s' * (count > 1)})" if count else ""
