"""Context manager that runs training, encoding and outlier scores on several workers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Self

from latentmap.errors import SettingError
from latentmap.number_checks import check_number

if TYPE_CHECKING:
    import numpy as np

    from latentmap.analysis import OutlierDetector
    from latentmap.analysis.outlier_scores import OutlierScores
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.data import Source
    from latentmap.distributed.worker import WorkerSettings


class Workers:
    """Train the estimators that are fitted in the block on several processes or machines.

    Parameters
    ----------
    count : int
        Number of worker processes, among which the cores of the cluster are divided.
    ray : str, optional
        Address of a running Ray cluster, or ``"auto"`` for the cluster that this machine is part
        of. By default, the cluster to which this process is connected, or else a new cluster of
        the cores of this machine that ends with the block.
    storage : path-like or URL, optional
        Place of the checkpoints, which are removed after the training. All machines of the cluster
        must be able to read it. By default, a temporary folder of this machine.
    checkpoint_seconds : float
        Approximate time between two checkpoints.
    verbose : bool
        Show progress with the remaining time.

    Attributes
    ----------
    resumed_epochs : list of int
        Epochs of the last training in which new workers replaced dead ones.

    Raises
    ------
    SettingError
        If there are more workers than cores, a parameter is invalid, or Keras does not run on JAX.
    ClusterError
        If Ray is not installed, no cluster answers at the address, or workers die repeatedly.

    Notes
    -----
    Each worker computes the gradient of a slice of each batch, and gradients are averaged over all
    workers. If the rows are in memory, the weights equal those of a single process up to rounding
    errors. If ``count`` does not divide the batch size, the next larger multiple is used. Rows in
    blocks (Parquet, a large .npy) are divided into contiguous ranges, so batches contain other rows
    than in a single process.

    If a worker dies, all workers stop, and a new group resumes from the last checkpoint, at most
    three times.

    Examples
    --------
    This needs the extra ``ray``::

        from latentmap import AutoEncoder
        from latentmap.data import open_data
        from latentmap.distributed import Workers

        rows = open_data("rows.parquet")
        with Workers(8, ray="auto", storage="/shared/checkpoints") as workers:
            model = AutoEncoder(32, random_state=0).fit(rows)
            workers.encode(model, rows, "codes.parquet")

    >>> from latentmap.distributed import Workers
    >>> Workers(0).__enter__()
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: workers: expected an integer of at least 1, found 0
    """

    def __init__(
        self,
        count: int,
        *,
        ray: str | None = None,
        storage: str | os.PathLike[str] | None = None,
        checkpoint_seconds: float = 60.0,
        verbose: bool = False,
    ) -> None:
        self.count, self.ray, self.storage = count, ray, storage
        self.checkpoint_seconds, self.verbose = checkpoint_seconds, verbose
        self.resumed_epochs: list[int] = []
        self._cores = 0
        self._is_open, self._cleanup = False, contextlib.ExitStack()

    @property
    def settings(self) -> WorkerSettings:
        """The settings of each worker process."""
        from latentmap.distributed.worker import WorkerSettings

        return WorkerSettings(self._cores, str(Path.cwd()))

    def __enter__(self) -> Self:
        self._check()
        from latentmap.distributed import ray_connection
        from latentmap.distributed.checkpoint_storage import check_storage
        from latentmap.distributed.remote_training import RemoteLauncher
        from latentmap.training.launcher import use_launcher

        check_storage(self.storage)
        with contextlib.ExitStack() as stack:
            stack.enter_context(ray_connection.connect(self.ray, self.count, self.verbose))
            self._cores = ray_connection.cores_per_worker(self.count)
            stack.enter_context(use_launcher(RemoteLauncher(self)))
            self._cleanup = stack.pop_all()
        self._is_open = True
        return self

    def __exit__(self, *error: object) -> None:
        self._is_open = False
        self._cleanup.close()

    def encode(self, model: BaseAutoEncoder, rows: Source, output: str | os.PathLike[str]) -> None:
        """Encode rows of Parquet files into a folder of Parquet files, in the order of the rows.

        Parameters
        ----------
        model : fitted estimator
        rows : Source
            Opened by ``open_data`` from .parquet, at a path that all machines can read.
        output : path-like
            A new folder, at a path that all machines can write. Its files contain the codes and,
            if the rows have labels, a column ``label``. The folder appears when it is complete.

        Raises
        ------
        SettingError
            If the rows are not read from Parquet files.
        DataError
            If a row cannot be encoded.
        FileError
            If the folder cannot be written.
        """
        from latentmap.distributed.batch_inference import encode_parts

        encode_parts(self, model, rows, Path(output))

    def score_outliers(
        self,
        reference: OutlierDetector,
        rows: Source,
        n_outliers: int,
        output: str | os.PathLike[str] | None = None,
        write: Callable[[Path, Source, OutlierScores, int], None] | None = None,
    ) -> tuple[np.ndarray, OutlierScores]:
        """Compute the outlier scores of rows of Parquet files, and return the top outliers.

        Parameters
        ----------
        reference : latentmap.analysis.OutlierDetector
        rows : Source
            As for `encode`.
        n_outliers : int
            Number of rows to return.
        output : path-like, optional
            A new folder for the scores of all rows, in the order of the rows.
        write : callable, optional
            Function that writes the scores of one part: ``write(path, rows, scores, first_row)``.

        Returns
        -------
        numbers : ndarray of int
            The indices of the top outliers, in descending order of their scores.
        scores : latentmap.analysis.outlier_scores.OutlierScores
            Their scores, in the same order.

        Raises
        ------
        SettingError, DataError, FileError
            As for `encode`.
        """
        from latentmap.distributed.batch_inference import score_outlier_parts

        folder = None if output is None else Path(output)
        return score_outlier_parts(self, reference, rows, n_outliers, folder, write)

    def _check(self) -> None:
        """Raise SettingError if the parameters or the engine cannot be used."""
        count = self.count
        check_number("workers", count, Integral, 1)
        check_number("checkpoint_seconds", self.checkpoint_seconds, Real, 0)
        if self._is_open:
            raise SettingError("workers: expected a new Workers object, found one already in use")
        from latentmap.backend import start_engine

        engine = start_engine().backend.backend()
        if engine != "jax":
            raise SettingError(
                f"workers: expected Keras on JAX, which connects processes, found {engine!r}"
            )
