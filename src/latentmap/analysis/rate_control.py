"""Choice of the quantiser's step sizes for a given error or file size, from a sample of rows."""

from __future__ import annotations

import bisect
import io
import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import NamedTuple

import numpy as np

from latentmap.analysis.codec_file import CodeFileHeader, EncodedLabels, round_codes, write_codes
from latentmap.analysis.encoding import encode_batch, mean_squared_errors
from latentmap.analysis.model_info import FittedEstimator, ModelInfo, model_fingerprint
from latentmap.analysis.quantize import (
    Quantizer,
    clip_outliers,
    fit_quantizer,
    sensitivity,
    step_exponent_range,
)
from latentmap.data import Source
from latentmap.errors import SettingError
from latentmap.number_checks import MAX_FLOAT, format_value
from latentmap.progress import progress

# Without a limit, rounding adds 5 % to the error of the model.
DEFAULT_ERROR_FACTOR = 1.05
SAMPLE_ROWS, SAMPLE_NUMBERS = 10_000, 2**25
BLOCK_ROWS, BLOCK_NUMBERS = 8192, 2**23
GZIP_BYTES = 2**23
FINGERPRINT_DIGITS = 16


class CompressionLimit(NamedTuple):
    """Maximum error or maximum size; at most one is set."""

    error: float | None
    bytes_per_row: float | None

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.bytes_per_row} bytes per row"
        return f"an error of {self.error}"

    def check(self) -> None:
        """Raise SettingError if both limits are set, or a limit is not a positive number."""
        if None not in self:
            raise SettingError("error, bytes per row: expected one of them, found both")
        for name, value in zip(("error", "bytes per row"), self, strict=True):
            if value is not None and not (isinstance(value, Real) and 0 < value <= MAX_FLOAT):
                raise SettingError(
                    f"{name}: expected a number above 0, found {format_value(value)}"
                )

    def is_met(self, mse: float, bytes_per_row: float) -> bool:
        """Return whether a file meets the limit."""
        if self.bytes_per_row is not None:
            return bytes_per_row <= self.bytes_per_row
        return self.error is None or mse <= self.error

    def check_possible(self, model_mse: float) -> None:
        """Raise SettingError if the error of the model without rounding exceeds the limit."""
        if self.error is not None and self.error <= model_mse:
            raise SettingError(
                f"error: expected more than {model_mse:.4g}, the error of the model on these rows "
                f"without rounding, found {self.error:g}"
            )


