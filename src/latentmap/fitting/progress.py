"""A bar with the time left, on standard error, for whatever takes long."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["Advance", "progress"]

Advance = Callable[..., None]
"""Called with the number of steps done since the last call, and ``note=`` for a short text."""


@contextlib.contextmanager
def progress(description: str, total: int, visible: bool) -> Iterator[Advance]:
    """Show how far a long task has come.

    Parameters
    ----------
    description : str
    total : int
        Steps in all.
    visible : bool
        Without it nothing is shown and nothing is imported.

    Yields
    ------
    callable
        ``advance(steps, note="")``.

    Examples
    --------
    >>> with progress("counting", 3, visible=False) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    if not visible:
        yield lambda steps, note="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(description, total=total, note="")

        def advance(steps: int, note: str = "") -> None:
            bars.advance(task, steps)
            if note:
                bars.update(task, note=note)

        yield advance
