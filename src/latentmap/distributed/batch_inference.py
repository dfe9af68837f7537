"""Apply a model to the rows of Parquet files on several workers with Ray Data.

Ray Data distributes row ranges, called parts, instead of rows. Each worker reads its parts with the
reader of latentmap, so a table is read as in a single process, and writes one file for each part.
If a worker dies or is slow, a part is processed twice and the same file is written again, so no row
is lost or duplicated. The output folder appears when all parts are complete.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentmap import errors
from latentmap.analysis.outlier_scores import OutlierScores
from latentmap.data import Source, Table, write_rows
from latentmap.data.parquet_source import ParquetSource
from latentmap.distributed import ray_connection
from latentmap.distributed.serialization import put_object
from latentmap.distributed.worker import WorkerSettings
from latentmap.errors import ClusterError, LatentmapError, SettingError
from latentmap.files import check_output_path, remove_partial_outputs, write_atomically
from latentmap.progress import progress

if TYPE_CHECKING:
    import ray

    from latentmap.analysis import OutlierDetector
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.distributed.workers import Workers

Columns = dict[str, np.ndarray]
Parts = dict[int, tuple[int, int]]
PartWriter = Callable[[Path, Source, OutlierScores, int], None]

MAX_DISPATCHERS = 3
MAX_PART_BYTES = 1 << 28
MIN_PART_ROWS = 128
PARTS_PER_WORKER = 4
POLL_SECONDS = 0.5


def check_parquet_source(rows: Source) -> None:
    """Raise SettingError unless workers can read the rows: Parquet files, or a table."""
    if not isinstance(rows, ParquetSource | Table):
        raise SettingError(
            f"{rows.name}: expected a .parquet file or a folder of such files for workers, "
            "found data of another format"
        )


def encode_parts(workers: Workers, model: BaseAutoEncoder, rows: Source, output: Path) -> None:
    """Write the codes of rows into a folder; see `Workers.encode`."""
    with _output_folder(output) as folder:
        job = _Job(rows, folder, functools.partial(_encode_part, model))
        for _ in _run(workers, job, f"Encoding {len(rows):,} rows"):
            pass


def score_outlier_parts(
    workers: Workers,
    detector: OutlierDetector,
    rows: Source,
    n_outliers: int,
    output: Path | None,
    write: PartWriter | None,
) -> tuple[np.ndarray, OutlierScores]:
    """Score rows and return those with the highest scores; see `Workers.score_outliers`."""
    with contextlib.ExitStack() as stack:
        folder = None if output is None else stack.enter_context(_output_folder(output))
        job = _Job(rows, folder, functools.partial(_score_part, detector, n_outliers, write))
        results = list(_run(workers, job, f"Scoring {len(rows):,} rows"))
    columns = {name: np.concatenate([part[name] for part in results]) for name in results[0]}
    order = np.lexsort((columns["row"], -columns["scores"]))[:n_outliers]
    scores = OutlierScores(**{field.name: columns[field.name] for field in fields(OutlierScores)})
    return columns["row"][order], scores.select(order)


def _encode_part(model: BaseAutoEncoder, path: Path, first_row: int, part: Source) -> Columns:
    """Write the codes of a part."""
    names, codes = list(model.get_feature_names_out()), [model.transform(part)]
    write_rows(path, codes, length=len(part), feature_names=names, labels=part.labels)
    return {}


def _score_part(
    detector: OutlierDetector,
    n_outliers: int,
    write: PartWriter | None,
    path: Path | None,
    first_row: int,
    part: Source,
) -> Columns:
    """Write the outlier scores of a part, and return the scores of its top outliers."""
    scores = detector.score(part)
    if path is not None and write is not None:
        write(path, part, scores, first_row)
    top_rows = scores.ranking[:n_outliers]
    return {"row": first_row + top_rows, **vars(scores.select(top_rows))}


@dataclass(frozen=True)
class _Job:
    """A function that processes a part of the rows, and the folder for the files it writes."""

    rows: Source
    folder: Path | None
    process: Callable[..., Columns]

    def run(self, number: int, first: int, end: int) -> Columns:
        """Process a part, and return its results with its number and its number of rows."""
        path = self.folder and self.folder / f"part-{number:06d}.parquet"
        try:
            columns = self.process(path, first, self.rows.subset(np.arange(first, end)))
        # The error is returned, because Ray would replace its type.
        except LatentmapError as error:
            return {"error": np.array([type(error).__name__]), "text": np.array([str(error)])}
        length = max(map(len, columns.values()), default=1)
        return {"number": np.full(length, number), "rows": np.full(length, end - first), **columns}


class _PartWorker:
    """Actor of Ray Data's pool, which loads the job and its model once."""

    def __init__(self, settings: WorkerSettings, job: list[ray.ObjectRef]) -> None:
        import ray

        settings.apply()
        self.job: _Job = ray.get(job[0])

    def __call__(self, batch: Columns) -> Columns:
        return self.job.run(*(int(batch[name][0]) for name in ("number", "first", "end")))


