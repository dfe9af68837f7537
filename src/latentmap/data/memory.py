"""Sizes are checked before memory is taken.

A header can claim any size. Compared with what is free, a wrong or hostile claim costs one
sentence instead of a machine that swaps or a process that is killed.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

from latentmap.errors import TooLargeError

__all__ = ["available_bytes", "check_memory", "let_go"]


def available_bytes() -> int | None:
    """Physical memory that can be taken now, in bytes; None where the system does not tell.

    Linux counts the page cache as used in ``SC_AVPHYS_PAGES`` although it gives it back on demand,
    so its own estimate is preferred where there is one.
    """
    return _from_meminfo(Path("/proc/meminfo")) or _from_sysconf()


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
    available = available_bytes()
    if available is not None and needed > available:
        raise TooLargeError(
            f"{name}: needs {needed / 1e9:,.1f} GB of memory, {available / 1e9:,.1f} GB are free"
        )


def let_go(mapped: Any) -> None:
    """Give the pages of a memory-mapped array that were read back to the system.

    They would count as this process's memory until somebody else needs it. Where the system cannot
    be told, nothing happens.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rows.npy"
    >>> np.save(path, np.arange(3))
    >>> rows = np.load(path, mmap_mode="r")
    >>> let_go(rows)
    >>> rows.tolist()
    [0, 1, 2]
    """
    pages = getattr(mapped, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED") and not mapped.flags.writeable:
        pages.madvise(mmap.MADV_DONTNEED)
