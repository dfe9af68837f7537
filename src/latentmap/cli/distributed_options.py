"""The options ``--workers``, ``--ray`` and ``--storage``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from latentmap.cli.console import show_status
from latentmap.data import Source
from latentmap.errors import SettingError

if TYPE_CHECKING:
    from latentmap.distributed import Workers


def check_worker_options(
    n_workers: int | None, ray: str | None, storage: str | None = None
) -> None:
    """Raise SettingError if an option needs --workers, or if there are too few cores."""
    if n_workers is not None:
        if ray is None:
            from latentmap.distributed.ray_connection import check_local_cores

            check_local_cores(n_workers)
        return
    for name, value in {"--ray": ray, "--storage": storage}.items():
        if value is not None:
            raise SettingError(f"{name}: has no effect without --workers; add --workers N")


def check_worker_rows(n_workers: int | None, rows: Source) -> None:
    """Raise SettingError if workers are requested for rows that are not in .parquet files."""
    if n_workers is not None:
        from latentmap.distributed.batch_inference import check_parquet_source

        check_parquet_source(rows)


@contextlib.contextmanager
def open_workers(
    n_workers: int | None, ray: str | None, storage: str | None = None
) -> Iterator[Workers | None]:
    """Start workers for the duration of the block; yield None if the user requests none."""
    if n_workers is None:
        yield None
        return
    from latentmap.distributed import Workers

    text = "Starting Ray…" if ray is None else f"Connecting to the Ray cluster {ray}…"
    with contextlib.ExitStack() as stack:
        with show_status(text):
            workers = Workers(n_workers, ray=ray, storage=storage, verbose=True)
            stack.enter_context(workers)
        yield workers
