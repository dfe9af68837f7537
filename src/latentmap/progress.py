"""Progress of long tasks on standard error, with the remaining time.

A terminal and a notebook show a bar. Other outputs, such as a log, get a plain line every two
seconds, even if no step has been completed. In a long task, the interval grows to a tenth of the
elapsed time.
"""

from __future__ import annotations

import contextlib
import html
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

# Function that takes the number of newly completed steps, and optionally a short text as ``note``.
Advance = Callable[..., None]

# Time between two lines: LINE_SECONDS, or LINE_SHARE of the elapsed time if that is longer.
LINE_SECONDS, LINE_SHARE = 2.0, 0.1
_REFRESH_SECONDS = 0.5


def replace_unprintable(text: str) -> str:
    r"""Replace control characters, because those in a file name could manipulate the terminal.

    Examples
    --------
    >>> replace_unprintable("rows\x1b[2J.csv")
    'rows\ufffd[2J.csv'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_note(note: str, verbose: bool = True) -> None:
    """Print a sentence about the data or the result on standard error."""
    if verbose:
        print(replace_unprintable(note), file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress(
    description: str, total: int, verbose: bool = True, delay: bool = False
) -> Iterator[Advance]:
    """Show the progress and the remaining time of the task in the block.

    The block calls the yielded function for completed steps. With ``delay``, nothing is shown in
    the first two seconds.

    Examples
    --------
    >>> with progress("counting", 3, verbose=False) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    description = replace_unprintable(description)
    if not verbose:
        yield lambda steps, note="": None
    elif _is_notebook():
        with _show_notebook_bar(description, total, delay) as advance:
            yield advance
    elif sys.stderr.isatty():
        with _show_bar(description, total, delay) as advance:
            yield advance
    else:
        if not delay:
            print(f"{description}…", file=sys.stderr, flush=True)
        with _LineProgress(description, total).refresh_periodically() as advance:
            yield advance


class _RemainingTime:
    """Estimate of the remaining time of a task, from its mean speed after the first steps.

    The first steps include compilation, so they would make the estimate many times too long.
    """

    def __init__(self, total: int) -> None:
        self.total, self.n_completed = total, 0
        self._first_measurement: tuple[float, int] | None = None

    def advance(self, steps: int) -> None:
        """Count completed steps."""
        self.n_completed += steps
        if self._first_measurement is None and self.n_completed:
            self._first_measurement = (time.monotonic(), self.n_completed)

    def __str__(self) -> str:
        if self._first_measurement is None or self.n_completed == self._first_measurement[1]:
            return ""
        start, n_completed_before = self._first_measurement
        seconds_per_step = (time.monotonic() - start) / (self.n_completed - n_completed_before)
        return f"{seconds_per_step * (self.total - self.n_completed):.0f} s left"


@contextlib.contextmanager
def _show_bar(description: str, total: int, delay: bool) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remaining]}", markup=False),
        TextColumn("{task.fields[note]}", markup=False),
    )
    bars = Progress(*columns, console=Console(stderr=True))
    remaining_time, start = _RemainingTime(total), time.monotonic()
    task = bars.add_task(description, total=total, note="", remaining=remaining_time)

    def advance(steps: int, note: str = "") -> None:
        remaining_time.advance(steps)
        bars.advance(task, steps)
        if note:
            bars.update(task, note=replace_unprintable(note))
        if delay and time.monotonic() - start > LINE_SECONDS:
            bars.start()

    if not delay:
        bars.start()
    try:
        yield advance
    finally:
        bars.stop()


def _is_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


@contextlib.contextmanager
def _show_notebook_bar(description: str, total: int, delay: bool) -> Iterator[Advance]:
    from IPython.display import HTML, display

    remaining_time, start = _RemainingTime(total), time.monotonic()
    last_note, last_update, handle = "", 0.0, None

    def show(is_last: bool = False) -> None:
        nonlocal handle, last_update
        now = time.monotonic()
        is_due = now - last_update > _REFRESH_SECONDS or is_last
        if not is_due or (delay and handle is None and now - start < LINE_SECONDS):
            return
        last_update = now
        time_text = f"{now - start:.0f} s" if is_last else str(remaining_time)
        bar = HTML(_bar_html(description, remaining_time, time_text, last_note))
        if handle is None:
            handle = display(bar, display_id=True)
        else:
            handle.update(bar)

    def advance(steps: int, note: str = "") -> None:
        nonlocal last_note
        remaining_time.advance(steps)
        last_note = replace_unprintable(note) or last_note
        show()

    if not delay:
        show()
    try:
        yield advance
    finally:
        show(is_last=True)


def _bar_html(description: str, time_left: _RemainingTime, time_text: str, note: str) -> str:
    """Return a progress bar as HTML."""
    share = time_left.n_completed / max(1, time_left.total)
    parts = " · ".join(html.escape(part) for part in (f"{share:.0%}", time_text, note) if part)
    return (
        f"<div>{html.escape(description)} "
        f'<progress value="{share:.3f}" max="1"></progress> {parts}</div>'
    )


class _LineProgress:
    """Progress as lines of text, for an output that is not a terminal."""

    # Tasks in progress; each is nested in the previous one.
    _active: ClassVar[list[_LineProgress]] = []

    def __init__(self, description: str, total: int) -> None:
        self.description, self.note = description, ""
        self.remaining_time = _RemainingTime(total)
        self.start_time = self.last_print_time = time.monotonic()
        self.lock = threading.Lock()

    def __call__(self, steps: int, note: str = "") -> None:
        with self.lock:
            self.remaining_time.advance(steps)
            self.note = replace_unprintable(note) or self.note
            now = time.monotonic()
            interval = max(LINE_SECONDS, LINE_SHARE * (now - self.start_time))
            if now - self.last_print_time > interval:
                print(f"{self.description}: {self._format(now)}", file=sys.stderr, flush=True)
                self.last_print_time = now

    def _format(self, now: float) -> str:
        n_completed = self.remaining_time.n_completed
        if not n_completed and not self.note:
            return f"{now - self.start_time:.0f} s so far"
        parts = [
            f"{n_completed / self.remaining_time.total:.0%}",
            str(self.remaining_time),
            self.note,
        ]
        return ", ".join(filter(None, parts))

    @contextlib.contextmanager
    def refresh_periodically(self) -> Iterator[Advance]:
        """Print lines regularly during the block, except while a nested task prints them."""
        stop_event = threading.Event()

        def refresh() -> None:
            while not stop_event.wait(_REFRESH_SECONDS):
                if self._active[-1:] == [self]:
                    self(0)

        thread = threading.Thread(target=refresh, daemon=True)
        self._active.append(self)
        thread.start()
        try:
            yield self
        finally:
            stop_event.set()
            thread.join()
            self._active.remove(self)
