"""What fitting will take, told before it starts: seconds and bytes.

Where the time goes is measured, here and now and on the rows at hand, for some seconds: rows are
read from several places, the estimator's own networks take their very steps on a few rows, and the
layout moves as many random points as it will have. What remains, and scarcely counts, is counted
in products of matrices; how long these take is measured, too.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from latentmap.data import memory
from latentmap.data.memory import limit_bytes
from latentmap.data.sources import ArraySource, Source
from latentmap.maps.layout import layout_seconds
from latentmap.maps.layout_extension import LAYOUT_BYTES
from latentmap.preprocessing import pca_projection
from latentmap.preprocessing.scaling import row_statistics
from latentmap.training.checkpoints import empty_history
from latentmap.training.loop import encoding_seconds, pace
from latentmap.training.preparation import Prepared
from latentmap.training.strategy import Trial

__all__ = [
    "Cost",
    "Pace",
    "Plan",
    "Rehearsal",
    "followed_by",
    "forecast",
    "forecast_growth",
    "measure",
]

PROBED_ROWS, PROBED_NUMBERS, PROBED_SECONDS = 4096, 1 << 21, 0.5
TOGETHER_SECONDS = 2.0
"""Of steps that several processes take together: how long they wait for each other varies."""
PRODUCTS, PRODUCT_SECONDS = 4, 0.0275
"""Of so many products of 1024 × 1024 numbers, one's time on one core."""
PRODUCT_RATE, EXACT_RATE = 5e10, 1.2e10
"""Operations a second of principal components, in single and in double precision, where
`slowness` is 1. This and the constants below were found on two cores of a Xeon of 2.9 GHz."""
NEIGHBOR_SECONDS, PLACED_SECONDS = 3e-5, 8e-6
"""A row: to find its neighbours, and to find the nearest laid out."""
MAP_SECONDS, START_SECONDS, AGAIN_SECONDS = 2.5, 1.0, 2.0
"""Landmarks and what is kept at them; networks, assembled and compiled for other uses; at most, the
training to be traced again, and found in JAX's cache, where the rehearsal has left it."""
PASS_BYTES = 100_000_000
"""Batches of a pass over rows that stay on a disk, in the types that they are worked on in."""
COPIES = 3
"""Of a chunk of rows, on its way through training."""
ROW_BYTES = 40
"""Of a row of a map: its position, which is trained on, and its number."""


class Cost(NamedTuple):
    """What something takes.

    Examples
    --------
    >>> str(Cost(130.0, 1.31e9)), str(Cost(44.0, 6.2e8, at_most=True))
    ('About 2.2 minutes and 1.3 GB of memory', 'At most about 45 seconds and 620 MB of memory')
    >>> str(Cost(7000.0, 1.31e9, workers=8, each_worker=6.2e8))
    'About 1.9 hours and 1.3 GB of memory here, 620 MB in each worker'
    """

    seconds: float
    peak: float
    """Bytes: the most that the process has at any time."""
    at_most: bool = False
    """Training may stop early."""
    workers: int = 0
    """Other processes, where these train."""
    each_worker: float = 0.0
    """Bytes of each."""

    def __str__(self) -> str:
        about = "At most about" if self.at_most else "About"
        told = f"{about} {_duration(self.seconds)} and {_size(self.peak)} of memory"
        if not self.workers:
            return told
        which = "each" if self.workers > 1 else "the"
        return f"{told} here, {_size(self.each_worker)} in {which} worker"


def _duration(seconds: float) -> str:
    """Say how long in words, with two digits where they count.

    Examples
    --------
    >>> [_duration(s) for s in (7.2, 52.0, 100.0, 400.0, 9000.0)]
    ['7 seconds', '50 seconds', '1.7 minutes', '7 minutes', '2.5 hours']
    """
    if seconds < 90:
        return f"{round(seconds / 5) * 5 if seconds > 20 else max(1, round(seconds))} seconds"
    number, unit = (seconds / 60, "minutes") if seconds < 5400 else (seconds / 3600, "hours")
    text = f"{number:.1f}".removesuffix(".0") if number < 5 else f"{number:.0f}"
    return f"{text} {unit}"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{round(count / 1e7) * 10} MB"


class Plan(NamedTuple):
    """What will be done."""

    training: Any
    epochs: int
    weights: int
    """Numbers in the networks' kernels."""
    uses: int = 1
    """How often each is multiplied by for a row."""
    components: int = 0
    """How many principal components are found."""
    sample: int | None = None
    """On how many rows; None for as many as memory is meant to hold."""
    is_map: bool = False
    layout: tuple[int, int, int] | None = None
    """Rows laid out, dimensions and neighbours, where a layout is to be found."""