def _run(workers: Workers, job: _Job, text: str) -> Iterator[Columns]:
    """Process all parts, and yield their results in any order."""
    check_parquet_source(job.rows)
    pending_parts = dict(enumerate(partition(job.rows, workers.count)))
    count, name = len(pending_parts), job.rows.name
    title = f"{text} on {workers.count} workers"
    with progress(title, len(job.rows), workers.verbose) as advance:
        for result in _results(
            workers, pending_parts, job, lambda: advance(0, note="starting workers")
        ):
            numbers, first = np.unique(result["number"], return_index=True)
            for number in numbers.tolist():
                if pending_parts.pop(number, None) is None:
                    raise ClusterError(
                        f"workers: expected each part of {name} once, found one twice"
                    )
            note = f"{count - len(pending_parts):,} of {count:,} parts"
            advance(int(result["rows"][first].sum()), note=note)
            yield result
    if pending_parts:
        n_complete = count - len(pending_parts)
        raise ClusterError(
            f"workers: expected {count} parts of {name}, found {n_complete} complete"
        )


def _results(
    workers: Workers, pending_parts: Parts, job: _Job, on_wait: Callable[[], None]
) -> Iterator[Columns]:
    """Yield the result of each part from the dispatcher, which is a process that runs Ray Data.

    If the dispatcher dies, its workers die too, and a new dispatcher processes the pending parts. A
    retry by Ray would process all parts again, possibly in another order.
    """
    import ray

    handle = put_object(job, "model")
    options = {"num_returns": "streaming", "max_retries": 0, **ray_connection.local_node_options()}
    dispatcher = ray.remote(_dispatch).options(**options)
    for attempt in range(1, MAX_DISPATCHERS + 1):
        stream = dispatcher.remote(workers.settings, [handle], workers.count, pending_parts)
        try:
            while not ray.wait([stream], timeout=POLL_SECONDS)[0]:
                on_wait()
            for reference in stream:
                yield _unpack_result(ray.get(reference))
            return
        except ray.exceptions.RayError as error:
            is_crash = isinstance(error, ray.exceptions.WorkerCrashedError)
            if not is_crash or attempt == MAX_DISPATCHERS:
                summary = ray_connection.summarize_error(error)
                message = f"workers: a part of the rows could not be processed ({summary})"
                raise ClusterError(message) from None


def _dispatch(
    settings: WorkerSettings, job: list[ray.ObjectRef], n_workers: int, pending_parts: Parts
) -> Iterator[Columns]:
    """Distribute parts among a pool of workers.

    ``job`` holds the reference in a list, because Ray would load an argument that is a reference.
    """
    from ray import data

    ranges = [{"number": i, "first": a, "end": b} for i, (a, b) in pending_parts.items()]
    results = data.from_items(ranges, override_num_blocks=len(ranges)).map_batches(
        _PartWorker,
        fn_constructor_args=(settings, job),
        batch_size=1,
        batch_format="numpy",
        compute=data.ActorPoolStrategy(size=min(n_workers, len(ranges))),
        num_cpus=settings.cores,
    )
    yield from results.iter_batches(batch_size=None, batch_format="numpy")


def _unpack_result(result: Columns) -> Columns:
    """Return the result of a part, or raise the error that the worker has sent instead."""
    if "error" in result:
        raise getattr(errors, str(result["error"][0]))(str(result["text"][0]))
    return result


def partition(rows: Source, n_workers: int) -> list[tuple[int, int]]:
    """Return the start and end of contiguous parts of the rows, at block borders if possible."""
    count = min(PARTS_PER_WORKER * n_workers, -(-len(rows) // MIN_PART_ROWS))
    count = max(count, -(-rows.nbytes // MAX_PART_BYTES))
    boundaries = np.linspace(0, len(rows), min(count, len(rows)) + 1).round().astype(int)
    if rows.block_starts is not None and len(rows.block_starts) >= count:
        boundaries = _nearest_block_borders(np.append(rows.block_starts, len(rows)), boundaries)
    return [(int(first), int(end)) for first, end in itertools.pairwise(boundaries)]


def _nearest_block_borders(borders: np.ndarray, boundaries: np.ndarray) -> np.ndarray:
    """Move each inner boundary to the nearest border of a block, and remove duplicates."""
    index = np.searchsorted(borders, boundaries).clip(1, len(borders) - 1)
    lower, upper = borders[index - 1], borders[index]
    nearest = np.where(boundaries - lower < upper - boundaries, lower, upper)
    nearest[[0, -1]] = boundaries[[0, -1]]
    return np.unique(nearest)


@contextlib.contextmanager
def _output_folder(output: Path) -> Iterator[Path]:
    """Yield a temporary folder, and move it to ``output`` at the end."""
    check_output_path(output, folder=True)
    with write_atomically(output) as folder:
        folder.mkdir()
        yield folder.absolute()
        remove_partial_outputs(folder)  # Remove the partial outputs of workers that were killed.
