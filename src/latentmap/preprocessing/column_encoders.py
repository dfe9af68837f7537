"""Columns of a table, each with a conversion of its values to network inputs and back.

Every encoded column has mean 0 and, summed over its numbers, variance 1 on the fitted rows, so that
all columns have equal weight, as in factor analysis of mixed data (J. Pagès, "Multiple Factor
Analysis by Example Using R", 2014). A missing value is NaN.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.file_record import FileRecord
from latentmap.preprocessing.column_types import (
    Values,
    from_floats,
    is_time_type,
    to_floats,
    type_from_name,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from sklearn.feature_extraction.text import TfidfVectorizer

SKEWNESS = 2.0  # Nonnegative numbers of a greater skewness are encoded by arsinh.
MAX_LEVELS = 50
MIN_LEVEL_SHARE = 0.002
MAX_TERMS = 2_000
MAX_TEXT_COMPONENTS = 16
TERMS_IN_TEXT = 5
SIGNIFICANT_DIGITS = 6
MAX_DECIMALS = 6
MIN_STEPS = 1000  # Minimum standard deviation of rounded numbers, in units of their last digit.
OTHER = "(other)"


@dataclass(frozen=True, kw_only=True)
class Column(FileRecord):
    """A column of the fitted table.

    Attributes
    ----------
    name : str
    role : str
        "number", "integer", "boolean", "category", "date", "text", "vector" or "constant".
    type : str
        Type of the values; see `column_types.type_name`.
    has_gaps : bool
        Whether values were missing among the fitted rows.
    unit : str or None
        Unit that the file states, such as "%".
    is_categorical : bool
        Whether the values are decoded to a categorical column of a data frame.
    """

    name: str
    role: str
    type: str
    has_gaps: bool
    unit: str | None = None
    is_categorical: bool = False

    @property
    def width(self) -> int:
        """Number of values that encode one cell of the column."""
        return 1

    @abstractmethod
    def encode(self, values: Values) -> np.ndarray:
        """Convert values to float64 of shape (n, width), with NaN for missing values."""

    @abstractmethod
    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Convert encoded numbers, shape (n, width), to values of the column's type."""

    def unknown(self, values: Values) -> int:
        """Return the number of values that cannot be encoded and count as missing."""
        return 0

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        type_from_name(self.type)


