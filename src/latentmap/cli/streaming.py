"""Passing rows through a model in batches, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from latentmap.cli.console import format_count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.data import Source

__all__ = ["encode_batches", "encode_rows", "map_batches"]

_MAX_CODE_BYTES = 2**25


def map_batches(
    function: Callable[[np.ndarray], ArrayLike], rows: Source, text: str
) -> Iterator[np.ndarray]:
    """Apply a function to all rows, batch by batch, and show progress under ``text``."""
    import numpy as np

    from latentmap.data.batching import read_batches

    for _, batch in read_batches(rows, task=text):
        yield np.asarray(function(batch))


def encode_batches(model: BaseAutoEncoder, rows: Source) -> Iterator[np.ndarray]:
    """Encode all rows, batch by batch."""
    from latentmap.data import ArraySource

    def encode(batch: np.ndarray) -> ArrayLike:
        # The source carries the names of the columns, which the model compares with its own.
        return model.transform(ArraySource(batch, feature_names=rows.feature_names, name=rows.name))

    return map_batches(encode, rows, f"Encoding {format_count(len(rows), 'row')}")


def encode_rows(model: BaseAutoEncoder, rows: Source) -> np.ndarray:
    """Encode all rows into one array; a large array is kept in a temporary file."""
    import numpy as np

    from latentmap.data.memmap import TemporaryArrayFile

    if 4 * len(rows) * model.n_components <= _MAX_CODE_BYTES:
        return np.concatenate(list(encode_batches(model, rows)))
    with TemporaryArrayFile() as file:
        for batch in encode_batches(model, rows):
            file.write(batch.astype(np.float32, copy=False))
        return file.mapped(np.float32, (model.n_components,))
