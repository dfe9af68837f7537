"""How fine codes must be for an error, or a size, that is allowed: a sample of the rows tells."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from latentmap.analysis.codec_file import pack_codes, rounded
from latentmap.analysis.encoding import encode_batch
from latentmap.analysis.model_info import ModelInfo, model_fingerprint
from latentmap.analysis.quantize import (
    Quantizer,
    coarsest,
    finest,
    fit_quantizer,
    sensitivity,
    tamed,
)
from latentmap.data import Source
from latentmap.data.batching import read_batches
from latentmap.errors import SettingError
from latentmap.progress import progress

__all__ = ["SLACK", "Limit", "Sample", "Task", "fingerprint"]

SLACK = 1.05
"""Without a wish, rounding may add a twentieth to the error that the model makes anyway."""
_SAMPLE, _SAMPLE_NUMBERS = 10_000, 2**25
_BLOCK, _BLOCK_NUMBERS = 8192, 2**23
_ZIPPED = 2**23
_DIGITS = 16


class Limit(NamedTuple):
    """What is allowed: an error, a size, or neither."""

    error: float | None
    bytes_a_row: float | None

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.bytes_a_row} bytes a row"
        return f"an error of {self.error}"

    def checked(self) -> Limit:
        """Refuse two limits, and what is no limit."""
        if None not in self:
            raise SettingError("error, bytes a row: expected one limit, found both")
        for name, value in zip(("error", "bytes a row"), self, strict=True):
            if value is not None and not 0 < value < math.inf:
                raise SettingError(f"{name}: expected a number above 0, found {value}")
        return self

    def holds(self, mse: float, bytes_a_row: float) -> bool:
        """Tell whether what was written keeps the limit."""
        if self.bytes_a_row is not None:
            return bytes_a_row <= self.bytes_a_row
        return self.error is None or mse <= self.error

    def check_possible(self, model_mse: float) -> None:
        """Refuse an error that the model makes by itself."""
        if self.error is not None and self.error <= model_mse:
            raise SettingError(
                f"error: expected more than {model_mse:.4g}, which the model itself makes on these "
                f"rows before any code is rounded, found {self.error:g}"
            )


@dataclass(frozen=True)
class Task:
    """Rows, and the model that takes them to codes and back."""

    estimator: Any
    source: Source
    labels: tuple[list | None, bytes]

    @property
    def row_numbers(self) -> int:
        """Return how many numbers a row has."""
        return math.prod(self.source.row_shape)

    @property
    def block(self) -> int:
        """Return how many rows are coded, and held in memory, at a time."""
        return int(np.clip(_BLOCK_NUMBERS // self.row_numbers, 1, _BLOCK))

    @property
    def scale(self) -> np.ndarray:
        """Return what rows are divided by before they are compared, one number or one for each."""
        return ModelInfo.from_estimator(self.estimator).scale

    def batches(self) -> Iterator[np.ndarray]:
        """Read all rows, checked, block by block."""
        for _, batch in read_batches(self.source, self.block):
            yield batch

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Give the codes of rows, float32."""
        return encode_batch(self.estimator, rows, self.source).astype(np.float32, copy=False)

    def error(self, rows: np.ndarray, codes: np.ndarray) -> float:
        """Give the mean squared error of rows against what codes decode to."""
        total = 0.0
        for start in range(0, len(rows), self.block):
            some = rows[start : start + self.block].reshape(-1, self.row_numbers)
            back = np.asarray(self.estimator.inverse_transform(codes[start : start + self.block]))
            apart = (back.reshape(some.shape) - some) / self.scale
            total += float(np.sum(np.square(apart), dtype=np.float64))
        return total / rows.size

    @cached_property
    def about(self) -> dict[str, Any]:
        """Return what the file's header tells; see packing.py."""
        return {
            "rows": len(self.source),
            "block": self.block,
            "estimator": type(self.estimator).__name__,
            "model": fingerprint(self.estimator),
        }


@dataclass(frozen=True)
class Sample:
    """Some rows of a task, with what they tell."""

    task: Task
    rows: np.ndarray
    codes: np.ndarray
    usual: np.ndarray
    """The codes, with those far out brought in; these decide steps and centers."""
    matters: np.ndarray
    gzip_share: float
    """What gzip leaves of the rows' bytes."""

    @classmethod
    def of(cls, task: Task, verbose: bool = False) -> Sample:
        """Draw at most 10,000 rows, and encode them."""
        most = int(np.clip(_SAMPLE_NUMBERS // task.row_numbers, 1, _SAMPLE))
        drawn = task.source.sample(most)
        rows = drawn[:]
        drawn.check(rows, 0)
        with progress("Finding what matters in a code", 1, verbose):
            codes = task.encode(rows)
            usual = tamed(codes)
            matters = sensitivity(task.estimator, usual, task.scale)
            raw = rows.tobytes()[:_ZIPPED]
        return cls(task, rows, codes, usual, matters, len(zlib.compress(raw)) / len(raw))

    def quantizer(self, fineness: int) -> Quantizer:
        """Give the quantiser of this fineness."""
        return fit_quantizer(self.usual, self.matters, fineness)

    def error(self, fineness: int) -> float:
        """Give the mean squared error of these rows with codes so fine."""
        return self.task.error(self.rows, rounded(self.quantizer(fineness), self.codes))

    def bytes_a_row(self, fineness: int) -> float:
        """Estimate how many bytes a row the whole file would have with codes so fine."""
        count, quantizer = len(self.task.source), self.quantizer(fineness)
        fixed = self._file_bytes(quantizer, self.codes[:0])
        coded = self._file_bytes(quantizer, self.codes) - fixed
        return fixed / count + coded / len(self.codes)

    def _file_bytes(self, quantizer: Quantizer, codes: np.ndarray) -> int:
        file, task, block = io.BytesIO(), self.task, self.task.block
        blocks = (codes[i : i + block] for i in range(0, len(codes), block))
        pack_codes(file, task.about, quantizer, task.labels, blocks)
        return len(file.getvalue())

    def suited(self, limit: Limit, verbose: bool = False) -> int:
        """Find the fineness that a limit wants.

        Raises
        ------
        SettingError
            If no fineness keeps it.
        """
        low, high = finest(self.usual, self.matters), coarsest(self.usual, self.matters)
        with progress("Choosing how fine", (high - low).bit_length(), verbose) as advance:
            if limit.bytes_a_row is not None:
                return self._within_bytes(limit.bytes_a_row, low, high, advance)
            return self._within_error(limit, low, high, advance)

    def _within_bytes(self, most: float, low: int, high: int, advance: Callable) -> int:
        least = self.bytes_a_row(high)
        if least > most:
            raise SettingError(
                f"bytes a row: expected at least {least:.3g}, which {len(self.task.source):,} rows "
                f"need with the coarsest codes, found {most:g}"
            )
        return _first(lambda k: self.bytes_a_row(k) <= most, low, high, advance)

    def _within_error(self, limit: Limit, low: int, high: int, advance: Callable) -> int:
        model_mse = self.task.error(self.rows, self.codes)
        limit.check_possible(model_mse)
        most = SLACK * model_mse if limit.error is None else limit.error
        return -_first(lambda k: self.error(-k) <= most, -high, -low, advance)


def _first(good: Callable[[int], bool], low: int, high: int, advance: Callable) -> int:
    """Find, by halving, the least number from low to high that is good; high if none is."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle + 1, high)
        advance(1)
    return high


def fingerprint(estimator: Any) -> str:
    """Give the first digits of a model's fingerprint; an empty text where it has none."""
    return (model_fingerprint(estimator) or "")[:_DIGITS]
