"""The memory limit, its division among consumers, and the check before an allocation.

A file header can claim any size, and a setting can ask for a network of any size. `check_memory`
compares a size with the memory that is available before anything is allocated.

A limit applies to the whole process, so it is global state and not a parameter of every function.
`BUDGET` divides it among all consumers whose size can be chosen.
"""

import contextlib
import ctypes
import math
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from latentmap.context import ContextValue
from latentmap.errors import SettingError, TooLargeError

VARIABLE_NAME = "LATENTMAP_MEMORY"
# Memory of Python, its libraries and compiled code, measured for a fit of a map to 784 columns.
ENGINE_BYTES = 1_000_000_000
# Minimum working memory of a fit in addition to its arrays.
WORK_BYTES = 100_000_000
# Memory for the layout position, the target and the index of each row of a fit.
ROW_BYTES = 48
BATCH_ROWS = 1000
# Memory for each weight: float32, its gradient, the two running means of Adam, and the best value.
WEIGHT_BYTES = 20
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([KMGT]?)(I?)B", re.ASCII)
_LIMIT: ContextValue[int | None] = ContextValue("memory_limit", None, all_threads=True)


def parse_size(size: str | int) -> int:
    """Return the bytes of a size such as 4GB (powers of 1000) or 2GiB (powers of 1024)."""
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    match = _SIZE.fullmatch(size.strip().upper()) if isinstance(size, str) else None
    if match is not None:
        number, prefix, binary = match.groups()
        base = 1024 if binary and prefix else 1000
        value = float(number) * base ** " KMGT".index(prefix or " ")
        if 1 <= value < math.inf:
            return int(value)
    raise SettingError(f"memory: expected a size such as 500MB, 4GB or 2GiB, found {size!r}")


@contextlib.contextmanager
def memory_limit(size: str | int | None) -> Iterator[None]:
    """Limit the memory of this process for the duration of a block.

    Under a limit, large data are streamed and samples are smaller. Work that cannot be done within
    the limit raises TooLargeError before it starts. The environment variable ``LATENTMAP_MEMORY``
    sets a limit for the whole process.

    Parameters
    ----------
    size : str, int or None
        A size such as ``"4GB"``, see `parse_size`. None keeps the present limit.

    Raises
    ------
    SettingError
        If ``size`` is not a positive size.

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
    """Return the memory limit in bytes, or None if there is no limit."""
    limit = _LIMIT.get()
    if limit is not None:
        return limit
    size = os.environ.get(VARIABLE_NAME)
    return parse_size(size) if size else None


@dataclass(frozen=True)
class MemoryShare:
    """Share of the memory for one consumer, which may hold several copies at the same time.

    A copy has ``default_bytes``, or at most a fraction of the limit without `ENGINE_BYTES`.
    """

    default_bytes: int
    fraction: float
    copies: int = 1

    def max_bytes(self) -> int:
        """Return the bytes that one copy may use now."""
        limit = limit_bytes()
        if limit is None:
            return self.default_bytes
        return min(self.default_bytes, max(0, int(self.fraction * (limit - ENGINE_BYTES))))


@dataclass(frozen=True)
class MemoryBudget:
    """Division of a memory limit among consumers.

    The constructor raises ValueError if the fractions of consumers that exist at the same time sum
    to more than 1.
    """

    loaded_rows: MemoryShare = MemoryShare(512 * 2**20, 0.3)
    row_sample: MemoryShare = MemoryShare(128 * 2**20, 0.15)
    shuffle_buffer: MemoryShare = MemoryShare(64 * 2**20, 0.05, copies=2)
    training_chunk: MemoryShare = MemoryShare(32 * 2**20, 0.03, copies=3)
    # scikit-learn copies the sample on which it computes principal components.
    pca_sample: MemoryShare = MemoryShare(256 * 2**20, 0.15, copies=3)
    # Without a memory limit, only the number of rows limits a layout.
    layout: MemoryShare = MemoryShare(2**62, 0.4)
    # A search among 60,000 images of 784 numbers needs 13 bytes for each number.
    evaluation: MemoryShare = MemoryShare(640 * 2**20, 0.6)

    SIMULTANEOUS_SHARES: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("loaded_rows", "row_sample", "shuffle_buffer", "training_chunk"),
        ("loaded_rows", "row_sample", "pca_sample"),
        ("loaded_rows", "row_sample", "layout"),
        ("loaded_rows", "evaluation"),
    )

    def __post_init__(self) -> None:
        for names in self.SIMULTANEOUS_SHARES:
            shares: list[MemoryShare] = [getattr(self, name) for name in names]
            total = sum(share.fraction * share.copies for share in shares)
            if total > 1:
                raise ValueError(f"{', '.join(names)}: expected at most 1 in all, found {total:g}")


BUDGET = MemoryBudget()


def resident_bytes() -> int:
    """Return the resident memory of this process, or 0 where the system does not report it."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def available_bytes() -> int | None:
    """Return the memory that can be allocated now, or None where the system does not report it.

    Linux counts the page cache as used in ``SC_AVPHYS_PAGES`` although it can be reclaimed, so the
    estimate in ``/proc/meminfo`` is preferred.
    """
    n_free_bytes, limit = _from_meminfo(Path("/proc/meminfo")) or _from_sysconf(), limit_bytes()
    if limit is None:
        return n_free_bytes
    within_limit = max(0, limit - resident_bytes())
    return within_limit if n_free_bytes is None else min(n_free_bytes, within_limit)


def _from_meminfo(path: Path) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(sizes[0]) * 1024 if sizes else None


def _from_sysconf() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def fit_memory_bytes(n_rows: int, row_bytes: int, n_weights: int = 0, n_components: int = 0) -> int:
    """Return the minimum number of bytes that a fit allocates if its rows stay on disk."""
    batch_bytes = min(n_rows, BATCH_ROWS) * (row_bytes + 4 * n_components)
    return ROW_BYTES * n_rows + batch_bytes + WEIGHT_BYTES * n_weights


def check_memory(name: str, needed_bytes: int, with_engine: bool = False) -> None:
    """Raise TooLargeError if an allocation does not fit into the available memory.

    If the work runs on the engine, a memory limit must also hold `ENGINE_BYTES` and `WORK_BYTES`.
    """
    limit, min_bytes = limit_bytes(), ENGINE_BYTES + WORK_BYTES + needed_bytes
    if with_engine and limit is not None and min_bytes > limit:
        raise TooLargeError(
            f"{name}: expected a memory limit of at least "
            f"{math.ceil(min_bytes / 1e8) / 10:.1f} GB, found {limit / 1e9:.3g} GB"
        )
    n_available_bytes = available_bytes()
    if n_available_bytes is not None and needed_bytes > n_available_bytes:
        limit_text = "" if limit is None else f" within the limit of {limit / 1e9:.3g} GB"
        raise TooLargeError(
            f"{name}: needs {needed_bytes / 1e9:,.1f} GB of memory, "
            f"but {n_available_bytes / 1e9:,.1f} GB are available{limit_text}"
        )


def check_requested_memory(name: str, needed_bytes: int) -> None:
    """Check an allocation whose size an argument sets, unless it is smaller than `WORK_BYTES`."""
    if needed_bytes > WORK_BYTES:
        check_memory(name, needed_bytes)


def release_freed_memory() -> None:
    """Release unused memory of this process to the system, if there is a memory limit."""
    if limit_bytes() is not None and sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # Some C libraries have no malloc_trim.
            ctypes.CDLL(None).malloc_trim(0)
