"""Columns of vectors and of texts of a fitted table."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.errors import DataError
from latentmap.preprocessing.column_types import Values, to_floats, type_from_name
from latentmap.preprocessing.encoded_columns import Column, constant_column, to_strings
from latentmap.preprocessing.word_splitting import split_words

if TYPE_CHECKING:
    import pyarrow as pa
    from sklearn.feature_extraction.text import TfidfVectorizer

MAX_TERMS = 2_000
MAX_TEXT_COMPONENTS = 16
# A column of texts has more terms and components if it is the only column of its table.
MAX_TERMS_ALONE = 10_000
MAX_COMPONENTS_ALONE = 100
TERMS_IN_TEXT = 5


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
            return constant_column(values, properties)
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
    has_unit_length : bool
        Whether the coordinates of each text are divided by their length, so that distances are
        those of the cosine.
    """

    terms: list[str]
    idf: np.ndarray
    components: np.ndarray
    mean: np.ndarray
    scale: float
    has_unit_length: bool | None = None

    @classmethod
    def fit(
        cls,
        values: Values,
        max_components: int = MAX_TEXT_COMPONENTS,
        max_terms: int = MAX_TERMS,
        **properties: Any,
    ) -> Column:
        """Return a column with the terms of texts, or a constant column.

        Coordinates have unit length if there may be more than 16 components.
        """
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.preprocessing import normalize

        texts = to_strings(values).drop_null().to_pylist()
        vectorizer = TfidfVectorizer(
            tokenizer=split_words,
            token_pattern=None,
            max_features=max_terms,
            min_df=min(2, len(texts)),
        )
        try:
            frequencies = vectorizer.fit_transform(texts)
        except ValueError:  # The vectorizer raises ValueError if no term occurs in two texts.
            return constant_column(values, properties)
        n_components = min(max_components, frequencies.shape[1] - 1, len(texts) - 1)
        if n_components < 1:
            return constant_column(values, properties)
        svd = TruncatedSVD(n_components, random_state=0)
        x = svd.fit_transform(frequencies)
        has_unit_length = max_components > MAX_TEXT_COMPONENTS or None
        x = normalize(x) if has_unit_length else x
        return cls(
            terms=list(vectorizer.get_feature_names_out()),
            idf=vectorizer.idf_.astype(np.float32),
            components=svd.components_.astype(np.float32),
            mean=x.mean(axis=0).astype(np.float32),
            scale=float(x.var(axis=0).sum() ** 0.5) or 1.0,
            has_unit_length=has_unit_length,
            **properties,
        )

    @property
    def width(self) -> int:
        """Number of components."""
        return len(self.components)

    @cached_property
    def _vectorizer(self) -> "TfidfVectorizer":
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(
            tokenizer=split_words, token_pattern=None, vocabulary=self.terms
        )
        vectorizer.idf_ = self.idf
        return vectorizer

    def encode(self, values: Values) -> np.ndarray:
        """Convert texts to their coordinates on the components."""
        texts = to_strings(values)
        x = self._vectorizer.transform(texts.fill_null("").to_pylist()) @ self.components.T
        if self.has_unit_length:
            lengths = np.linalg.norm(x, axis=1, keepdims=True)
            x = x / np.where(lengths > 0, lengths, 1.0)
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
            ],
            type_from_name(self.type),
        )

    def validate(self) -> None:
        """Raise ValueError if a property does not fit the others."""
        super().validate()
        shapes = (self.idf.shape, self.components.shape, self.mean.shape)
        n_terms, width = len(self.terms), len(self.components)
        if shapes != ((n_terms,), (width, n_terms), (width,)) or not 0 < self.scale < np.inf:
            raise ValueError(f"column {self.name}: expected components for {n_terms} terms")


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
