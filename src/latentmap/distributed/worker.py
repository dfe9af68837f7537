"""What a worker does: it joins the others, builds the network anew, and trains its share.

Nothing of Keras is sent: the networks are made from the same parts and the same seed in every
process. What comes back are arrays, and what is kept on the way are arrays in a .safetensors file.
Between a trial and the training the workers wait, for their start takes longer than either may.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["TrainingJob", "TrialJob", "settle_down", "work"]

CHECKPOINT = "checkpoint.safetensors"
GLANCE, SELDOM = 0.05, 0.5
"""Seconds between two looks for a job, at first and at last."""


@dataclass(frozen=True)
class TrialJob:
    """Some steps, to see how long they take: the arguments of `pace`."""

    remade: Any
    some: Any
    n_rows: int
    settings: Any
    epochs: int
    seconds: float

    def done(self, member: Member) -> Any:
        """Give the `Trial`."""
        from sklearn.base import clone

        from latentmap.distributed.sharding import own_rows
        from latentmap.training.loop import pace

        batch = self.settings.rows_a_step(self.n_rows)
        own = own_rows(self.n_rows, batch, member.workers)
        settings = clone(self.settings).set_params(batch_size=own)
        told = (self.n_rows // member.workers, settings, self.epochs, self.seconds)
        found = pace(self.remade(), self.some, *told, team=member)
        return found._replace(processes=member.workers)


@dataclass(frozen=True)
class TrainingJob:
    """What is to be trained, and on which rows: the arguments of `train`."""

    remade: Any
    rows: Any
    held_out: Any
    epochs: int
    settings: Any
    seed: int

    def done(self, member: Member) -> dict[str, Any]:
        """Give the history and the weights."""
        import keras
        import numpy as np

        from latentmap.training.loop import train

        objective = self.remade()
        told = (self.rows, self.held_out, self.epochs, self.settings, self.seed)
        history = train(objective, *told, visible=True, team=member)
        weights = (keras.ops.convert_to_numpy(weight.value) for weight in objective.weights)
        return {
            "history": np.array(list(history.values()), np.float64),
            **{f"weight/{i:04d}": np.array(weight) for i, weight in enumerate(weights)},
        }


def work(order: dict[str, Any]) -> None:
    """Do one worker's share of jobs; Ray Train calls this in each of its processes.

    Parameters
    ----------
    order : dict
        "desk", Ray's handle; "seconds" between checkpoints; what `settle_down` takes.
    """
    import ray
    from ray import train

    settle_down(order)
    reason = ray.get(order["desk"].reason.remote())
    if reason is not None:
        raise reason
    from latentmap.backend import join
    from latentmap.errors import LatentmapError

    context = train.get_context()
    number, workers = context.get_world_rank(), context.get_world_size()
    if workers > 1:
        join(_coordinator(number), workers, number)
    ray.get(order["desk"].arrive.remote(number))
    for job in _jobs(order["desk"]):
        try:
            outcome = job.done(Member(order, number, workers))
        except LatentmapError as error:
            ray.get(order["desk"].give_up.remote(error))
            raise
        if number == 0:
            ray.get(order["desk"].deliver.remote(outcome))


def _jobs(desk: Any) -> Iterator[Any]:
    """Give jobs as they are put up, until there are no more."""
    import ray

    last, closed, pause = 0, False, GLANCE
    while not closed:
        number, job, closed = ray.get(desk.ask.remote(last))
        if job is None:
            time.sleep(pause)
            pause = min(SELDOM, 1.2 * pause)
            continue
        yield ray.get(job[0])
        last, pause = number, GLANCE


def settle_down(order: dict[str, Any]) -> None:
    """Give this process the driver's folder, and the engine its share of the machine.

    Parameters
    ----------
    order : dict
        "cores" of this worker, "folder" of the driver.
    """
    with contextlib.suppress(OSError):  # another machine may not have it; then paths are whole
        os.chdir(order["folder"])
    os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", NPROC=str(order["cores"]))


def _coordinator(number: int) -> str:
    """Agree on the address at which worker 0 is found."""
    from ray import util
    from ray.train.collective import broadcast_from_rank_zero

    if number:
        return broadcast_from_rank_zero("")
    with socket.socket() as free:
        free.bind(("", 0))
        address = f"{util.get_node_ip_address()}:{free.getsockname()[1]}"
    return broadcast_from_rank_zero(address)


class Member:
    """One of several processes that train together; a `Team` for the training loop.

    Checkpoints are due after so many chunks, the same number for all: each must come to the report.
    Worker 0 settles the number by its clock.
    """

    def __init__(self, order: dict[str, Any], number: int, workers: int) -> None:
        self.desk, self.seconds, self.number, self.workers = (
            order["desk"],
            order["seconds"],
            number,
            workers,
        )
        self.since: float | None = None
        self.chunks, self.due = 0, 1

    def share(self, rows: Any, batch: int) -> tuple[Any, int]:
        """Give this worker's share; a stretch that it must decode is copied to its disk first."""
        from latentmap.data.caching import copy_to_cache
        from latentmap.distributed.sharding import share_of
        from latentmap.training.targets import Paired

        share, own = share_of(rows, batch, self.number, self.workers)
        if rows.block_starts is None:
            return share, own
        if self.number == 0:
            self.desk.tell.remote(None, "reading")
        if isinstance(share, Paired):
            return Paired(copy_to_cache(share.rows), share.beside), own
        return copy_to_cache(share), own

    @contextlib.contextmanager
    def progress(self, text: str, steps: int, visible: bool) -> Iterator[Callable[..., None]]:
        """Tell the desk how far worker 0 is, and hear whether to stop."""
        import ray

        done, hints, answer = 0, ["compiling", "training"], None

        def advance(steps: int, note: str = "") -> None:
            nonlocal done, answer
            done += steps
            if self.number == 0:
                reason = None if answer is None else ray.get(answer)
                if reason is not None:
                    raise reason
                answer = self.desk.tell.remote(done, note or (hints.pop(0) if hints else ""))

        yield advance

    def kept(self) -> dict[str, Any] | None:
        """Read the checkpoint that Ray Train kept of the workers before."""
        from ray import train

        from latentmap.autoencoders.model_file import read_model

        kept = train.get_checkpoint()
        if kept is None:
            return None
        with kept.as_directory() as folder:
            arrays = read_model(Path(folder) / CHECKPOINT)[1]
        if self.number == 0:
            self.desk.go_on.remote(int(arrays["place"][0]))
        return arrays

    def keep(self, checkpoint: Callable[[], dict[str, Any]]) -> None:
        """Keep a checkpoint if one is due; the first chunk, which compiles, tells no time."""
        if self.since is None:
            self.since = time.monotonic()
            return
        self.chunks += 1
        if self.chunks < self.due:
            return
        _report(checkpoint() if self.number == 0 else None)
        chunk = (time.monotonic() - self.since) / self.chunks
        self.due = self.agreed(max(1, int(self.seconds / chunk)))
        self.chunks, self.since = 0, time.monotonic()

    def agreed(self, number: int) -> int:
        """Give worker 0's number to all."""
        from ray.train.collective import broadcast_from_rank_zero

        return broadcast_from_rank_zero(number)


def _report(arrays: dict[str, Any] | None) -> None:
    """Hand a checkpoint to Ray Train; every worker must come, one brings the arrays."""
    from ray import train

    from latentmap.autoencoders.model_file import write_model

    if arrays is None:
        train.report({})
        return
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / CHECKPOINT, {}, arrays)
        train.report({}, checkpoint=train.Checkpoint.from_directory(folder))