@dataclass(frozen=True, kw_only=True)
class ConstantColumn(Column):
    """A column with one value, or without values, that is restored but not fitted."""

    value: str | None = None

    @property
    def width(self) -> int:
        """Number of values that encode one cell of the column."""
        return 0

    def encode(self, values: Values) -> np.ndarray:
        """Return an array of shape (n, 0)."""
        return np.empty((len(values), 0))

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Return the constant for each row."""
        import pyarrow as pa

        text = pa.array([self.value] * len(encoded), pa.string())
        if self.type == "vector":
            return pa.nulls(len(encoded), type_from_name(self.type))
        return text.cast(type_from_name(self.type))


@dataclass(frozen=True, kw_only=True)
class NumberColumn(Column):
    """A column of numbers, whole numbers, dates or times.

    An encoded number is (x − mean) / scale. If ``curve`` is set, arsinh(x / curve) takes the place
    of x, which is linear near 0 and logarithmic for large numbers. Decoded numbers are between
    ``low`` and ``high``, and have at most ``decimals`` decimals.
    """

    mean: float
    scale: float
    decimals: int | None = None
    curve: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def fit(cls, values: Values, standardize: bool = True, **properties: Any) -> Column:
        """Return a column with the scale of values, or a constant column."""
        x = to_floats(values, properties["type"])
        known_values = x[np.isfinite(x)]
        if len(known_values) == 0 or known_values.min() == known_values.max():
            return _constant(values, properties)
        is_amount = not is_time_type(properties["type"]) and known_values.min() >= 0
        low = 0.0 if is_amount else None
        high = (
            100.0 if properties["unit"] == "%" and is_amount and known_values.max() <= 100 else None
        )
        if not standardize:
            return cls(mean=0.0, scale=1.0, low=low, high=high, **properties)
        decimals = _count_decimals(known_values, properties["type"])
        curve = _curve(known_values) if is_amount else None
        y = known_values if curve is None else np.arcsinh(known_values / curve)
        if curve is not None and high is None:  # The inverse, sinh, grows without bound.
            high = float(np.sinh(2 * y.max() - y.min()) * curve)
        return cls(
            mean=float(y.mean()),
            scale=float(y.std()) or 1.0,
            curve=curve,
            low=low,
            high=high,
            decimals=decimals,
            **properties,
        )

    def encode(self, values: Values) -> np.ndarray:
        """Convert numbers to deviations from the mean in standard deviations."""
        x = to_floats(values, self.type)
        x = x if self.curve is None else np.arcsinh(x / self.curve)
        return ((x - self.mean) / self.scale)[:, None]

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Convert deviations to numbers; they are rounded if the column contains whole numbers."""
        x = encoded[:, 0].astype(np.float64) * self.scale + self.mean
        with np.errstate(over="ignore"):
            x = x if self.curve is None else np.sinh(x) * self.curve
        x = np.clip(x, -np.inf if self.low is None else self.low, self.high)
        digits = 0 if self.role == "integer" else self._decoded_decimals
        return from_floats(np.round(x, digits), self.type)

    @property
    def _decoded_decimals(self) -> int:
        """Number of digits after the decimal point that float32 can resolve."""
        unit = self.scale if self.curve is None else self.curve
        n_decimals = int(np.clip(SIGNIFICANT_DIGITS - np.floor(np.log10(unit)), 0, 300))
        return n_decimals if self.decimals is None else min(n_decimals, self.decimals)

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        positive = [self.scale, 1.0 if self.curve is None else self.curve]
        if self.type in ("bool", "string", "vector") or not all(0 < x < np.inf for x in positive):
            raise ValueError(f"column {self.name}: expected a numeric type and a scale above 0")


@dataclass(frozen=True, kw_only=True)
class BooleanColumn(Column):
    """A column of two values; ``share`` is the share of true values.

    ``texts`` are the texts of false and true, such as "no" and "yes", if the values were texts.
    """

    share: float
    texts: list[str] | None = None

    @classmethod
    def fit(cls, values: Values, texts: tuple[str, str] | None = None, **properties: Any) -> Column:
        """Return a column with the share of true values, or a constant column."""
        shares = _as_shares(values)
        known_values = shares[~np.isnan(shares)]
        if len(known_values) == 0 or known_values.min() == known_values.max():
            constant = _constant(values, properties)
            if texts is None or len(known_values) == 0:
                return constant
            return replace(constant, type="string", value=texts[int(known_values[0])])
        return cls(
            share=float(known_values.mean()),
            texts=None if texts is None else list(texts),
            **properties,
        )

    @property
    def weight(self) -> float:
        """Factor that gives the encoded numbers a variance of 1."""
        return (self.share * (1.0 - self.share)) ** -0.5

    def encode(self, values: Values) -> np.ndarray:
        """Convert Booleans to weighted deviations from the share of true values."""
        return ((self._shares(values) - self.share) * self.weight)[:, None]

    def _shares(self, values: Values) -> np.ndarray:
        """Return 0 or 1 for each value, which may be a text of the column, NaN for other values."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.texts is None or pa.types.is_boolean(values.type):
            return _as_shares(values)
        return to_floats(pc.index_in(_as_text(values), pa.array(self.texts)), "double")

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Return the more probable of the two values for each row."""
        import pyarrow as pa

        is_true = self.probabilities(encoded) > 0.5
        if self.texts is not None:
            return pa.array(np.where(is_true, self.texts[1], self.texts[0]))
        return pa.array(is_true).cast(type_from_name(self.type))

    def probabilities(self, encoded: np.ndarray) -> np.ndarray:
        """Return the probability of true, shape (n,)."""
        return np.clip(encoded[:, 0] / self.weight + self.share, 0.0, 1.0)

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        if not 0 < self.share < 1:
            raise ValueError(f"column {self.name}: expected a share between 0 and 1")
        texts = self.texts
        if texts is not None and not (len(texts) == 2 and all(isinstance(t, str) for t in texts)):
            raise ValueError(f"column {self.name}: expected the texts of false and true")


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

        counts = pc.value_counts(_as_text(values).drop_null())
        pairs = sorted(
            zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True),
            key=lambda pair: (-pair[1], pair[0]),
        )
        if len(pairs) < 2:
            return _constant(values, properties)
        n = sum(count for _, count in pairs)
        n_levels = sum(count >= max(2, MIN_LEVEL_SHARE * n) for _, count in pairs[:MAX_LEVELS])
        n_levels = max(n_levels, 1 if len(pairs) > 2 else 2)
        if len(pairs) == n_levels + 1:  # A group of one category has no use.
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

    def unknown(self, values: Values) -> int:
        """Return the number of values that were not among the fitted categories."""
        return int((self._indices(values) < 0).sum()) - values.null_count

    def _indices(self, values: Values) -> np.ndarray:
        """Return the level of each value, or −1 for a missing or unknown one."""
        import pyarrow as pa
        import pyarrow.compute as pc

        levels = self.levels[: -1 if self.rare else None]
        level_indices = pc.index_in(_as_text(values), pa.array([*levels, *self.rare], pa.string()))
        indices = pc.fill_null(level_indices, -1).to_numpy()
        return np.minimum(indices, len(levels)) if self.rare else indices

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        is_valid = self.shares.shape == (len(self.levels),) and len(self.levels) > 1
        if not is_valid or not (self.shares > 0).all() or not np.isclose(self.shares.sum(), 1):
            raise ValueError(f"column {self.name}: expected a share for each of its categories")


