"""The crew of workers that a verb was told to hire, if it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from latentmap.cli.console import working
from latentmap.errors import SettingError

if TYPE_CHECKING:
    from latentmap.data import Source
    from latentmap.distributed import Workers

__all__ = ["check_hiring", "check_parts", "hired"]


def check_hiring(count: int | None, ray: str | None, storage: str | None = None) -> None:
    """Refuse, before any work, options that are for workers where there are none, or too many.

    Raises
    ------
    SettingError
    """
    if count is not None:
        if ray is None:
            from latentmap.distributed.ray_connection import check_local_cores

            check_local_cores(count)
        return
    for option, value in {"--ray": ray, "--storage": storage}.items():
        if value is not None:
            raise SettingError(f"{option}: expected --workers with it, found none")


def check_parts(count: int | None, rows: Source) -> None:
    """Raise SettingError if there are workers and the rows are not in .parquet files."""
    if count is not None:
        from latentmap.distributed.batch_inference import check_parquet_source

        check_parquet_source(rows)


@contextlib.contextmanager
def hired(
    count: int | None, ray: str | None, storage: str | None = None
) -> Iterator[Workers | None]:
    """Give so many workers for the time of the block, or None where none are asked for.

    Raises
    ------
    SettingError
        If they cannot be had.
    ClusterError
        If Ray is not installed, or nothing answers at its address.
    """
    if count is None:
        yield None
        return
    from latentmap.distributed import Workers

    with contextlib.ExitStack() as leaving:
        with working("Starting Ray…" if ray is None else f"Joining the Ray cluster {ray}…"):
            workers = Workers(count, ray=ray, storage=storage, verbose=True)
            leaving.enter_context(workers)
        yield workers