@dataclass(frozen=True)
class CompressionJob:
    """Rows to compress, and the model that encodes and decodes them."""

    estimator: FittedEstimator
    source: Source
    labels: EncodedLabels

    @property
    def row_size(self) -> int:
        """Number of values in a row."""
        return math.prod(self.source.row_shape)

    @property
    def block_size(self) -> int:
        """Number of rows in a block."""
        return int(np.clip(BLOCK_NUMBERS // self.row_size, 1, BLOCK_ROWS))

    @property
    def scale(self) -> np.ndarray:
        """Divisor of rows, one number or one for each value of a row."""
        return ModelInfo.from_estimator(self.estimator).scale

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Return the codes of rows, float32."""
        return encode_batch(self.estimator, rows, self.source).astype(np.float32, copy=False)

    def error(self, rows: np.ndarray, codes: np.ndarray) -> float:
        """Return the mean squared error of decoded codes, in scaled units."""
        errors = []
        for start in range(0, len(rows), self.block_size):
            block = rows[start : start + self.block_size].reshape(-1, self.row_size)
            decoded_rows = self.estimator.inverse_transform(codes[start : start + self.block_size])
            difference = (np.asarray(decoded_rows).reshape(block.shape) - block) / self.scale
            errors.append(mean_squared_errors(self.source, block, difference))
        return float(np.concatenate(errors).mean())

    @cached_property
    def header(self) -> CodeFileHeader:
        """Header of the file."""
        name, fingerprint = type(self.estimator).__name__, short_fingerprint(self.estimator)
        return CodeFileHeader(len(self.source), self.block_size, name, fingerprint)


@dataclass(frozen=True)
class JobSample:
    """Sample of the rows of a job, on which errors and sizes are estimated."""

    job: CompressionJob
    rows: np.ndarray
    codes: np.ndarray
    clipped_codes: np.ndarray
    sensitivities: np.ndarray
    gzip_ratio: float

    @classmethod
    def draw(cls, job: CompressionJob, verbose: bool = False) -> JobSample:
        """Draw and encode at most 10,000 rows."""
        n_rows = int(np.clip(SAMPLE_NUMBERS // job.row_size, 1, SAMPLE_ROWS))
        sample = job.source.sample(n_rows)
        rows = sample[:]
        sample.check(rows, 0)
        with progress("Measuring the sensitivity of the decoder", 1, verbose):
            codes = job.encode(rows)
            clipped_codes = clip_outliers(codes)
            sensitivities = sensitivity(job.estimator, clipped_codes, job.scale)
            sample_bytes = rows.tobytes()[:GZIP_BYTES]
        return cls(
            job,
            rows,
            codes,
            clipped_codes,
            sensitivities,
            len(zlib.compress(sample_bytes)) / len(sample_bytes),
        )

    def quantizer(self, step_exponent: int) -> Quantizer:
        """Return the quantiser with this step exponent."""
        return fit_quantizer(self.clipped_codes, self.sensitivities, step_exponent)

    def error(self, step_exponent: int) -> float:
        """Return the mean squared error of the sample."""
        return self.job.error(self.rows, round_codes(self.quantizer(step_exponent), self.codes))

    def bytes_per_row(self, step_exponent: int) -> float:
        """Estimate the size of the whole file, in bytes per row."""
        count, quantizer = len(self.job.source), self.quantizer(step_exponent)
        header_bytes = self._file_bytes(quantizer, self.codes[:0])
        code_bytes = self._file_bytes(quantizer, self.codes) - header_bytes
        return header_bytes / count + code_bytes / len(self.codes)

    def _file_bytes(self, quantizer: Quantizer, codes: np.ndarray) -> int:
        file, job, size = io.BytesIO(), self.job, self.job.block_size
        blocks = (codes[i : i + size] for i in range(0, len(codes), size))
        write_codes(file, job.header, quantizer, job.labels, blocks)
        return len(file.getvalue())

    def choose_step_exponent(self, limit: CompressionLimit, verbose: bool = False) -> int:
        """Return the step exponent that meets a limit, by bisection."""
        low, high = step_exponent_range(self.clipped_codes, self.sensitivities)
        if limit.bytes_per_row is not None:
            measure, maximum = self.bytes_per_row, limit.bytes_per_row
            self._check_possible_size(maximum, high)
            exponents = range(low, high)
        else:
            model_mse = self.job.error(self.rows, self.codes)
            limit.check_possible(model_mse)
            maximum = DEFAULT_ERROR_FACTOR * model_mse if limit.error is None else limit.error
            measure, exponents = self.error, range(high, low, -1)
        with progress("Choosing the step sizes", len(exponents).bit_length(), verbose) as advance:

            def is_within_limit(exponent: int) -> bool:
                advance(1)
                return measure(exponent) <= maximum

            index = bisect.bisect_left(exponents, True, key=is_within_limit)
        return exponents.start + exponents.step * index

    def _check_possible_size(self, maximum: float, high: int) -> None:
        minimum = self.bytes_per_row(high)
        if minimum > maximum:
            raise SettingError(
                f"bytes per row: expected at least {minimum:.3g}, which {len(self.job.source):,} "
                f"rows need with the coarsest codes, found {maximum:g}"
            )


def short_fingerprint(estimator: object) -> str:
    """Return the first digits of a model's fingerprint, or "" if it has none."""
    return (model_fingerprint(estimator) or "")[:FINGERPRINT_DIGITS]