@dataclass
class Pace:
    """How fast things go here and now; seconds."""

    rows: Source
    read: float
    """Of a row, to be read from where it lies."""
    scan: float
    """Of a row, to be looked at in memory."""
    slowness: float
    """How many times as long a product of matrices takes as where the constants were found."""
    trial: Trial = field(default=Trial(0.0, 0.0, 0.0, 0))
    """Some steps, by whoever trains."""
    crew: bool = False
    """Whether these are other processes."""
    encode: float = 0.0
    """Of a row, to go through the networks in this process."""
    width: float | None = None
    """At last, of a layout of few rows in the plane."""
    resident: int = 0
    """Bytes of this process, when all was compiled."""

    @property
    def in_memory(self) -> bool:
        """Whether the rows are or will be loaded."""
        return self.rows.in_memory or self.rows.fits_in_memory()

    @property
    def compiling_again(self) -> float:
        """Seconds of tracing once more what the rehearsal has compiled."""
        return min(self.trial.compiling, AGAIN_SECONDS * self.slowness)

    @property
    def again(self) -> float:
        """Of a row, to be read another time: what is slow to decode is copied the first time.

        Not where others train: these copy what they train on themselves.
        """
        if self.in_memory:
            return 0.0
        return self.read if self.rows.is_decoded or self.crew else self.scan


@dataclass(frozen=True)
class Rehearsal(Prepared):
    """A few prepared rows, whose training takes a few steps only and notes how long they take."""

    pace: Any = field(default=None)
    plan: Any = field(default=None)
    advance: Any = field(default=None)
    """Of the bar that shows it."""

    def train(self, objective: Any, visible: bool) -> dict[str, list[float]]:  # noqa: D102
        planned = self.plan
        told = (objective, self.fitted, len(self.pace.rows), planned.training, planned.epochs)
        self.pace.trial = pace(*told, PROBED_SECONDS)
        self.pace.encode = encoding_seconds(objective, self.fitted)
        return empty_history()


_FOLLOWING: list[Callable[[Pace], Cost]] = []


@contextlib.contextmanager
def followed_by(cost: Callable[[Pace], Cost]) -> Iterator[None]:
    """Let what is told before a fit within this block include what follows it.

    Parameters
    ----------
    cost : callable
        Gives, for a `Pace`, the seconds of what follows, and its bytes beside what is there then.

    Examples
    --------
    >>> with followed_by(lambda found: Cost(3.0, 0.0)):
    ...     len(_FOLLOWING)
    1
    """
    _FOLLOWING.append(cost)
    try:
        yield
    finally:
        _FOLLOWING.pop()


def measure(rows: Source) -> tuple[Pace, Source]:
    """Read some rows, and tell how fast that goes.

    Returns
    -------
    Pace
    Source
        The rows that were read, in memory.

    Examples
    --------
    >>> found, some = measure(ArraySource(np.zeros((9000, 5))))
    >>> found.read > 0, len(some)
    (True, 4096)
    """
    start = time.perf_counter()
    parts: list[np.ndarray] = []
    count, spent = 0, 0.0
    for numbers in _some_blocks(rows):
        parts.append(rows.take(numbers))
        count += len(numbers)
        spent = time.perf_counter() - start
        if count >= PROBED_ROWS or spent > PROBED_SECONDS:
            break
    some = ArraySource(np.concatenate(parts), feature_names=rows.feature_names, name=rows.name)
    start = time.perf_counter()
    row_statistics(some)
    scan = (time.perf_counter() - start) / count
    return Pace(rows, spent / count, scan, _slowness()), some


