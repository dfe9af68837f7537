"""Rows of Parquet files through a model, part by part over Ray Data, into a folder of files.

What Ray Data deals out are the places of parts, not rows: each worker reads its part by our own
reader, so that a table means the same to many processes as to one, and writes it to a file that is
called after its number and moved in when whole. A part that is done twice, because a worker died or
was slow, is then the same file; none is lost or doubled, and the files in their order hold the rows
in theirs. The folder takes its place when all parts are there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from latentmap import errors
from latentmap.analysis.outlier_scores import Outliers
from latentmap.data import Source, write_rows
from latentmap.data.parquet_tables import ParquetSource
from latentmap.distributed import ray_connection
from latentmap.distributed.serialization import ship
from latentmap.distributed.sharding import parts_of
from latentmap.distributed.worker import settle_down
from latentmap.errors import ClusterError, LatentmapError, SettingError
from latentmap.files import check_output_path, remove_partial_outputs, write_atomically
from latentmap.progress import progress

__all__ = ["check_tables", "encode_parts", "judge_parts"]

Columns = dict[str, np.ndarray]
Parts = dict[int, tuple[int, int]]
"""Of each part its number, its first row and the row after its last."""
FOREMEN = 3
"""So many are tried, one after another."""
GLANCE = 0.5
"""Seconds between two looks for the first part."""


def check_tables(rows: Source) -> None:
    """Refuse rows that are not those of Parquet files.

    Raises
    ------
    SettingError
        Naming them.
    """
    if not isinstance(rows, ParquetSource):
        raise SettingError(
            f"{rows.name}: expected .parquet, a file or a folder, to be shared among workers, "
            "found other data"
        )


def encode_parts(workers: Any, model: Any, rows: Source, output: Path) -> None:
    """Encode rows into a folder; see `Workers.encode`."""
    text = f"Encoding {len(rows):,} rows on {workers.count} workers"
    with _folder(output) as folder:
        for _ in _done(workers, rows, _Encoding(model, rows, folder), text):
            pass


def judge_parts(
    workers: Any,
    usual: Any,
    rows: Source,
    worst: int,
    output: Path | None,
    write: Callable[..., None] | None,
) -> tuple[np.ndarray, Outliers]:
    """Judge rows; see `Workers.judge`."""
    text = f"Looking at {len(rows):,} rows on {workers.count} workers"
    with contextlib.ExitStack() as leaving:
        folder = None if output is None else leaving.enter_context(_folder(output))
        task = _Judging(usual, rows, worst, folder, write)
        found = list(_done(workers, rows, task, text))
    told = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    order = np.lexsort((told["row"], -told["scores"]))[:worst]  # of equal ones the first
    figures = Outliers(**{field.name: told[field.name] for field in fields(Outliers)})
    return told["row"][order], figures.picked(order)


@dataclass(frozen=True)
class _Encoding:
    """Writes the codes of a part."""

    model: Any
    rows: Source
    folder: Path

    def __call__(self, number: int, first: int, part: Source) -> Columns:
        write_rows(
            _place(self.folder, number),
            [self.model.transform(part)],
            length=len(part),
            feature_names=list(self.model.get_feature_names_out()),
            labels=part.labels,
        )
        return {}


@dataclass(frozen=True)
class _Judging:
    """Writes the figures of a part, and gives those of its worst rows."""

    usual: Any
    rows: Source
    worst: int
    folder: Path | None
    write: Callable[..., None] | None

    def __call__(self, number: int, first: int, part: Source) -> Columns:
        found = self.usual.judge(part)
        if self.folder is not None and self.write is not None:
            self.write(_place(self.folder, number), part, found, first)
        worst = found.ranking[: self.worst]
        return {"row": first + worst, **vars(found.picked(worst))}


class _PartWorker:
    """One process of Ray Data's: it takes the task, with its model, once."""

    def __init__(self, order: dict[str, Any]) -> None:
        import ray

        settle_down(order)
        self.task = ray.get(order["task"])

    def __call__(self, batch: Columns) -> Columns:
        number, first, end = (int(batch[name][0]) for name in ("number", "first", "end"))
        try:
            told = self.task(number, first, self.task.rows.subset(np.arange(first, end)))
        except LatentmapError as error:  # as a row: Ray would bring its text alone, in much else
            return {"error": np.array([type(error).__name__]), "text": np.array([str(error)])}
        lines = max(map(len, told.values()), default=1)
        return {"number": np.full(lines, number), "rows": np.full(lines, end - first), **told}


