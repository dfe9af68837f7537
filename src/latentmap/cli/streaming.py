"""Rows through a model in batches, with progress, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from latentmap.data import Source

__all__ = ["codes_of", "encoded", "through"]

_BATCH_BYTES = 2**25
_MOST_CODE_BYTES = 2**25
_MOST = 8192


def through(function: Callable[[np.ndarray], Any], rows: Source, text: str) -> Iterator[np.ndarray]:
    """Apply ``transform`` or ``inverse_transform`` to all rows, batch by batch."""
    import numpy as np

    from latentmap.progress import progress

    done, size = 0, max(1, min(_MOST, _BATCH_BYTES * len(rows) // max(rows.nbytes, 1)))
    with progress(text, len(rows)) as advance:
        for batch in rows.batches(size):
            rows.check(batch, done)
            done += len(batch)
            yield np.asarray(function(batch))
            advance(len(batch))


def encoded(model: Any, rows: Source) -> Iterator[np.ndarray]:
    """Encode all rows, batch by batch."""
    from latentmap.data import ArraySource

    def transform(batch: np.ndarray) -> Any:
        # With their columns' names, where the rows have some: the model compares them.
        return model.transform(ArraySource(batch, feature_names=rows.feature_names, name=rows.name))

    return through(transform, rows, f"Encoding {len(rows):,} rows")


def codes_of(model: Any, rows: Source) -> np.ndarray:
    """Encode all rows, into memory, or where they are too many into a file without a name."""
    import numpy as np

    from latentmap.data.memmap import TemporaryArrayFile

    if 4 * len(rows) * model.n_components <= _MOST_CODE_BYTES:
        return np.concatenate(list(encoded(model, rows)))
    with TemporaryArrayFile() as file:
        for batch in encoded(model, rows):
            file.write(batch.astype(np.float32, copy=False))
        return file.mapped(np.float32, (model.n_components,))