def _some_blocks(rows: Source) -> Iterator[np.ndarray]:
    """Give the numbers of some rows, here and there; of rows in blocks, those of some blocks."""
    most = max(64, min(PROBED_ROWS, PROBED_NUMBERS // math.prod(rows.row_shape)))
    bounds = rows.block_starts
    if bounds is None:
        yield np.unique(np.linspace(0, len(rows) - 1, most).astype(int))
        return
    ends = np.append(bounds[1:], len(rows))
    for block in np.unique(np.linspace(0, len(bounds) - 1, 16).astype(int)):
        yield np.arange(bounds[block], ends[block])[:most]


def _slowness() -> float:
    """Time some products of matrices; 1 is as fast as where the constants were found."""
    a = np.ones((1024, 1024), np.float32)
    with threadpool_limits(1, "blas"):  # where others work too, two threads wait for each other
        a @ a
        start = time.perf_counter()
        for _ in range(PRODUCTS):
            a @ a
        return max(0.2, (time.perf_counter() - start) / (PRODUCTS * PRODUCT_SECONDS))


def forecast(found: Pace, plan: Plan) -> Cost:
    """Tell what fitting takes, with what was told to follow it.

    Parameters
    ----------
    found : Pace
    plan : Plan

    Returns
    -------
    Cost
    """
    n, d = len(found.rows), math.prod(found.rows.row_shape)
    found.slowness = (found.slowness + _slowness()) / 2  # other programs come and go
    held_out = plan.training.rows_held_out(n, d)
    sample = _component_rows(n, d, plan)
    seconds = _reading_seconds(found) + _training_seconds(found, plan, held_out)
    seconds += found.slowness * (START_SECONDS + _component_seconds(sample, d, plan.components))
    seconds += _map_seconds(found, plan) if plan.is_map else 0.0
    after = _following(found)
    laid_out = plan.layout[0] if plan.layout else 0
    passing = max(1.3 * 4 * sample * d * bool(plan.components), LAYOUT_BYTES * laid_out)
    kept = _kept_bytes(found) + (ROW_BYTES * n if plan.is_map else 0)
    chunks = COPIES * min(memory.BUDGET.training_chunk.max_bytes(), found.rows.nbytes)
    peak = found.resident + kept + chunks + max(passing, after.peak)
    if limit := limit_bytes():
        peak = min(peak, limit)
    at_most = plan.training.patience is not None and bool(held_out)
    told = Cost(seconds + after.seconds, peak, at_most)
    if not found.crew:
        return told
    each_worker = found.trial.resident + _buffer_bytes(found) + chunks
    return told._replace(workers=found.trial.processes, each_worker=each_worker)


def _following(found: Pace) -> Cost:
    """Tell what follows the fit or the growth."""
    return _FOLLOWING[-1](found) if _FOLLOWING else Cost(0.0, 0.0)


def forecast_growth(found: Pace, steps: int, lessons: float) -> Cost:
    """Tell what is left of a growth before its training, with what was told to follow it.

    Parameters
    ----------
    found : Pace
    steps : int
        Of training, in all epochs.
    lessons : float
        Seconds that go to preparing what these steps train on.

    Returns
    -------
    Cost
    """
    n = len(found.rows)
    seconds = lessons + steps * found.trial.step + found.compiling_again
    seconds += 2 * n * (found.again + found.encode) + found.slowness * START_SECONDS
    after = _following(found)
    return Cost(seconds + after.seconds, found.resident + after.peak)


def _reading_seconds(found: Pace) -> float:
    """Statistics, and loading all rows or a sample of them."""
    n, rows = len(found.rows), found.rows
    if found.in_memory:
        return n * (found.scan + (0 if isinstance(rows, ArraySource) else found.read))
    sampled = min(1.0, 4 * memory.BUDGET.row_sample.usual / rows.nbytes)
    return n * (found.scan + found.read + sampled * found.again)


def _training_seconds(found: Pace, plan: Plan, held_out: int) -> float:
    n = len(found.rows) - held_out
    steps = n // plan.training.rows_a_step(n)
    looks = plan.epochs // max(1, 50 // max(1, steps))
    return (
        plan.epochs * steps * found.trial.step
        + _supplying_seconds(found, plan.epochs, n)
        + looks * held_out * found.trial.encode
        + min(n, 10_000) * found.encode
        + found.compiling_again
    )


def _supplying_seconds(found: Pace, epochs: int, n: int) -> float:
    """Count the runs through rows on a disk; each of several workers decodes its share once."""
    if found.in_memory or not found.crew:
        return epochs * n * found.again
    once, each_time = (0.0, found.read) if found.rows.is_decoded else (found.read, found.scan)
    return (once + epochs * each_time) * n / found.trial.processes


def _component_rows(n: int, d: int, plan: Plan) -> int:
    usual = memory.BUDGET.pca_sample.max_bytes() // (4 * d)
    return min(n, plan.sample or max(d // 8, usual))


def _component_seconds(rows: int, d: int, width: int) -> float:
    """Count the operations of a whole decomposition, or of one to so many components."""
    if not width:
        return 0.0
    low, high = sorted((rows, d))
    if rows * d <= pca_projection.EXACT_NUMBERS:
        return (6 * high * low**2 + 20 * low**3) / EXACT_RATE
    products = 2 * rows * d * min(d, 16 * (width + 10)) + 12 * min(d, 1000) ** 3
    return products / PRODUCT_RATE + 8e-9 * rows * d


def _map_seconds(found: Pace, plan: Plan) -> float:
    """Count a layout, the places of rows that are not in it, and landmarks."""
    seconds = found.slowness * MAP_SECONDS
    if plan.layout is None:
        return seconds
    laid_out, others = plan.layout[0], len(found.rows) - plan.layout[0]
    seconds += (
        layout_seconds(*plan.layout, found.width) + found.slowness * NEIGHBOR_SECONDS * laid_out
    )
    return seconds + others * (found.again + found.scan + found.slowness * PLACED_SECONDS)


def _kept_bytes(found: Pace) -> int:
    """Rows in memory, or a sample and the buffers that the others pass through."""
    rows = found.rows
    if found.in_memory:
        loaded = 0 if rows.in_memory else rows.nbytes
        return loaded + (rows.nbytes if found.crew else 0)  # once more where workers find them
    return _buffer_bytes(found) + memory.BUDGET.row_sample.max_bytes()


def _buffer_bytes(found: Pace) -> int:
    """Of a process that trains: all rows in memory, or what those on a disk pass through."""
    return (
        found.rows.nbytes
        if found.in_memory
        else 2 * memory.BUDGET.shuffle_buffer.max_bytes() + PASS_BYTES
    )
