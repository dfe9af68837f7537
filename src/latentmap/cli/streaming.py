"""Pass rows through a model in batches, with progress."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from latentmap.analysis.encoding import encode_batch, numeric_model, numeric_rows
from latentmap.cli.console import format_count
from latentmap.cli.model_arguments import Estimator
from latentmap.data import Source
from latentmap.data.batching import read_batches
from latentmap.data.memmap import TemporaryArrayFile

_MAX_CODE_BYTES = 2**25
Result = TypeVar("Result")


def map_batches(
    function: Callable[[np.ndarray], Result], rows: Source, task: str
) -> Iterator[Result]:
    """Apply a function to all rows, batch by batch, with a progress bar."""
    for _, batch in read_batches(rows, task=task):
        yield function(batch)


def encode_batches(model: Estimator, rows: Source) -> Iterator[np.ndarray]:
    """Encode all rows, batch by batch."""
    task = f"Encoding {format_count(len(rows), 'row')}"
    numeric, source = numeric_model(model), numeric_rows(model, rows)
    return map_batches(lambda batch: encode_batch(numeric, batch, source), source, task)


def encode_rows(model: Estimator, rows: Source) -> np.ndarray:
    """Encode all rows into one array; a large array is stored in a temporary file."""
    if 4 * len(rows) * model.n_components <= _MAX_CODE_BYTES:
        return np.concatenate(list(encode_batches(model, rows)))
    with TemporaryArrayFile() as file:
        for batch in encode_batches(model, rows):
            file.write(batch.astype(np.float32, copy=False))
        return file.mapped(np.float32, (model.n_components,))
