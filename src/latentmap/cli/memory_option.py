"""What a verb may take of the machine, and what it will take.

Kept apart from the verbs, so that any of them can have the option.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from latentmap.errors import SettingError

if TYPE_CHECKING:
    from latentmap.cli.row_selection import Parts
    from latentmap.training.forecast import Cost, Pace

__all__ = ["check_told", "limited", "refuse_limit", "report_cost", "telling_report"]

_VARIABLE = "LATENTMAP_MEMORY"
_PICTURE_SECONDS, _PICTURE_BYTES = 3.0, 100_000_000
_TRUST_SECONDS, _TRUST_BYTES = 1.2e-7, 22
"""A pair of the rows that trustworthiness looks at."""
_VOTE_SECONDS = 5e-9
"""A pair of an unseen and a fitted row, for both figures of accuracy. These constants were found on
the machine that `latentmap.training.forecast` names."""


def check_told() -> None:
    """Refuse a limit in the environment that is none, or below what any verb takes."""
    if not os.environ.get(_VARIABLE):  # and import nothing
        return
    from latentmap.data.memory import check_memory

    check_memory("memory", 0, engine=True)


def refuse_limit(memory: str | None, beside: str) -> None:
    """Refuse a limit, told by the option or by the environment, where none could be kept."""
    named = {"--memory": memory, _VARIABLE: os.environ.get(_VARIABLE)}
    for name, told in named.items():
        if told:
            raise SettingError(f"{name}: expected none with {beside}")


@contextlib.contextmanager
def limited(memory: str | None) -> Iterator[None]:
    """Keep memory below a limit within the block; refuse one below what any fit takes."""
    from latentmap.data.memory import check_memory, memory_limit

    with memory_limit(memory):
        check_memory("memory", 0, engine=True)
        yield


@contextlib.contextmanager
def telling_report(parts: Parts) -> Iterator[None]:
    """Let what is told before a fit include the report and the pictures."""
    from latentmap.training.forecast import followed_by

    with followed_by(lambda pace: report_cost(parts, pace)):
        yield


def report_cost(parts: Parts, pace: Pace) -> Cost:
    """Tell what judging and drawing take: seconds, and bytes beside what is there before."""
    from latentmap.cli.evaluation import MOST_CODES
    from latentmap.metrics import trusted_rows
    from latentmap.training.forecast import Cost

    known = min(MOST_CODES, len(parts.fitted))
    seconds = known * (pace.again + pace.encode) + _PICTURE_SECONDS * pace.slowness
    if parts.unseen is None:
        return Cost(seconds, _PICTURE_BYTES)
    unseen = len(parts.unseen)
    pairs = trusted_rows(math.prod(pace.rows.row_shape), unseen) ** 2
    votes = unseen * known if parts.unseen.labels is not None else 0
    measured = pairs * _TRUST_SECONDS + votes * _VOTE_SECONDS
    seconds += unseen * (pace.again + 2 * pace.encode) + measured * pace.slowness
    return Cost(seconds, max(_PICTURE_BYTES, _TRUST_BYTES * pairs))
