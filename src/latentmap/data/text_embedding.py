"""Embedding of a column of texts by a sentence-transformers model, or by any similar object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.data_frames import is_frame
from latentmap.data.memory import check_memory
from latentmap.data.sources import ArraySource, Source
from latentmap.data.table_options import TableOptions, fitted_names
from latentmap.data.tables import Table
from latentmap.errors import DataError, SettingError, UnknownNameError
from latentmap.progress import progress

if TYPE_CHECKING:
    from latentmap.data.types import FrameLike

_BATCH_ROWS = 256


def fit_texts(rows: Source, options: TableOptions, verbose: bool = False) -> Source:
    """Return a table whose text column is fitted, together with the columns that have a role.

    With ``options.text_model``, return the embeddings of the texts, with the table as metadata.
    """
    column, schema = options.text, rows.table_schema
    assert column is not None
    if schema is None or column not in schema.schema.names:
        raise UnknownNameError("column", column, [] if schema is None else schema.schema.names)
    if options.text_model is not None:
        return embed_texts(rows, column, options.text_model, verbose)
    rows.table_schema = replace(schema, fitted_columns=fitted_names(options.roles))
    return rows


class TextModel(Protocol):
    """Model that embeds texts, such as `sentence_transformers.SentenceTransformer`."""

    def encode(self, sentences: list[str]) -> ArrayLike:
        """Return one vector for each text, shape (n, d)."""


def embed_texts(
    rows: FrameLike | Source, column: str, model: str | TextModel, verbose: bool = False
) -> ArraySource:
    """Embed a column of texts.

    Parameters
    ----------
    rows : data frame or Source
        A table.
    column : str
        The column of texts. A missing text is embedded as an empty one.
    model : str or object
        The folder of a sentence-transformers model, its name if it has been downloaded before, or
        an object whose method ``encode`` takes a list of strings. Nothing is downloaded.
    verbose : bool
        Show progress.

    Returns
    -------
    ArraySource
        Vectors of length 1, float32, with the table as ``metadata`` and its labels.

    Raises
    ------
    UnknownNameError
        If the table does not have the column.
    SettingError
        If the model or the package sentence-transformers is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> class LetterCounts:
    ...     def encode(self, sentences):
    ...         return [[text.count(letter) for letter in "abc"] for text in sentences]
    >>> articles = pd.DataFrame({"body": ["a cab", "a b c a"], "year": [2023, 2024]})
    >>> rows = embed_texts(articles, "body", LetterCounts())
    >>> rows.row_shape
    (3,)
    >>> rows.metadata.feature_names
    ['body', 'year']
    """
    table = Table(rows, roles={column: "text"}) if is_frame(rows) else rows
    assert isinstance(table, Source)
    names = table.feature_names or []
    if column not in names:
        raise UnknownNameError("column", column, names)
    if isinstance(model, str):
        with progress("loading the text model", 1, verbose, delay=True):
            model = load_text_model(model)
    vectors: np.ndarray | None = None
    start = 0
    with progress(f"embedding {len(table):,} texts", len(table), verbose) as advance:
        for texts in _text_batches(table, column):
            batch = _unit_vectors(model.encode(texts), len(texts), table.name)
            if vectors is None:
                check_memory(table.name, 4 * len(table) * batch.shape[1])
                vectors = np.empty((len(table), batch.shape[1]), np.float32)
            vectors[start : start + len(texts)] = batch
            start += len(texts)
            advance(len(texts))
    assert vectors is not None
    source = ArraySource(vectors, labels=table.labels, name=table.name)
    source.metadata = table
    return source


def _text_batches(table: Source, column: str) -> Iterator[list[str]]:
    for batch in table.batches(_BATCH_ROWS):
        rows: Any = batch
        values: Sequence[object] = rows.column(column).to_pylist()
        yield ["" if value is None else str(value) for value in values]


def _unit_vectors(vectors: ArrayLike, n_texts: int, name: str) -> np.ndarray:
    """Return vectors divided by their length; a vector of zeros stays as it is."""
    x = np.asarray(vectors, dtype=np.float32)
    if x.ndim != 2 or len(x) != n_texts:
        raise DataError(f"{name}: expected vectors of {n_texts} texts, found shape {x.shape}")
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(lengths > 0, lengths, 1)


def load_text_model(name: str) -> TextModel:
    """Load a sentence-transformers model from its folder or the cache, without a download."""
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError:
        raise SettingError(
            f"text_model {name!r}: expected the package sentence-transformers, found no such "
            "package: install latentmap[text]"
        ) from None
    try:
        # Weights in another format than safetensors could execute code when they are read.
        return SentenceTransformer(
            name, local_files_only=True, model_kwargs={"use_safetensors": True}
        )
    except (OSError, ValueError) as error:
        raise SettingError(
            f"text_model {name!r}: expected the folder of a model, or the name of a downloaded "
            f"one, found none: sentence_transformers.SentenceTransformer({name!r}) downloads it"
        ) from error