@dataclass(frozen=True, kw_only=True)
class VectorColumn(Column):
    """A column of lists of numbers, all of one length."""

    mean: np.ndarray
    scale: float

    @classmethod
    def fit(cls, values: Values, **properties: Any) -> Column:
        """Return a column with the mean and the scale of vectors."""
        x = _vectors(values, properties["name"])
        known_values = x[~np.isnan(x).any(axis=1)]
        variance = float(known_values.var(axis=0).sum()) if len(known_values) else 0.0
        if variance == 0:
            return _constant(values, properties)
        return cls(mean=known_values.mean(axis=0), scale=variance**0.5, **properties)

    @property
    def width(self) -> int:
        """Length of the vectors."""
        return len(self.mean)

    def encode(self, values: Values) -> np.ndarray:
        """Convert vectors to deviations from the mean, divided by one scale."""
        x = _vectors(values, self.name, self.width)
        return (x - self.mean) / self.scale

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Convert deviations to vectors."""
        import pyarrow as pa

        x = (encoded * self.scale + self.mean).astype(np.float32)
        return pa.array(list(x), type_from_name(self.type))

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        if self.type != "vector" or self.mean.ndim != 1 or not 0 < self.scale < np.inf:
            raise ValueError(f"column {self.name}: expected the mean and scale of vectors")


@dataclass(frozen=True, kw_only=True)
class TextColumn(Column):
    """A column of texts, encoded by a singular value decomposition of term frequencies.

    Attributes
    ----------
    terms : list of str
    idf : ndarray of shape (n_terms,)
        Inverse document frequencies.
    components : ndarray of shape (width, n_terms)
    mean : ndarray of shape (width,)
    scale : float
    """

    terms: list[str]
    idf: np.ndarray
    components: np.ndarray
    mean: np.ndarray
    scale: float

    @classmethod
    def fit(cls, values: Values, **properties: Any) -> Column:
        """Return a column with the terms of texts, or a constant column."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        texts = _as_text(values).drop_null().to_pylist()
        vectorizer = TfidfVectorizer(max_features=MAX_TERMS, min_df=min(2, len(texts)))
        try:
            frequencies = vectorizer.fit_transform(texts)
        except ValueError:  # No term occurs in two texts.
            return _constant(values, properties)
        n_components = min(MAX_TEXT_COMPONENTS, frequencies.shape[1] - 1, len(texts) - 1)
        if n_components < 1:
            return _constant(values, properties)
        svd = TruncatedSVD(n_components, random_state=0)
        x = svd.fit_transform(frequencies)
        return cls(
            terms=list(vectorizer.get_feature_names_out()),
            idf=vectorizer.idf_.astype(np.float32),
            components=svd.components_.astype(np.float32),
            mean=x.mean(axis=0).astype(np.float32),
            scale=float(x.var(axis=0).sum() ** 0.5) or 1.0,
            **properties,
        )

    @property
    def width(self) -> int:
        """Number of components."""
        return len(self.components)

    @cached_property
    def _vectorizer(self) -> "TfidfVectorizer":
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(vocabulary=self.terms)
        vectorizer.idf_ = self.idf
        return vectorizer

    def encode(self, values: Values) -> np.ndarray:
        """Convert texts to their coordinates on the components."""
        texts = _as_text(values)
        x = self._vectorizer.transform(texts.fill_null("").to_pylist()) @ self.components.T
        encoded = (x - self.mean) / self.scale
        encoded[texts.is_null().to_numpy(zero_copy_only=False)] = np.nan
        return encoded

    def decode(self, encoded: np.ndarray) -> "pa.Array":
        """Return the terms with the largest weights, separated by spaces."""
        import pyarrow as pa

        weights = (encoded * self.scale + self.mean) @ self.components
        best = np.argsort(-weights, axis=1)[:, :TERMS_IN_TEXT]
        return pa.array(
            [
                " ".join(self.terms[j] for j in row if weights[i, j] > 0)
                for i, row in enumerate(best)
            ]
        )

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        shapes = (self.idf.shape, self.components.shape, self.mean.shape)
        n_terms, width = len(self.terms), len(self.components)
        if shapes != ((n_terms,), (width, n_terms), (width,)) or not 0 < self.scale < np.inf:
            raise ValueError(f"column {self.name}: expected components for {n_terms} terms")


