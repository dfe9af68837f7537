"""Values that a ``with`` block sets for all functions that it calls.

The memory limit and the launcher of training tasks are chosen in one function and used by functions
many calls below it. Both are a `ContextValue`, the only kind of global state in this package.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")


class ContextValue(Generic[T]):
    """A value with a default that `set_to` replaces for the duration of a block.

    Parameters
    ----------
    name : str
        Name of the value in a debugger.
    default : object
        Value outside of every block.
    all_threads : bool
        Whether a block sets the value for all threads that have not set it themselves. By default
        it is set only in the thread or asynchronous task that entered the block.

    Examples
    --------
    >>> depth = ContextValue("depth", 0)
    >>> with depth.set_to(1):
    ...     depth.get()
    1
    >>> depth.get()
    0
    """

    def __init__(self, name: str, default: T, *, all_threads: bool = False) -> None:
        self._variable: ContextVar[T] = ContextVar(name)
        self._process_values: list[T] = [default]
        self._all_threads = all_threads

    def get(self) -> T:
        """Return the value of the innermost block, or the default."""
        return self._variable.get(self._process_values[-1])

    @contextlib.contextmanager
    def set_to(self, value: T) -> Iterator[None]:
        """Replace the value until the block ends."""
        token = self._variable.set(value)
        if self._all_threads:
            self._process_values.append(value)
        try:
            yield
        finally:
            self._variable.reset(token)
            if self._all_threads:
                self._process_values.remove(value)
