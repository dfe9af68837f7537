"""Values that hold inside a ``with`` block, without a parameter on every function in between.

The memory limit and the training strategy are needed far below the call that chooses them. Both are
stored here, so that the package has one kind of ambient state and no module that changes a global.
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
        Identifies the value in a debugger.
    default : object
        Returned by `get` outside of every block.
    all_threads : bool
        Whether the value also holds in threads that have not set it themselves. Without it, the
        value holds only in the thread or task that entered the block.

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
