"""Delay of Ctrl-C while compiled code runs that an exception would corrupt."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def delay_interrupts() -> Iterator[Callable[[], None]]:
    """Delay Ctrl-C until the yielded function is called or the block ends.

    Cython code of openTSNE calls Python. An exception there leaves a tree half built, which ends
    the process. In threads other than the main thread, which receive no Ctrl-C, nothing is delayed.

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
    received: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: received.append(number))

    def raise_delayed() -> None:
        if received:
            signal.signal(signal.SIGINT, handler)
            signal.raise_signal(received.pop())

    try:
        yield raise_delayed
    finally:
        signal.signal(signal.SIGINT, handler)
        raise_delayed()
