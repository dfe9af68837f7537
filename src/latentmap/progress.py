"""How far a long task has come, with the time left, on standard error.

On a terminal that is a bar; elsewhere, in a log, the same words come as a plain line every two
seconds, whether there is news or not.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

__all__ = ["Advance", "harmless", "progress"]

Advance = Callable[..., None]
"""Called with the number of steps done since the last call, and ``note=`` for a short text."""

QUIET_SECONDS = 2.0
_GLANCE = 0.5


def harmless(text: str) -> str:
    r"""Replace what would steer the terminal: names of files and labels may hold anything.

    Examples
    --------
    >>> harmless("rows\x1b[2J.csv")
    'rows\ufffd[2J.csv'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@contextlib.contextmanager
def progress(
    description: str, total: int, visible: bool = True, patient: bool = False
) -> Iterator[Advance]:
    """Show how far a long task has come.

    Parameters
    ----------
    description : str
    total : int
        Steps in all.
    visible : bool
        Without it nothing is shown and nothing is imported.
    patient : bool
        Show nothing of what is over within two seconds: for a part of what was said already.

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
    description = harmless(description)
    if not visible:
        yield lambda steps, note="": None
    elif sys.stderr.isatty():
        with _bar(description, total, patient) as advance:
            yield advance
    else:
        if not patient:
            print(f"{description}…", file=sys.stderr, flush=True)
        with _Lines(description, total).kept_alive() as advance:
            yield advance


@contextlib.contextmanager
def _bar(description: str, total: int, patient: bool) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    bars = Progress(*columns, console=Console(stderr=True))
    task, begun = bars.add_task(description, total=total, note=""), time.monotonic()

    def advance(steps: int, note: str = "") -> None:
        bars.advance(task, steps)
        if note:
            bars.update(task, note=harmless(note))
        if patient and time.monotonic() - begun > QUIET_SECONDS:
            bars.start()

    if not patient:
        bars.start()
    try:
        yield advance
    finally:
        bars.stop()


class _Lines:
    """A plain line now and then, also while whoever does the task says nothing."""

    alive: ClassVar[list[_Lines]] = []
    """Tasks within tasks, the innermost last."""

    def __init__(self, description: str, total: int) -> None:
        self.description, self.total, self.done, self.note = description, total, 0, ""
        self.begun = self.told = time.monotonic()
        self.one_at_a_time = threading.Lock()

    def __call__(self, steps: int, note: str = "") -> None:
        with self.one_at_a_time:
            self.done += steps
            self.note = harmless(note) or self.note
            now = time.monotonic()
            if now - self.told > QUIET_SECONDS:
                print(f"{self.description}: {self._words(now - self.begun)}", file=sys.stderr)
                sys.stderr.flush()
                self.told = now

    def _words(self, spent: float) -> str:
        if not self.done and not self.note:
            return f"{spent:.0f} s so far"
        left = spent / (self.done or math.inf) * (self.total - self.done)
        told = f"{left:.0f} s left" if self.done else ""
        return ", ".join(filter(None, [f"{self.done / self.total:.0%}", told, self.note]))

    @contextlib.contextmanager
    def kept_alive(self) -> Iterator[Advance]:
        """Tell that it still goes on; of a task within a task, only the inner one does."""
        over = threading.Event()

        def glance() -> None:
            while not over.wait(_GLANCE):
                if self.alive[-1:] == [self]:
                    self(0)

        glancing = threading.Thread(target=glance, daemon=True)
        self.alive.append(self)
        glancing.start()
        try:
            yield self
        finally:
            over.set()
            glancing.join()
            self.alive.remove(self)
