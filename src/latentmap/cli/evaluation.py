"""Measuring the quality of a model, as `fit` and `evaluate` do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latentmap.cli.console import format_count, show_status
from latentmap.cli.streaming import encode_rows
from latentmap.data import Source
from latentmap.metrics import evaluate

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder

# Encoding more fitted rows takes minutes and changes neither the plots nor the accuracy.
MAX_CODES = 100_000


class LabelledCodes(NamedTuple):
    """Codes, and the labels of their rows if they have any."""

    codes: np.ndarray
    labels: np.ndarray | None


def encode_sample(model: BaseAutoEncoder, rows: Source) -> LabelledCodes:
    """Encode rows, or a sample of them if they are many."""
    sample = rows.sample(MAX_CODES)
    return LabelledCodes(encode_rows(model, sample), sample.labels)


def measure_quality(
    model: BaseAutoEncoder, rows: Source, reference: LabelledCodes | None
) -> dict[str, float]:
    """Compute the quality figures on rows; labels are predicted from the reference codes."""
    codes, labels = (None, None)
    if reference is not None and reference.labels is not None:
        codes, labels = reference
    with show_status(f"Measuring quality on {format_count(len(rows), 'row')}…"):
        return evaluate(model, rows, reference=codes, reference_labels=labels)
