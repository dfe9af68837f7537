"""Columns of numbers, dates and times of a fitted table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from latentmap.data.table_parsing import is_string_type
from latentmap.preprocessing.column_types import (
    STRING_TYPES,
    Values,
    from_floats,
    is_time_type,
    seconds_per_unit,
    to_floats,
    type_from_name,
)
from latentmap.preprocessing.encoded_columns import Column, constant_column, to_strings

if TYPE_CHECKING:
    import pyarrow as pa

SKEWNESS_THRESHOLD = 2.0  # Nonnegative numbers of a greater skewness are encoded by arsinh.
MAX_EXCESS = 0.05  # Maximum excess of decoded over fitted arsinh values, as a share of their range.
SIGNIFICANT_DIGITS = 6
MAX_DECIMALS = 6
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_TIME_STEPS = (86_400.0, 3600.0, 60.0, 1.0)
_TIME_TOLERANCE = 1e-5  # Rounding error of a date in seconds, as float64.
MIN_STEPS = 1000  # Minimum standard deviation of rounded numbers, in units of their last digit.


@dataclass(frozen=True, kw_only=True)
class NumberColumn(Column):
    """A column of numbers, whole numbers, dates or times.

    An encoded number is (x − mean) / scale. If ``arsinh_scale`` is set, arsinh(x / arsinh_scale)
    replaces x; it is linear near 0 and logarithmic for large numbers. Decoded numbers are between
    ``low`` and ``high``, and have at most ``decimals`` decimals. Decoded dates and times are
    multiples of ``step`` seconds.
    """

    file_keys: ClassVar[dict[str, str]] = {**Column.file_keys, "arsinh_scale": "curve"}

    mean: float
    scale: float
    decimals: int | None = None
    arsinh_scale: float | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None

    @classmethod
    def fit(cls, values: Values, standardize: bool = True, **properties: Any) -> Column:
        """Return a column with the scale of values, or a constant column."""
        x = to_floats(values, properties["type"])
        known_values = x[np.isfinite(x)]
        if len(known_values) == 0 or known_values.min() == known_values.max():
            return constant_column(values, properties)
        dtype = properties["type"]
        is_amount = not is_time_type(dtype) and known_values.min() >= 0
        step = _fit_step(known_values) if is_time_type(dtype) else None
        low, high = _natural_bounds(known_values, dtype, properties["unit"], step)
        if not standardize:
            return cls(mean=0.0, scale=1.0, low=low, high=high, **properties)
        decimals = _count_decimals(known_values, dtype)
        arsinh_scale = _fit_arsinh_scale(known_values) if is_amount else None
        y = known_values if arsinh_scale is None else np.arcsinh(known_values / arsinh_scale)
        # sinh, the inverse, would return huge numbers for extreme codes.
        if arsinh_scale is not None and high is None:
            high = float(np.sinh(y.max() + MAX_EXCESS * (y.max() - y.min())) * arsinh_scale)
        return cls(
            mean=float(y.mean()),
            scale=float(y.std()) or 1.0,
            arsinh_scale=arsinh_scale,
            low=low,
            high=high,
            decimals=decimals,
            step=step,
            **properties,
        )

    def encode(self, values: Values) -> np.ndarray:
        """Convert numbers to deviations from the mean in standard deviations."""
        x = to_floats(self._parse(values), self.type)
        x = x if self.arsinh_scale is None else np.arcsinh(x / self.arsinh_scale)
        return ((x - self.mean) / self.scale)[:, None]

    def count_unknown(self, values: Values) -> int:
        """Return the number of strings that are not numbers; 0 if no string is a number."""
        parsed = self._parse(values)
        return 0 if parsed is values else parsed.null_count - values.null_count

    def _parse(self, values: Values) -> Values:
        """Return values whose type can be converted to floats.

        Dates and times are converted to the type of the column, and so are integers such as
        20240131; other integers are converted to null. If at least one string is a number, the
        strings are converted to numbers, and the others to null. Otherwise they stay strings.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if is_time_type(self.type):
            if pa.types.is_integer(values.type) and self.type.startswith(("date", "timestamp")):
                values = _parse_dates(values)
            is_temporal = pa.types.is_temporal(values.type)
            return values.cast(type_from_name(self.type), safe=False) if is_temporal else values
        if not is_string_type(values.type):
            return values
        cells = pc.ascii_trim_whitespace(to_strings(values))
        numbers = pc.if_else(pc.match_substring_regex(cells, _NUMBER), cells, None)
        return numbers.cast(pa.float64()) if numbers.null_count < len(numbers) else values

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Convert deviations to numbers; they are rounded if the column contains whole numbers."""
        x = encoded[:, 0].astype(np.float64) * self.scale + self.mean
        with np.errstate(over="ignore"):
            x = x if self.arsinh_scale is None else np.sinh(x) * self.arsinh_scale
        x = np.clip(x, -np.inf if self.low is None else self.low, self.high)
        x = np.round(x, self.decoded_decimals)
        return from_floats(
            x if self.step is None else self.step * np.round(x / self.step), self.type
        )

    @property
    def decoded_decimals(self) -> int:
        """Number of decimals of decoded numbers, which float32 can resolve."""
        if self.role == "integer":
            return 0
        unit = self.scale if self.arsinh_scale is None else self.arsinh_scale
        n_decimals = int(np.clip(SIGNIFICANT_DIGITS - np.floor(np.log10(unit)), 0, 300))
        return n_decimals if self.decimals is None else min(n_decimals, self.decimals)

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        positive = [self.scale, self.arsinh_scale or 1.0, self.step or 1.0]
        if self.type in ("bool", "vector", *STRING_TYPES) or not all(
            0 < x < np.inf for x in positive
        ):
            raise ValueError(f"column {self.name}: expected a numeric type and a scale above 0")


def _parse_dates(values: Values) -> "pa.Array":
    """Return integers such as 20240131 as dates; null if not all of them are dates."""
    import pyarrow as pa

    from latentmap.data.date_formats import COMPACT_DATE

    cells = to_strings(values)
    dates = COMPACT_DATE.convert(cells) if COMPACT_DATE.match_all(cells) else None
    return pa.nulls(len(cells), COMPACT_DATE.type) if dates is None else dates


def _natural_bounds(
    known_values: np.ndarray, dtype: str, unit: str | None, step: float | None
) -> tuple[float | None, float | None]:
    """Return the lowest and the highest possible value, or None if it is not known.

    If no known value is negative, the lowest value of numbers and durations is 0. If no known
    percentage is above 100, the highest one is 100. Times of day are within a day.
    """
    if dtype.startswith(("time32", "time64")):
        return 0.0, _TIME_STEPS[0] - (step or seconds_per_unit(dtype))
    if (is_time_type(dtype) and not dtype.startswith("duration")) or known_values.min() < 0:
        return None, None
    return 0.0, 100.0 if unit == "%" and known_values.max() <= 100 else None


def _fit_arsinh_scale(known_values: np.ndarray) -> float | None:
    """Return the scale of arsinh for skewed numbers, or None for other numbers."""
    deviation = known_values - known_values.mean()
    spread = float(known_values.std())
    skewness = float(((deviation / spread) ** 3).mean()) if spread > 0 else 0.0
    return (
        float(np.median(known_values[known_values > 0])) if skewness > SKEWNESS_THRESHOLD else None
    )


def _fit_step(seconds: np.ndarray) -> float | None:
    """Return the largest of a day, an hour, a minute and a second that divides all times."""
    for step in _TIME_STEPS:
        if np.abs(seconds - step * np.round(seconds / step)).max() < _TIME_TOLERANCE:
            return step
    return None


def _count_decimals(known_values: np.ndarray, dtype: str) -> int | None:
    """Return the number of decimals of decoded numbers, or None if it is not limited.

    It is the number of decimals of the known numbers, or more if rounding errors would be large.
    """
    if dtype not in ("float", "double"):
        return None
    tolerance = 1e-6 if dtype == "float" else 1e-12
    for decimals in range(MAX_DECIMALS + 1):
        if (
            np.abs(known_values - np.round(known_values, decimals))
            <= tolerance * np.abs(known_values)
        ).all():
            steps = float(known_values.std()) * 10**decimals
            return decimals + int(max(0, np.ceil(np.log10(MIN_STEPS / steps))))
    return None
