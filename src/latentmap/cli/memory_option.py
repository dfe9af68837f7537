"""The option ``--memory`` and the environment variable ``LATENTMAP_MEMORY``."""

import contextlib
import os
from collections.abc import Iterator

from latentmap.errors import SettingError

_VARIABLE_NAME = "LATENTMAP_MEMORY"


def check_memory_variable() -> None:
    """Raise SettingError if the environment variable is set to an invalid or too low limit."""
    # The import below is slow and only necessary if there is a limit.
    if not os.environ.get(_VARIABLE_NAME):
        return
    from latentmap.data.memory import check_memory

    check_memory("memory", 0, with_engine=True)


def reject_memory_limit(memory: str | None, reason: str) -> None:
    """Raise SettingError if the option or the environment variable sets a limit."""
    for name, value in {
        "--memory": memory,
        _VARIABLE_NAME: os.environ.get(_VARIABLE_NAME),
    }.items():
        if value:
            raise SettingError(f"{name}: {reason}; remove the limit")


@contextlib.contextmanager
def apply_memory_limit(memory: str | None) -> Iterator[None]:
    """Limit the memory of this process within the block."""
    from latentmap.data.memory import check_memory, memory_limit

    with memory_limit(memory):
        check_memory("memory", 0, with_engine=True)
        yield
