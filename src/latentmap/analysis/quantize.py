"""Scalar quantisation of codes, with step sizes that depend on the effect on decoded rows.

The sensitivity of the decoder to each component determines the step sizes: every component adds the
same error to the decoded rows, which is the optimal allocation of bits, and a single number, the
step exponent, controls the trade-off between size and error. A level is decoded to the mean of the
codes that were rounded to it.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.entropy import student_t_prior
from latentmap.analysis.model_info import Decoder
from latentmap.errors import FileError

# An increase of the step exponent by this number doubles the steps.
UNITS_PER_OCTAVE = 256
PROBE_CODES, PROBE_NUMBERS = 256, 2**27
# Step of the finite differences, in standard deviations; rounding changes codes by a similar size.
DIFFERENCE_STEP = 0.25
CENTER_UNITS, DEVIATION_UNITS, OFFSET_UNITS = 16, 8, 256
# Largest standard deviation of the levels; rounding then adds 10⁻⁷ of the variance.
MAX_LEVEL_DEVIATION = 1000
MAX_EXPONENT = 100 * UNITS_PER_OCTAVE
MAX_LEVEL = np.iinfo(np.int32).max // 2


class Quantizer(NamedTuple):
    """Uniform quantiser of n components.

    Level q of a component stands for the codes within half a step of center + q · step. It is
    decoded to step · (center + q + sign(q) · offset), with one offset for |q| = 1 and one for
    larger levels.

    Attributes
    ----------
    exponents : ndarray of shape (n,), int16
        The step of a component is 2^(exponent / 256).
    centers : ndarray of shape (n,), int64
        In sixteenths of a step.
    deviations : ndarray of shape (n,), uint16
        Standard deviation of the levels, in eighths.
    offsets : ndarray of shape (2, n), int8
        In 256ths of a step.
    """

    exponents: np.ndarray
    centers: np.ndarray
    deviations: np.ndarray
    offsets: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """Step sizes in units of the code, shape (n,)."""
        return np.exp2(self.exponents / UNITS_PER_OCTAVE)

    @property
    def max_levels(self) -> np.ndarray:
        """Largest coded level of each component, about eight standard deviations, shape (n,)."""
        return self.deviations.astype(np.int64) + 4

    def priors(self) -> list[np.ndarray]:
        """Return the prior weights of the levels; the last symbol stands for larger levels."""
        deviations = (self.deviations / DEVIATION_UNITS).tolist()
        pairs = zip(self.max_levels.tolist(), deviations, strict=True)
        return [np.append(student_t_prior(level, deviation), 1) for level, deviation in pairs]

    def levels(self, codes: np.ndarray) -> np.ndarray:
        """Round codes to levels, int64 of shape (m, n)."""
        positions = codes / self.steps - self.centers / CENTER_UNITS
        return np.rint(np.clip(positions, -MAX_LEVEL, MAX_LEVEL)).astype(np.int64)

    def codes(self, levels: np.ndarray) -> np.ndarray:
        """Return the codes, float32, that levels of shape (m, n) are decoded to."""
        offsets = np.concatenate([np.zeros_like(self.offsets[:1]), self.offsets]) / OFFSET_UNITS
        columns = np.arange(levels.shape[1])
        shift = np.sign(levels) * offsets[np.minimum(np.abs(levels), 2), columns]
        positions = self.centers / CENTER_UNITS + levels + shift
        with np.errstate(over="ignore"):
            return (self.steps * positions).astype(np.float32)

    def pack(self) -> bytes:
        """Return the quantiser as bytes."""
        record = np.array([tuple(self)], _record_type(len(self.exponents)))
        return zlib.compress(record.tobytes())

    @classmethod
    def unpack(cls, data: bytes, n: int) -> Quantizer:
        """Return the quantiser of n components that `pack` returned as bytes."""
        record_type = _record_type(n)
        size = record_type.itemsize
        try:
            content = zlib.decompressobj().decompress(data, size + 1)
        except zlib.error as error:
            raise FileError(f"steps: expected zlib data ({error})") from None
        if len(content) != size:
            raise FileError(f"steps: expected {size} bytes, found {len(content)}")
        arrays = np.frombuffer(content, record_type)[0]
        quantizer = cls(*(a.astype(a.dtype.newbyteorder("=")) for a in arrays))
        quantizer._check()
        return quantizer

    def _check(self) -> None:
        max_deviation = 2 * MAX_LEVEL_DEVIATION * DEVIATION_UNITS
        if (self.deviations < 1).any() or (self.deviations > max_deviation).any():
            raise FileError("steps: expected level deviations from 1/8 to 2000")
        if (np.abs(self.exponents.astype(int)) > MAX_EXPONENT).any():
            raise FileError("steps: expected numbers from 2^-100 to 2^100")


def _record_type(n: int) -> np.dtype:
    types = {"exponents": "<i2", "centers": "<i8", "deviations": "<u2"}
    fields = [(name, kind, (n,)) for name, kind in types.items()]
    return np.dtype([*fields, ("offsets", "i1", (2, n))])


def clip_outliers(codes: np.ndarray) -> np.ndarray:
    """Clip each component to within ten widths of the central range of 98 % of its codes."""
    low, high = np.quantile(codes, [0.01, 0.99], axis=0)
    margin = np.where(high > low, 10 * (high - low), np.inf)
    return np.clip(codes, low - margin, high + margin)


def sensitivity(estimator: Decoder, codes: np.ndarray, scale: ArrayLike = 1.0) -> np.ndarray:
    """Compute the sensitivity of decoded rows to each component, shape (n,).

    s_j is the mean of (∂x_i / ∂z_j)² over at most 256 codes and the values i of a row divided by
    scale, by central differences of ± ¼ standard deviation of the component. Rounding z_j with a
    step Δ adds s_j Δ²/12 to the mean squared error.
    """
    count, n = codes.shape
    width = estimator.inverse_transform(codes[:1].astype(np.float32)).size
    n_sample = int(np.clip(PROBE_NUMBERS // (2 * n * width), 1, min(PROBE_CODES, count)))
    rows = np.unique(np.linspace(0, count - 1, n_sample).astype(int))
    sample = codes[rows].astype(np.float64)
    deviation = codes.std(axis=0, dtype=np.float64)
    fallback = 0.01 * (1 + np.abs(sample).max(axis=0))
    steps = np.where(deviation > 0, DIFFERENCE_STEP * deviation, fallback)
    return np.array([_squared_derivative(estimator, sample, j, steps[j], scale) for j in range(n)])


def _squared_derivative(
    estimator: Decoder, codes: np.ndarray, component: int, step: float, scale: ArrayLike
) -> float:
    upper_codes, lower_codes = codes.copy(), codes.copy()
    upper_codes[:, component] += step
    lower_codes[:, component] -= step
    points = np.concatenate([upper_codes, lower_codes]).astype(np.float32)
    rows = np.asarray(estimator.inverse_transform(points)).reshape(len(points), -1)
    derivative = (rows[: len(codes)] - rows[len(codes) :]) / np.reshape(scale, -1) / (2 * step)
    return float(np.mean(np.square(derivative), dtype=np.float64))


def fit_quantizer(codes: np.ndarray, sensitivities: np.ndarray, step_exponent: int) -> Quantizer:
    """Fit a quantiser to codes of shape (m, n).

    The steps are Δ_j = 2^(step_exponent / 256) / √s_j. Every component that is not rounded to a
    single level then adds 2^(step_exponent / 128) / 12 to the mean squared error.

    For independent components this allocation is optimal (reverse water-filling; T. Cover,
    J. Thomas, "Elements of Information Theory", section 10.3). With entropy coding, uniform steps
    need at most a quarter of a bit per component more than the optimal quantiser (H. Gish,
    J. Pierce, "Asymptotically efficient quantizing", 1968).
    """
    exponents = np.rint(step_exponent + _relative_exponents(sensitivities))
    exponents = exponents.clip(-MAX_EXPONENT, MAX_EXPONENT).astype(np.int16)
    steps = np.exp2(exponents / UNITS_PER_OCTAVE)
    centers = np.clip(CENTER_UNITS * codes.mean(axis=0, dtype=float) / steps, -2e18, 2e18)
    n = codes.shape[1]
    quantizer = Quantizer(
        exponents,
        np.rint(centers).astype(np.int64),
        np.ones(n, np.uint16),
        np.zeros((2, n), np.int8),
    )
    levels = quantizer.levels(codes)
    deviations = np.ceil(DEVIATION_UNITS * np.sqrt(np.mean(levels**2.0, axis=0)))
    deviations = np.clip(deviations, 2, 2 * MAX_LEVEL_DEVIATION * DEVIATION_UNITS)
    offsets = _fit_offsets(quantizer, codes, levels)
    return quantizer._replace(deviations=deviations.astype(np.uint16), offsets=offsets)


def _relative_exponents(sensitivities: np.ndarray) -> np.ndarray:
    """Return the exponents of 1 / √s, for sensitivities s of at least 10⁻⁸ times the largest."""
    max_sensitivity = float(sensitivities.max()) or 1.0
    return -UNITS_PER_OCTAVE / 2 * np.log2(np.maximum(sensitivities, 1e-8 * max_sensitivity))


def _fit_offsets(quantizer: Quantizer, codes: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the mean offset of codes from their level, for levels ±1 and for larger levels."""
    positions = codes / quantizer.steps - quantizer.centers / CENTER_UNITS
    offset, size = np.sign(levels) * (positions - levels), np.abs(levels)
    groups = (size == 1, (size > 1) & (size < MAX_LEVEL))
    means = [np.sum(offset * g, axis=0) / np.maximum(np.sum(g, axis=0), 1) for g in groups]
    return np.rint(np.clip(OFFSET_UNITS * np.array(means), -127, 127)).astype(np.int8)


def step_exponent_range(codes: np.ndarray, sensitivities: np.ndarray) -> tuple[int, int]:
    """Return the smallest and the largest useful step exponent.

    With the smallest exponent, the largest standard deviation of the levels is 1000. With the
    largest exponent, every code is rounded to level 0.
    """
    inverse_steps = np.exp2(-_relative_exponents(sensitivities) / UNITS_PER_OCTAVE)
    deviation = float(np.max(codes.std(axis=0, dtype=np.float64) * inverse_steps)) or 1.0
    ranges = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    max_range = float((ranges * inverse_steps).max()) or 1.0
    low = np.floor(UNITS_PER_OCTAVE * np.log2(deviation / MAX_LEVEL_DEVIATION))
    high = np.ceil(UNITS_PER_OCTAVE * np.log2(2.5 * max_range)) + 1
    return int(low), int(high)
