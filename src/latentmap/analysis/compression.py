"""Compression of rows to a small file of codes, and decompression, with any encoder and decoder.

A sample of the rows determines the step sizes for the given error or size. All rows are then
encoded once, block by block, and the error and size of the result are measured. If it does not meet
the limit, the rows are encoded again with smaller or larger steps.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentmap.analysis.codec_file import CodeFile, encode_labels, round_codes, write_codes
from latentmap.analysis.encoding import numeric_model, numeric_rows
from latentmap.analysis.model_info import Decoder, FittedEstimator, fitted_table
from latentmap.analysis.quantize import UNITS_PER_OCTAVE
from latentmap.analysis.rate_control import (
    CompressionJob,
    CompressionLimit,
    JobSample,
    short_fingerprint,
)
from latentmap.data.batching import read_batches
from latentmap.data.memory import check_memory
from latentmap.data.types import DataLike
from latentmap.errors import FileError, SettingError
from latentmap.files import check_output_path, write_atomically
from latentmap.progress import Advance, progress

EXPONENT_INCREMENT, MAX_PASSES = UNITS_PER_OCTAVE // 32, 12


@dataclass(frozen=True)
class CompressionResult:
    """Result of `compress`: sizes in bytes, and mean squared errors in scaled units.

    ``gzip_bytes`` is the estimated size without loss, ``model_mse`` the error without rounding.
    """

    rows: int
    file_bytes: int
    raw_bytes: int
    gzip_bytes: int
    mse: float
    model_mse: float

    @property
    def ratio(self) -> float:
        """Size of the rows divided by the size of the file."""
        return self.raw_bytes / self.file_bytes

    @property
    def bytes_per_row(self) -> float:
        """Size of the file divided by the number of rows."""
        return self.file_bytes / self.rows


def compress(
    estimator: FittedEstimator,
    X: DataLike | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    error: float | None = None,
    bytes_per_row: float | None = None,
    labels: bool = True,
    verbose: bool = False,
) -> CompressionResult:
    """Compress rows to a file of codes, with loss.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``. If it has a ``fingerprint``, the file can only
        be decompressed by the same estimator.
    X : Source, path, data-set name, data frame, sparse matrix or array-like of shape (n, ...)
    path : path-like
    error : float, optional
        Maximum of the mean squared error of the decompressed rows, including the error of the
        model, in scaled units (0–1 for images), as `latentmap.metrics.evaluate` computes it.
    bytes_per_row : float, optional
        Maximum size of the file, in bytes per row. Without both limits, rounding adds 5 % to the
        error of the model.
    labels : bool
        Whether labels of the rows are stored.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    CompressionResult

    Raises
    ------
    SettingError
        If both limits are given, or the limit cannot be met.
    DataError
        If the rows do not match the fitted rows.
    FileError
        If the path cannot be written.

    Notes
    -----
    Uniform quantisation with steps that add equal errors, and adaptive range coding; the formulas
    are in `latentmap.analysis.quantize`. A sample of the rows is read first, then all rows, block
    by block.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> X, path = load_iris().data, Path(tempfile.mkdtemp()) / "iris.codes"
    >>> pca = PCA(2).fit(X)
    >>> result = compress(pca, X, path, error=0.03)
    >>> result.mse <= 0.03, result.raw_bytes, result.file_bytes < 400
    (True, 4800, True)
    >>> decompress(pca, path).shape
    (150, 4)
    """
    path = check_output_path(path)
    limit, source = CompressionLimit(error, bytes_per_row), numeric_rows(estimator, X)
    limit.check()
    job = CompressionJob(
        numeric_model(estimator), source, encode_labels(source.labels if labels else None)
    )
    sample = JobSample.draw(job, verbose)
    step_exponent = sample.choose_step_exponent(limit, verbose)
    with write_atomically(path) as temporary_path:
        for _ in range(MAX_PASSES):
            result = _write(temporary_path, job, sample, step_exponent, verbose)
            if limit.is_met(result.mse, result.bytes_per_row):
                return result
            limit.check_possible(result.model_mse)
            step_exponent += EXPONENT_INCREMENT if limit.error is None else -EXPONENT_INCREMENT
        raise SettingError(f"{path}: expected a limit that can be met, found {limit}")


def decompress(estimator: Decoder, path: str | os.PathLike[str]) -> np.ndarray:
    """Return the rows of a file that `compress` wrote, as ``inverse_transform`` returns them.

    The estimator must be the one that compressed the rows. See `open_codes` for their labels, and
    `iter_decompressed` for blocks of rows.

    Raises
    ------
    FileError
        If the file is missing, truncated, damaged, of another model, or not a file of codes.
    TooLargeError
        If the rows exceed the available memory.
    """
    file = open_codes(estimator, path)
    blocks = iter_decompressed(numeric_model(estimator), file)
    first = next(blocks)
    check_memory(f"{path}", file.rows * (first.nbytes // len(first)))
    rows = np.concatenate([first, *blocks])
    table = fitted_table(estimator)
    return rows if table is None else table.decode(rows)


def open_codes(estimator: object, path: str | os.PathLike[str]) -> CodeFile:
    """Open a file of codes; raise a FileError if another estimator compressed it."""
    file = CodeFile(path)
    expected = short_fingerprint(estimator)
    if file.model != expected:
        raise FileError(
            f"{path}: expected codes of this model (fingerprint {expected or 'none'}), found codes "
            f"of another model ({file.estimator}, {file.components} components, fingerprint "
            f"{file.model or 'none'})"
        )
    return file


def iter_decompressed(
    estimator: Decoder, file: CodeFile, verbose: bool = False
) -> Iterator[np.ndarray]:
    """Yield the rows of an opened file, block by block."""
    with progress(f"Decompressing {file.rows:,} rows", file.rows, verbose) as advance:
        for codes in file.codes():
            yield estimator.inverse_transform(codes)
            advance(len(codes))


def _write(
    path: Path, job: CompressionJob, sample: JobSample, step_exponent: int, verbose: bool
) -> CompressionResult:
    """Write a file of codes, and measure the errors of the decompressed rows."""
    quantizer, rows, sums = sample.quantizer(step_exponent), len(job.source), np.zeros(2)

    def encode_batches(advance: Advance) -> Iterator[np.ndarray]:
        for _, batch in read_batches(job.source, job.block_size):
            codes = job.encode(batch)
            errors = [job.error(batch, z) for z in (round_codes(quantizer, codes), codes)]
            sums[:] += len(batch) * np.array(errors)
            yield codes
            advance(len(batch))

    text = f"Compressing {rows:,} rows"
    with progress(text, rows, verbose) as advance, path.open("wb") as file:
        write_codes(file, job.header, quantizer, job.labels, encode_batches(advance))
    mse, model_mse = (float(total) for total in sums / rows)
    raw_bytes = job.source.nbytes
    gzip_bytes = round(sample.gzip_ratio * raw_bytes)
    return CompressionResult(rows, path.stat().st_size, raw_bytes, gzip_bytes, mse, model_mse)
