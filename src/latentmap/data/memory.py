"""Sizes are checked before memory is taken.

A header can claim any size. Compared with what is free, a wrong or hostile claim costs one
sentence instead of a machine that swaps or a process that is killed.

A limit may be set below what the machine has, for the whole process: it is one of the process, as
memory is, so no estimator and no function needs a parameter for it. What is read, sampled or kept
in memory asks `within` how much of it there may be, and takes its share of the limit.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from latentmap.context import ContextValue
from latentmap.errors import SettingError, TooLargeError

__all__ = [
    "ENGINE_BYTES",
    "available_bytes",
    "check_limit",
    "check_memory",
    "limit_bytes",
    "memory_limit",
    "parse_size",
    "release_freed_memory",
    "resident_bytes",
    "within",
]

ENGINE_BYTES = 1_000_000_000
"""Python, its libraries, Keras and what JAX compiles, whatever the rows: a map of 784 numbers
measured, with nothing compiled before."""
WORK_BYTES = 100_000_000
"""The least to work in beside that."""
ROW_BYTES, BATCH_ROWS, WEIGHT_BYTES = 48, 1000, 20
"""Of any row its place and its number; batches of so many rows; Adam keeps two means a weight."""
VARIABLE = "LATENTMAP_MEMORY"
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([KMGT]?)(I?)B", re.ASCII)
_LIMIT: ContextValue[int | None] = ContextValue("memory_limit", None, all_threads=True)


def parse_size(size: str | int) -> int:
    """Read a size of memory.

    Parameters
    ----------
    size : str or int
        ``"500MB"``, ``"4GB"`` (powers of 1000), ``"2GiB"`` (powers of 1024), or bytes.

    Returns
    -------
    int

    Raises
    ------
    SettingError
        If it is no size above 0.

    Examples
    --------
    >>> parse_size("1.5 GB"), parse_size("2GiB"), parse_size(7)
    (1500000000, 2147483648, 7)
    """
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    found = _SIZE.fullmatch(size.strip().upper()) if isinstance(size, str) else None
    if found is not None:
        number, prefix, binary = found.groups()
        base = 1024 if binary and prefix else 1000
        value = float(number) * base ** " KMGT".index(prefix or " ")
        if 1 <= value < math.inf:
            return int(value)
    raise SettingError(f"memory: expected a size such as 500MB, 4GB or 2GiB, found {size!r}")


@contextlib.contextmanager
def memory_limit(size: str | int | None) -> Iterator[None]:
    """Keep the memory of this process below a limit for as long as the block takes.

    Larger data are streamed, and samples get smaller; what cannot be done within the limit is
    refused before it starts. ``LATENTMAP_MEMORY`` in the environment does the same from the start.

    Parameters
    ----------
    size : str, int or None
        Such as ``"4GB"``, see `parse_size`. None leaves things as they are.

    Raises
    ------
    SettingError
        If it is no size.

    Examples
    --------
    >>> with memory_limit("4GB"):
    ...     limit_bytes()
    4000000000
    """
    if size is None:
        yield
        return
    with _LIMIT.set_to(parse_size(size)):
        yield


def limit_bytes() -> int | None:
    """Tell the limit that is set, in bytes; None where there is none."""
    limit = _LIMIT.get()
    if limit is not None:
        return limit
    size = os.environ.get(VARIABLE)
    return parse_size(size) if size else None


def within(usual: int, share: float) -> int:
    """Tell how many bytes something may take: what is usual, or its share of a limit that is set.

    Parameters
    ----------
    usual : int
        Bytes without a limit.
    share : float
        Of what the limit leaves beside `ENGINE_BYTES`. What is taken at the same time adds up to
        less than 1.

    Returns
    -------
    int

    Examples
    --------
    >>> with memory_limit("2GB"):
    ...     within(2**30, 0.1), within(2**20, 0.1)
    (100000000, 1048576)
    """
    limit = limit_bytes()
    return usual if limit is None else min(usual, max(0, int(share * (limit - ENGINE_BYTES))))


def resident_bytes() -> int:
    """Tell how much memory this process has now; 0 where the system does not tell.

    Examples
    --------
    >>> resident_bytes() >= 0
    True
    """
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def check_limit(rows: int = 0, row_bytes: int = 0, weights: int = 0) -> None:
    """Refuse a fit that the limit, if one is set, has no room for, before any work.

    Parameters
    ----------
    rows, row_bytes : int
        How many rows there are, and how large each is.
    weights : int
        Numbers in the networks.

    Raises
    ------
    TooLargeError
        Telling how much would be needed at least.

    Examples
    --------
    >>> with memory_limit("4GB"):
    ...     check_limit(60_000, 784, 1_000_000)
    """
    limit = limit_bytes()
    if limit is None:
        return
    least = ENGINE_BYTES + WORK_BYTES
    least += ROW_BYTES * rows + BATCH_ROWS * row_bytes + WEIGHT_BYTES * weights
    if least > limit:
        raise TooLargeError(
            f"memory: expected a limit of {math.ceil(least / 1e8) / 10:.1f} GB at least, "
            f"found {limit / 1e9:.3g} GB"
        )


def release_freed_memory() -> None:
    """Return what was freed to the system, under a limit: compiling leaves a lot that C keeps.

    Examples
    --------
    >>> with memory_limit("4GB"):
    ...     release_freed_memory()
    """
    if limit_bytes() is not None and sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library that has no such call
            ctypes.CDLL(None).malloc_trim(0)


def available_bytes() -> int | None:
    """Physical memory that can be taken now, in bytes; None where the system does not tell.

    With a limit, no more than what is left of it. Linux counts the page cache as used in
    ``SC_AVPHYS_PAGES`` although it gives it back on demand, so its own estimate is preferred where
    there is one.
    """
    free, limit = _from_meminfo(Path("/proc/meminfo")) or _from_sysconf(), limit_bytes()
    if limit is None:
        return free
    left = max(0, limit - resident_bytes())
    return left if free is None else min(free, left)


def _from_meminfo(path: Path) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _from_sysconf() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_memory(name: str, needed: int) -> None:
    """Refuse what does not fit.

    Parameters
    ----------
    name : str
        What needs the memory, for the message.
    needed : int
        Bytes.

    Raises
    ------
    TooLargeError
        If fewer bytes than ``needed`` are available.

    Examples
    --------
    >>> check_memory("rows.npz", 10)
    >>> check_memory("rows.npz", 2**60)
    Traceback (most recent call last):
        ...
    latentmap.errors.TooLargeError: rows.npz: needs 1,152,921,504.6 GB of memory, ... GB are free
    """
    available, limit = available_bytes(), limit_bytes()
    if available is not None and needed > available:
        left = "free" if limit is None else f"left within the limit of {limit / 1e9:.3g} GB"
        raise TooLargeError(
            f"{name}: needs {needed / 1e9:,.1f} GB of memory, {available / 1e9:,.1f} GB are {left}"
        )