def _done(workers: Any, rows: Source, task: Any, text: str) -> Iterator[Columns]:
    """Have all parts done; give what comes of each, in any order."""
    check_tables(rows)
    left = dict(enumerate(parts_of(rows, workers.count)))
    count = len(left)
    with progress(text, len(rows), workers.verbose) as advance:
        for told in _dealt(workers, left, task, lambda: advance(0, note="starting the workers")):
            numbers, first = np.unique(told["number"], return_index=True)
            for number in numbers.tolist():
                if left.pop(number, None) is None:
                    raise ClusterError(f"workers: a part of {rows.name} came back twice")
            note = f"{count - len(left):,} of {count:,} parts"
            advance(int(told["rows"][first].sum()), note=note)
            yield told
    if left:
        raise ClusterError(
            f"workers: expected {count} parts of {rows.name}, found {count - len(left)} done"
        )


def _dealt(workers: Any, left: Parts, task: Any, waiting: Callable[[], None]) -> Iterator[Columns]:
    """Give what comes of each part, as Ray Data brings it to a foreman, who keeps its chatter.

    A foreman that dies takes its workers along. Another one deals out what is left then; Ray would
    have it do all again, in an order that may be another.
    """
    import ray

    order = {
        **workers.order,
        "workers": min(workers.count, len(left)),
        "task": ship(task, "model"),
    }
    options = {"num_returns": "streaming", "max_retries": 0, **ray_connection.nearby()}
    for foreman in range(FOREMEN):
        brought = ray.remote(_oversee).options(**options).remote(order, left)
        try:
            while not ray.wait([brought], timeout=GLANCE)[0]:
                waiting()
            for told in brought:
                yield _sound(ray.get(told))
            return
        except ray.exceptions.RayError as error:
            if isinstance(error, ray.exceptions.WorkerCrashedError) and foreman + 1 < FOREMEN:
                continue
            about = ray_connection.reason_of(error)
            raise ClusterError(f"workers: a part could not be done ({about})") from None


def _oversee(order: dict[str, Any], left: Parts) -> Iterator[Columns]:
    """Deal the parts out, in a process of its own."""
    from ray import data

    places = [{"number": i, "first": a, "end": b} for i, (a, b) in left.items()]
    dealt = data.from_items(places, override_num_blocks=len(places)).map_batches(
        _PartWorker,
        fn_constructor_args=(order,),
        batch_size=1,
        batch_format="numpy",
        compute=data.ActorPoolStrategy(size=order["workers"]),
        num_cpus=order["cores"],
    )
    yield from dealt.iter_batches(batch_size=None, batch_format="numpy")


def _sound(told: Columns) -> Columns:
    """Raise the error that a worker tells of in place of a part."""
    if "error" in told:
        raise getattr(errors, str(told["error"][0]))(str(told["text"][0]))
    return told


@contextlib.contextmanager
def _folder(output: Path) -> Iterator[Path]:
    """Give a folder to write parts to, which takes its place at the end."""
    check_output_path(output, folder=True)
    with write_atomically(output) as beside:
        beside.mkdir()
        yield beside.absolute()
        remove_partial_outputs(beside)  # workers may have been killed while they wrote


def _place(folder: Path, number: int) -> Path:
    return folder / f"part-{number:06d}.parquet"