ENCODERS: dict[str, type[Column]] = {
    "number": NumberColumn,
    "integer": NumberColumn,
    "date": NumberColumn,
    "boolean": BooleanColumn,
    "category": CategoryColumn,
    "vector": VectorColumn,
    "text": TextColumn,
    "constant": ConstantColumn,
}


def _constant(values: Values, properties: dict[str, Any]) -> ConstantColumn:
    known_values = values.drop_null()
    is_text = len(known_values) > 0 and properties["type"] != "vector"
    value = str(_as_text(known_values)[0].as_py()) if is_text else None
    return ConstantColumn(value=value, **{**properties, "role": "constant"})


def _curve(known_values: np.ndarray) -> float | None:
    """Return the scale of arsinh for skewed numbers, or None for other numbers."""
    deviation = known_values - known_values.mean()
    spread = float(known_values.std())
    skewness = float(((deviation / spread) ** 3).mean()) if spread > 0 else 0.0
    return float(np.median(known_values[known_values > 0])) if skewness > SKEWNESS else None


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


def _as_shares(values: Values) -> np.ndarray:
    """Return 0 or 1 for each value, and NaN for a missing one."""
    import pyarrow as pa

    return to_floats(values.cast(pa.bool_()).cast(pa.int8()), "int8")


def _as_text(values: Values) -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    text = values.cast(pa.string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def _vectors(values: Values, name: str, width: int | None = None) -> np.ndarray:
    """Return vectors as rows, with NaN for missing vectors; raise DataError if lengths differ."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    known_values = array.drop_null()
    lengths = pc.unique(pc.list_value_length(known_values)).to_pylist()
    expected = [width] if width is not None else lengths[:1]
    if lengths and lengths != expected:
        lengths_text = ", ".join(map(str, sorted(lengths)[:5]))
        raise DataError(
            f"column {name}: expected vectors of {expected[0]} numbers, "
            f"found lengths {lengths_text}"
        )
    rows = np.full((len(array), expected[0] if expected else 0), np.nan)
    flat = to_floats(known_values.flatten(), "double")
    rows[array.is_valid().to_numpy(zero_copy_only=False)] = flat.reshape(-1, rows.shape[1])
    return rows
