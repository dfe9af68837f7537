"""Rows to a small file of codes, and back, with any model that has a way back.

A sample of the rows decides how fine the codes must be for the error, or the size, that is allowed;
then all rows stream through once, block by block, and what the file really holds is measured
against them. Should the sample have promised too much, the rows stream through again, a little
finer or coarser. Quantising, entropy coding and the file itself have modules of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentmap.analysis.codec_file import PackedCodes, pack_codes, packed_labels, rounded
from latentmap.analysis.quantize import OCTAVE
from latentmap.analysis.rate_control import Limit, Sample, Task, fingerprint
from latentmap.data import as_source
from latentmap.data.memory import check_memory
from latentmap.errors import FileError, SettingError
from latentmap.files import check_output_path, write_atomically
from latentmap.progress import Advance, progress

__all__ = ["Compressed", "compress", "decompress", "decompressed", "open_codes"]

_AGAIN, _MOST_PASSES = OCTAVE // 32, 12
"""How much finer or coarser a further pass is, and how many there may be."""


@dataclass(frozen=True)
class Compressed:
    """What `compress` wrote, and what that costs."""

    rows: int
    file_bytes: int
    raw_bytes: int
    """Of the rows, as they were read."""
    gzip_bytes: int
    """What gzip would make of the rows' bytes, without any loss; estimated from a sample."""
    mse: float
    """Mean squared error of the rows that come back, as the model's network sees them."""
    model_mse: float
    """The part of it that the model makes with codes that are not rounded."""

    @property
    def ratio(self) -> float:
        """Return how many times smaller the file is than the rows."""
        return self.raw_bytes / self.file_bytes

    @property
    def bytes_a_row(self) -> float:
        """Return the bytes of the file, all of them, for each row."""
        return self.file_bytes / self.rows


def compress(
    estimator: Any,
    X: Any,
    path: str | os.PathLike[str],
    *,
    error: float | None = None,
    bytes_a_row: float | None = None,
    labels: bool = True,
    verbose: bool = False,
) -> Compressed:
    """Write rows to a small file, from which `decompress` gets them back nearly.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``. One with a ``fingerprint`` is named in the
        file, and the file is read with no other.
    X : Source, path, data-set name, data frame, sparse matrix or array-like of shape (n, ...)
    path : path-like
    error : float, optional
        The mean squared error that the rows may have when they are back, in all: what the model
        itself loses is part of it. As the model's network sees them (in 0–1 for images), and as
        `evaluate` tells it.
    bytes_a_row : float, optional
        Instead, how large the file may be: as many bytes as this for each row, all that is in the
        file counted. Without either, rounding may add a twentieth to the error of the model.
    labels : bool
        Keep the labels, where the rows have some.
    verbose : bool
        Show progress with the time left.

    Returns
    -------
    Compressed

    Raises
    ------
    SettingError
        If both limits are given, or the one that is cannot be kept.
    DataError
        If the rows cannot be used.
    FileError
        If the place cannot be written.

    Notes
    -----
    Uniform quantisation with steps of equal harm, an adaptive range coder behind it; the formulas
    are in `latentmap.analysis.quantize`. Rows are read twice: a sample, then all, block by block.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> X, place = load_iris().data, Path(tempfile.mkdtemp()) / "iris.codes"
    >>> pca = PCA(2).fit(X)
    >>> told = compress(pca, X, place, error=0.03)
    >>> told.mse <= 0.03, told.raw_bytes, told.file_bytes < 400
    (True, 4800, True)
    >>> decompress(pca, place).shape
    (150, 4)
    """
    path = check_output_path(path)
    limit, source = Limit(error, bytes_a_row).checked(), as_source(X)
    task = Task(estimator, source, packed_labels(source.labels if labels else None))
    sample = Sample.of(task, verbose)
    fineness = sample.suited(limit, verbose)
    with write_atomically(path) as beside:
        for _ in range(_MOST_PASSES):
            told = _written(beside, task, sample, fineness, verbose)
            if limit.holds(told.mse, told.bytes_a_row):
                return told
            limit.check_possible(told.model_mse)
            fineness += _AGAIN if limit.error is None else -_AGAIN
        raise SettingError(f"{path}: expected a limit that can be kept, found {limit}")


def decompress(estimator: Any, path: str | os.PathLike[str]) -> np.ndarray:
    """Get the rows back that `compress` wrote.

    Parameters
    ----------
    estimator : fitted estimator
        The one that they were compressed with.
    path : path-like

    Returns
    -------
    ndarray of shape (n, ...)
        As ``estimator.inverse_transform`` gives them, in the rows' own units. `open_codes` also
        has their labels, and `decompressed` gives them block by block.

    Raises
    ------
    FileError
        If the file is missing, cut, damaged, another's, or of another model.
    TooLargeError
        If the rows do not fit into memory.
    """
    packed = open_codes(estimator, path)
    blocks = decompressed(estimator, packed)
    first = next(blocks)
    check_memory(f"{path}", packed.rows * (first.nbytes // len(first)))
    return np.concatenate([first, *blocks])


def open_codes(estimator: Any, path: str | os.PathLike[str]) -> PackedCodes:
    """Open a file of codes, and check that they are this estimator's.

    Returns
    -------
    PackedCodes
        With ``rows``, how many there are, and their ``labels``.

    Raises
    ------
    FileError
        As `decompress`.
    """
    packed = PackedCodes(path)
    ours = fingerprint(estimator)
    if packed.model != ours:
        raise FileError(
            f"{path}: expected codes of this model, found those of another "
            f"({packed.estimator}, {packed.components} components, fingerprint "
            f"{packed.model or 'none'}; this model's is {ours or 'none'})"
        )
    return packed


def decompressed(
    estimator: Any, packed: PackedCodes, verbose: bool = False
) -> Iterator[np.ndarray]:
    """Iterate over the rows of an opened file, block by block."""
    with progress(f"Decompressing {packed.rows:,} rows", packed.rows, verbose) as advance:
        for codes in packed.codes():
            yield np.asarray(estimator.inverse_transform(codes))
            advance(len(codes))


def _written(beside: Path, task: Task, sample: Sample, fineness: int, verbose: bool) -> Compressed:
    """Write the file, and measure it against the rows."""
    quantizer, rows, sums = sample.quantizer(fineness), len(task.source), np.zeros(2)

    def codes(advance: Advance) -> Iterator[np.ndarray]:
        for batch in task.batches():
            exact = task.encode(batch)
            both = (rounded(quantizer, exact), exact)
            sums[:] += [len(batch) * task.error(batch, z) for z in both]
            yield exact
            advance(len(batch))

    with (
        progress(f"Compressing {rows:,} rows", rows, verbose) as advance,
        beside.open("wb") as file,
    ):
        pack_codes(file, task.about, quantizer, task.labels, codes(advance))
    mse, model_mse = (float(total) for total in sums / rows)
    raw = task.source.nbytes
    return Compressed(
        rows, beside.stat().st_size, raw, round(sample.gzip_share * raw), mse, model_mse
    )
