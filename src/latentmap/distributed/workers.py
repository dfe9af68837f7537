"""The door: a block in which fits, and what is asked of the crew, run on several workers.

A block as of joblib's ``parallel_config``, not a setting of estimators: how many machines there are
is a matter of where a program runs, not of the model, and shall not stand in its file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from latentmap.errors import SettingError
from latentmap.progress import progress

if TYPE_CHECKING:
    from latentmap.data import Source

__all__ = ["Workers"]


class Workers:
    """Several processes, on this machine or on many, for all that is fitted within the block.

    Parameters
    ----------
    count : int
        How many. The cluster's cores are divided among them.
    ray : str, optional
        The address of a running Ray cluster, ``"auto"`` for the one that this machine is part of.
        Without it, or a connection of your own, the cores of this machine are one for the time
        of the block.
    storage : path-like or URL, optional
        Where checkpoints are kept while training; they are removed at the end. Where the cluster
        has several machines, a place that all of them see. A temporary folder by default.
    seconds : float
        Between checkpoints, about.
    verbose : bool
        Show progress with the time left.

    Attributes
    ----------
    replaced : list of int
        Of the last training, the epochs in which new workers went on in place of dead ones.

    Raises
    ------
    SettingError
        If there are more workers than cores, a setting is none, or Keras does not run on JAX.
    ClusterError
        If Ray is not installed, nothing answers at the address, or workers keep dying.

    Notes
    -----
    Each step is computed for the whole batch, a slice of it by each worker, and gradients are
    summed over all: weights are those of one process, to within rounding, where the rows lie in
    memory. A batch that workers do not divide evenly is made up to the next size that they do. Rows
    in blocks (Parquet, a large .npy) are dealt out in stretches: other rows meet in a batch than in
    one process.

    A worker that dies takes its group down; a new one goes on from the last checkpoint, three times
    at most.

    Examples
    --------
    Needs the extra ``ray``::

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
    latentmap.errors.SettingError: workers: expected an integer above 0, found 0
    """

    def __init__(
        self,
        count: int,
        *,
        ray: str | None = None,
        storage: str | os.PathLike[str] | None = None,
        seconds: float = 60.0,
        verbose: bool = False,
    ) -> None:
        self.count, self.ray, self.storage = count, ray, storage
        self.seconds, self.verbose = seconds, verbose
        self.cores = 0
        self.replaced: list[int] = []
        self._entered, self._leaving = False, contextlib.ExitStack()
        self._trainer: Any = None

    @property
    def order(self) -> dict[str, Any]:
        """What every worker is told, whatever its work."""
        return {"cores": self.cores, "folder": str(Path.cwd())}

    def __enter__(self) -> Self:
        count = self.count
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise SettingError(f"workers: expected an integer above 0, found {count!r}")
        if not isinstance(self.seconds, Real) or not self.seconds >= 0:
            raise SettingError(f"seconds: expected a number from 0 up, found {self.seconds!r}")
        if self._entered:
            raise SettingError("workers: expected a block of its own, found these in one already")
        _check_engine()
        from latentmap.distributed import ray_connection
        from latentmap.distributed.training_jobs import OnWorkers
        from latentmap.distributed.worker_group import check_storage
        from latentmap.training.strategy import trained_by

        check_storage(self.storage)
        with contextlib.ExitStack() as leaving:
            if ray_connection.connect(self.ray, count):
                leaving.callback(self._leave)
            self.cores = ray_connection.cores_each(count)
            self._trainer = OnWorkers(self)
            leaving.enter_context(trained_by(self._trainer))
            leaving.callback(self._let_trainers_go)
            self._leaving = leaving.pop_all()
        self._entered = True
        return self

    def __exit__(self, *error: Any) -> None:
        self._entered = False
        self._leaving.close()

    def encode(self, model: Any, rows: Source, output: str | os.PathLike[str]) -> None:
        """Encode rows of Parquet files into a folder of Parquet files, in the order of the rows.

        Parameters
        ----------
        model : fitted estimator
        rows : Source
            Opened by ``open_data`` from .parquet, at a path that all machines see.
        output : path-like
            A new folder, at such a path too. Its files hold the codes and, where rows have
            labels, a column ``label``; together, each row once. It is there when all are done.

        Raises
        ------
        SettingError
            If the rows are not those of Parquet files.
        DataError
            If a row cannot be encoded.
        FileError
            If the folder cannot be written.
        """
        from latentmap.distributed.batch_inference import encode_parts

        self._let_trainers_go()
        encode_parts(self, model, rows, Path(output))

    def judge(
        self,
        usual: Any,
        rows: Source,
        worst: int,
        output: str | os.PathLike[str] | None = None,
        write: Callable[..., None] | None = None,
    ) -> Any:
        """Tell how badly rows of Parquet files fit, and which fit worst.

        Parameters
        ----------
        usual : codes.Usual
        rows : Source
            As for `encode`.
        worst : int
            How many of the worst rows are given back.
        output : path-like, optional
            A new folder for all rows' figures, in the order of the rows.
        write : callable, optional
            Writes the figures of one part: ``write(path, rows, found, first)``, with the part's
            rows, their `Outliers`, and the number of the first among all.

        Returns
        -------
        numbers : ndarray of int
            The worst rows' numbers, the worst first.
        found : codes.outlying.Outliers
            Their figures, in the same order.

        Raises
        ------
        SettingError, DataError, FileError
            As `encode`.
        """
        from latentmap.distributed.batch_inference import judge_parts

        self._let_trainers_go()
        folder = None if output is None else Path(output)
        return judge_parts(self, usual, rows, worst, folder, write)

    def _leave(self) -> None:
        from latentmap.distributed import ray_connection

        with progress("leaving Ray", 1, self.verbose) as advance:
            ray_connection.disconnect()
            advance(1)

    def _let_trainers_go(self) -> None:
        """Give the cluster's cores back that workers of a fit which failed may still hold."""
        if self._trainer is not None:
            self._trainer.let_go(self.verbose)


def _check_engine() -> None:
    from latentmap.backend import start

    engine = start().backend.backend()
    if engine != "jax":
        raise SettingError(
            f"workers: expected Keras on JAX, which joins processes, found it on {engine!r}"
        )
