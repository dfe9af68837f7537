"""Ctrl-C, held back where it would come into the middle of compiled code that cannot bear it."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back within the block, until it is asked for or the block ends.

    openTSNE's trees are built by Cython code that calls Python: an exception there leaves half a
    tree behind, and the process dies of it.

    Yields
    ------
    callable
        Lets a Ctrl-C that has come take effect. In other threads than the main one, to which none
        comes, it does nothing.

    Examples
    --------
    >>> _ = signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored, as in a script
    >>> try:
    ...     with interrupts_held() as let_through:
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("to the end of the step")
    ...         let_through()
    ...         print("never here")
    ... except KeyboardInterrupt:
    ...     print("stopped")
    to the end of the step
    stopped
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))

    def let_through() -> None:
        if came:
            signal.signal(signal.SIGINT, handler)
            signal.raise_signal(came.pop())

    try:
        yield let_through
    finally:
        signal.signal(signal.SIGINT, handler)
        let_through()
