"""A model judged by rows: the steps that `fit` and `evaluate` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latentmap.cli.console import working
from latentmap.cli.streaming import codes_of

if TYPE_CHECKING:
    import numpy as np

    from latentmap.data import Source

__all__ = ["MOST_CODES", "judge", "known_codes"]

MOST_CODES = 100_000
"""Fitted rows that are encoded to be shown and to vote: more add minutes, and no knowledge."""


def known_codes(model: Any, fitted: Source) -> tuple[np.ndarray, np.ndarray | None]:
    """Encode the fitted rows, or a sample of them; give their labels, too."""
    known = fitted.sample(MOST_CODES)
    return codes_of(model, known), known.labels


def judge(
    model: Any, rows: Source, known: tuple[np.ndarray, np.ndarray | None] | None
) -> dict[str, float]:
    """Measure the figures of merit on rows; the known codes vote on labels, if there are any."""
    codes, labels = known if known is not None and known[1] is not None else (None, None)
    with working(f"Measuring quality on {len(rows):,} rows…"):
        from latentmap.metrics import evaluate

        return evaluate(model, rows, among=codes, among_labels=labels)
