"""Columns of Booleans and of categories of a fitted table."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from latentmap.preprocessing.column_types import Values, to_floats, type_from_name
from latentmap.preprocessing.encoded_columns import Column, constant_column, to_strings

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LEVELS = 50
MIN_LEVEL_SHARE = 0.002
OTHER = "(other)"
MIN_ENCODED_STRINGS = 64  # Fewer strings are looked up one by one, which is faster.
SPACES = " \t\n\v\f\r"


@dataclass(frozen=True, kw_only=True)
class BooleanColumn(Column):
    """A column of two values; ``share`` is the share of true values.

    ``boolean_strings`` are the values of false and true, such as "no" and "yes", if the column
    contained strings.
    """

    file_keys: ClassVar[dict[str, str]] = {**Column.file_keys, "boolean_strings": "texts"}

    share: float
    boolean_strings: list[str] | None = None

    @classmethod
    def fit(
        cls, values: Values, boolean_strings: tuple[str, str] | None = None, **properties: Any
    ) -> Column:
        """Return a column with the share of true values, or a constant column."""
        indicators = _as_indicators(values)
        known_values = indicators[~np.isnan(indicators)]
        if len(known_values) == 0 or known_values.min() == known_values.max():
            constant = constant_column(values, properties)
            if boolean_strings is None or len(known_values) == 0:
                return constant
            return replace(constant, type="string", value=boolean_strings[int(known_values[0])])
        return cls(
            share=float(known_values.mean()),
            boolean_strings=None if boolean_strings is None else list(boolean_strings),
            **properties,
        )

    @property
    def weight(self) -> float:
        """Factor that gives the encoded numbers a variance of 1."""
        return (self.share * (1.0 - self.share)) ** -0.5

    def encode(self, values: Values) -> np.ndarray:
        """Convert Booleans to weighted deviations from the share of true values."""
        return ((self._indicators(values) - self.share) * self.weight)[:, None]

    def _indicators(self, values: Values) -> np.ndarray:
        """Return 0 or 1 for each Boolean or string of the column, and NaN for other values."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.boolean_strings is None or pa.types.is_boolean(values.type):
            return _as_indicators(values)
        return to_floats(pc.index_in(to_strings(values), pa.array(self.boolean_strings)), "double")

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Return the more probable of the two values for each row."""
        import pyarrow as pa

        is_true = self.probabilities(encoded) > 0.5
        if self.boolean_strings is not None:
            strings = np.where(is_true, self.boolean_strings[1], self.boolean_strings[0])
            return pa.array(strings, pa.string())
        return pa.array(is_true).cast(type_from_name(self.type))

    def probabilities(self, encoded: np.ndarray) -> np.ndarray:
        """Return the probability of true, shape (n,)."""
        return np.clip(encoded[:, 0] / self.weight + self.share, 0.0, 1.0)

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        if not 0 < self.share < 1:
            raise ValueError(f"column {self.name}: expected a share between 0 and 1")
        boolean_strings = self.boolean_strings
        if boolean_strings is not None and not (
            len(boolean_strings) == 2 and all(isinstance(t, str) for t in boolean_strings)
        ):
            raise ValueError(f"column {self.name}: expected the strings of false and true")


@dataclass(frozen=True, kw_only=True)
class CategoryColumn(Column):
    """A column of categories, encoded with one indicator for each category.

    Attributes
    ----------
    levels : list of str
        Categories as strings. Rare categories share the last level, `OTHER`.
    rare : list of str
        The categories that share the level `OTHER`.
    shares : ndarray of shape (n_levels,)
        Share of each level.
    """

    levels: list[str]
    rare: list[str]
    shares: np.ndarray

    @classmethod
    def fit(cls, values: Values, **properties: Any) -> Column:
        """Return a column with the categories of values, or a constant column."""
        import pyarrow.compute as pc

        counts = pc.value_counts(to_strings(values).drop_null())
        pairs = sorted(
            zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True),
            key=lambda pair: (-pair[1], pair[0]),
        )
        if len(pairs) < 2:
            return constant_column(values, properties)
        n = sum(count for _, count in pairs)
        n_levels = sum(count >= max(2, MIN_LEVEL_SHARE * n) for _, count in pairs[:MAX_LEVELS])
        n_levels = max(n_levels, 1 if len(pairs) > 2 else 2)
        if len(pairs) == n_levels + 1:  # A group of one category is the category itself.
            n_levels += 1
        levels, shares = [p[0] for p in pairs[:n_levels]], [p[1] / n for p in pairs[:n_levels]]
        rare = [p[0] for p in pairs[n_levels:]]
        if rare:
            levels, shares = [*levels, OTHER], [*shares, 1.0 - sum(shares)]
        return cls(levels=levels, rare=rare, shares=np.asarray(shares), **properties)

    @property
    def width(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def weight(self) -> float:
        """Factor that gives the encoded numbers a total variance of 1."""
        return (1.0 - float((self.shares**2).sum())) ** -0.5

    def encode(self, values: Values) -> np.ndarray:
        """Convert categories to weighted deviations of their indicators from their shares."""
        indices = self._indices(values)
        encoded = np.zeros((len(indices), self.width)) - self.shares
        known_rows = np.flatnonzero(indices >= 0)
        encoded[known_rows, indices[known_rows]] += 1.0
        encoded[indices < 0] = np.nan
        return encoded * self.weight

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Return the likeliest category, which is never `OTHER`."""
        import pyarrow as pa

        levels = self.levels[: -1 if self.rare else None]
        best = self.probabilities(encoded)[:, : len(levels)].argmax(axis=1).astype(np.int32)
        values = pa.array(levels, pa.string()).cast(type_from_name(self.type))
        array = pa.DictionaryArray.from_arrays(pa.array(best), values)
        return array if self.is_categorical else array.dictionary_decode()

    def probabilities(self, encoded: np.ndarray) -> np.ndarray:
        """Return the probability of each level, shape (n, n_levels)."""
        return np.clip(encoded / self.weight + self.shares, 0.0, 1.0)

    def count_unknown(self, values: Values) -> int:
        """Return the number of values that were not among the fitted categories."""
        return int((self._indices(values) < 0).sum()) - values.null_count

    def _indices(self, values: Values) -> np.ndarray:
        """Return the level of each value, or −1 for a missing or unknown one."""
        strings = to_strings(values, allow_large=True)
        if len(strings) < MIN_ENCODED_STRINGS:
            return np.array([self._level(string) for string in strings.to_pylist()], np.intp)
        encoded = strings.dictionary_encode()
        levels = [*map(self._level, encoded.dictionary.to_pylist()), -1]
        return np.array(levels)[encoded.indices.fill_null(-1).to_numpy()]

    def _level(self, string: str | None) -> int:
        """Return the level of a string, or −1 for a missing or unknown one."""
        indices = self._level_indices
        if string is None or string in indices:
            return -1 if string is None else indices[string]
        # Spaces around strings are removed from text tables, but not from data frames.
        return indices.get(string.strip(SPACES), -1)

    @cached_property
    def _level_indices(self) -> dict[str, int]:
        """The level of each category, with and without the spaces around it."""
        levels = self.levels[: -1 if self.rare else None]
        indices = dict(zip(levels, range(len(levels)), strict=True))
        indices |= dict.fromkeys(self.rare, len(levels))
        trimmed = {string.strip(SPACES): i for string, i in reversed(indices.items())}
        return trimmed | indices

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        is_valid = self.shares.shape == (len(self.levels),) and len(self.levels) > 1
        if not is_valid or not (self.shares > 0).all() or not np.isclose(self.shares.sum(), 1):
            raise ValueError(f"column {self.name}: expected a share for each of its categories")


def _as_indicators(values: Values) -> np.ndarray:
    """Return 0 or 1 for each value, and NaN for a missing one."""
    import pyarrow as pa

    return to_floats(values.cast(pa.bool_()).cast(pa.int8()), "int8")
