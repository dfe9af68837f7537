"""Delay of Ctrl-C during compiled code that an exception would corrupt."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def delay_interrupts() -> Iterator[Callable[[], None]]:
    """Delay Ctrl-C until the yielded function is called or the block ends.

    Cython code of openTSNE calls Python. An exception in that call leaves a tree incomplete, which
    crashes the process. Python sends Ctrl-C to the main thread only, so nothing is delayed in other
    threads.

    Examples
    --------
    >>> _ = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> try:
    ...     with delay_interrupts() as raise_delayed:
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("the step ends")
    ...         raise_delayed()
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    the step ends
    interrupted
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    received_signals: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: received_signals.append(number))

    def raise_delayed() -> None:
        if received_signals:
            signal.signal(signal.SIGINT, handler)
            signal.raise_signal(received_signals.pop())

    try:
        yield raise_delayed
    finally:
        signal.signal(signal.SIGINT, handler)
        raise_delayed()
