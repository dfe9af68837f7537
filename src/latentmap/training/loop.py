"""The training loop: batches in, the best weights out.

It sees one model, an objective that gives figures for each row, the loss first. After each epoch
(or after enough steps, where epochs are tiny) the figures of the held-out rows are measured; the
weights that did best on them are the ones that stay.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator

from latentmap.backend import Rows, apply, each, hold, many_steps
from latentmap.data import memory
from latentmap.data.memory import release_freed_memory
from latentmap.data.sources import Source
from latentmap.errors import SettingError
from latentmap.networks.precision import PRECISIONS, products_in
from latentmap.progress import Advance
from latentmap.training.checkpoints import Run, empty_history
from latentmap.training.strategy import ALONE, Team
from latentmap.training.targets import Places

__all__ = ["Training", "empty_history", "train"]

CHUNK_STEPS = 64
HELD_OUT_NUMBERS = 1 << 24
"""Held-out rows are kept dense: 64 MB."""
SEEN_ROWS = 3_000_000
ORDERED_ROWS = 1 << 20
"""Keras would not get through more rows, and an order of them takes memory."""
SHOWN_ROWS = 20_000
"""A chunk is never longer than this many rows, so that the bar moves."""
HELD_CHUNKS = 10
"""Where rows are held on the device, chunks are so many times as long: only numbers are sent."""


class Training(BaseEstimator):
    """How long and how fast a network is trained.

    Parameters
    ----------
    batch_size : int or "auto"
        Rows a step. "auto" is 128, and an eighth of the rows, at least 16, where they are few.
    learning_rate : float
        Adam's, at its highest.
    schedule : {"cosine", "constant"}
        "cosine" rises over the first steps and then falls to zero along a cosine.
    patience : int or None
        Stop when the held-out loss has not improved for this many epochs; None never stops early.
    held_out : float
        Share of the rows, at most 5,000 and fewer where they are wide (see `rows_held_out`), that
        are measured and not trained on. With 0 there is no early stopping and no comparison with
        PCA: the network stays as the last step left it.
    precision : {"float32", "bfloat16"}
        What the layers multiply in while training. "bfloat16" is for wide networks on a GPU, which
        multiplies it several times as fast. Weights, losses and codes, and all that comes after
        training, are float32 either way.

    Examples
    --------
    >>> Training(batch_size=32, learning_rate=0.001, schedule="constant", held_out=0)
    Training(batch_size=32, held_out=0, learning_rate=0.001, schedule='constant')
    """

    def __init__(
        self,
        *,
        batch_size: int | str = "auto",
        learning_rate: float = 3e-3,
        schedule: str = "cosine",
        patience: int | None = 10,
        held_out: float = 0.1,
        precision: str = "float32",
    ) -> None:
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.patience = patience
        self.held_out = held_out
        self.precision = precision

    def check(self) -> None:
        """Refuse settings outside their range.

        Raises
        ------
        SettingError
            Naming the setting, what was expected and what was found.
        """
        if self.batch_size != "auto":
            _check(self.batch_size, Integral, 1, math.inf, "batch_size")
        _check(self.learning_rate, Real, 0, math.inf, "learning_rate")
        if self.schedule not in ("cosine", "constant"):
            raise SettingError(
                f"schedule: expected 'cosine' or 'constant', found {self.schedule!r}"
            )
        if self.patience is not None:
            _check(self.patience, Integral, 1, math.inf, "patience")
        _check(self.held_out, Real, 0, 0.9, "held_out")
        if self.precision not in tuple(PRECISIONS):
            names = " or ".join(map(repr, PRECISIONS))
            raise SettingError(f"precision: expected {names}, found {self.precision!r}")

    def rows_a_step(self, n_rows: int) -> int:
        """Decide the batch size for so many rows."""
        if self.batch_size == "auto":
            return min(n_rows, int(np.clip(n_rows // 8, 16, 128)))
        return min(n_rows, int(self.batch_size))

    def epochs(self, n_rows: int) -> int:
        """Decide how often to run through so many rows: 12 times, but at least 1,500 steps.

        Of more than 250,000 rows fewer runs do: until 3 million rows were seen, each time counted.

        Examples
        --------
        >>> [Training().epochs(n_rows) for n_rows in (1_000, 60_000, 1_000_000, 10_000_000)]
        [188, 12, 3, 1]
        """
        steps = max(1, n_rows // self.rows_a_step(n_rows))
        return max(min(12, math.ceil(SEEN_ROWS / n_rows)), math.ceil(1500 / steps))

    def rows_held_out(self, n_rows: int, width: int = 1) -> int:
        """Decide how many of so many rows of so many numbers are held out.

        At most 5,000; and where these would be more than 2²⁴ numbers, at widths above 3,355, only
        as many as make that, but 100.

        Examples
        --------
        >>> plan = Training()
        >>> [plan.rows_held_out(100_000, width) for width in (3000, 20_000, 1_000_000)]
        [5000, 838, 100]
        """
        most = max(100, min(5000, HELD_OUT_NUMBERS // width))
        return min(most, round(self.held_out * n_rows))

    def optimizer(self, steps: int) -> Any:
        """Give Keras's Adam for a training of so many steps."""
        if self.schedule == "constant":
            return keras.optimizers.Adam(float(self.learning_rate))
        warm_up = max(1, min(300, steps // 10))
        rate = keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, steps - warm_up),
            warmup_target=float(self.learning_rate),
            warmup_steps=warm_up,
        )
        return keras.optimizers.Adam(rate)


def _check(value: Any, types: Any, low: float, high: float, name: str) -> None:
    number = isinstance(value, types) and not isinstance(value, bool)
    if not number or not low <= value <= high or value == math.inf:
        kind = "an integer" if types is Integral else "a number"
        upwards = "up" if high == math.inf else f"to {high}"
        raise SettingError(f"{name}: expected {kind} from {low} {upwards}, found {value!r}")


def train(
    objective: Any,
    rows: Source,
    held_out: Rows | None,
    epochs: int,
    settings: Training,
    seed: int,
    visible: bool = False,
    team: Team = ALONE,
) -> dict[str, list[float]]:
    """Fit the weights of an objective to rows.

    Parameters
    ----------
    objective : Objective
        Its first figure is minimised, its second told as "mse".
    rows : Source
        What is trained on, reshuffled every epoch; `Paired` where rows have targets.
    held_out : ndarray of shape (n, ...), or a pair with targets, or None
        What is measured. The best weights on these rows are kept; without them the last.
    epochs : int
    settings : Training
    seed : int
        Of the shuffling.
    visible : bool
        Show a bar with the time left.
    team : Team
        The processes that train together; each of them calls this function alike.

    Returns
    -------
    dict of lists of float
        "epoch", "loss", "val_loss", "val_mse"; epoch 0 is the start, where the loss is NaN.
    """
    share, batch = team.share(rows, settings.rows_a_step(len(rows)))
    steps = len(share) // batch
    objective.compile(optimizer=settings.optimizer(steps * epochs))
    in_blocks = rows.block_starts is not None
    run = Run(objective, many_steps(objective), _shuffler(seed, len(rows)), in_blocks)
    held = hold(share.take, len(share)) if team is ALONE else None
    if (kept := team.kept()) is None:
        _note(run, 0, math.nan, held_out)
    else:
        run.go_on(kept)
    between = max(1, 50 // steps)

    def one_epoch(epoch: int, advance: Advance) -> bool:
        """Run one epoch, look where it is due; tell whether to go on."""
        with products_in(settings.precision, objective):
            _epoch(run, share, held, batch, team, advance)
        if not (epoch % between and epoch < epochs):
            _note(run, epoch, run.trainer.finish(), held_out)
            advance(0, note=_told(run.history))
        run.end_epoch()
        release_freed_memory()
        return settings.patience is None or run.best.epochs_ago < settings.patience * between

    with team.progress("fitting", steps * epochs, visible) as advance:
        advance((run.epoch - 1) * steps)
        try:
            for epoch in range(run.epoch, epochs + 1):
                if not one_epoch(epoch, advance):
                    advance((epochs - epoch) * steps, note=f"stopped early, after epoch {epoch}")
                    break
        finally:
            run.trainer.wait()  # whoever leaves while the engine computes takes the process down
    if math.isnan(run.history["loss"][-1]):
        raise SettingError(
            "training diverged: expected a finite loss, found NaN; lower the learning rate "
            f"(now {settings.learning_rate})"
        )
    run.best.restore()
    return run.history


def _shuffler(seed: int, n_rows: int) -> np.random.RandomState:
    """Shuffle as `keras.Model.fit` does after ``keras.utils.set_random_seed(seed)``.

    That is NumPy's old generator, whose first order Keras spends on building the model. So the same
    network with the same seed takes the same steps here and in plain Keras on JAX.
    """
    rng = np.random.RandomState(seed)
    if n_rows <= ORDERED_ROWS:
        rng.permutation(n_rows)
    return rng


def _epoch(run: Run, rows: Source, held: Any, batch: int, team: Team, advance: Advance) -> None:
    """Run once through the rows; those that do not fill a batch wait for another epoch."""
    steps = _chunk_steps(len(rows), rows.nbytes // len(rows), batch, held is not None)
    parts = (rows if held is None else Places(rows)).batches(batch * steps, rng=run.begin_epoch())
    for number, part in enumerate(parts, 1):
        steps = len(part[0] if isinstance(part, tuple) else part) // batch
        if steps and number > run.chunks:  # others were done before the checkpoint
            sent = part if held is None else part.astype(np.int32)
            run.trainer.run(_cut(sent, steps, batch), held)
            run.chunks = number
            team.keep(run.checkpoint)
        advance(steps)


def _cut(part: Rows, steps: int, batch: int) -> Rows:
    """Cut rows into batches, shape (steps, batch, ...)."""
    return each(lambda a: a[: steps * batch].reshape(steps, batch, *a.shape[1:]), part)


def _chunk_steps(n_rows: int, row_bytes: int, batch: int, held: bool = False) -> int:
    """Decide how many steps go to the device at once."""
    if held:
        long = min(HELD_CHUNKS * CHUNK_STEPS, HELD_CHUNKS * SHOWN_ROWS // batch)
        return max(1, min(long, n_rows // batch))
    chunk_bytes = memory.BUDGET.training_chunk.max_bytes()
    sent = chunk_bytes // (batch * row_bytes)
    return max(1, min(CHUNK_STEPS, sent, SHOWN_ROWS // batch, n_rows // batch))


def _note(run: Run, epoch: int, loss: float, held_out: Rows | None) -> None:
    """Measure the held-out rows and write one line of history."""
    val_loss, val_mse = math.nan, math.nan
    if held_out is not None:
        figures = apply(run.objective, held_out).mean(axis=0, dtype=np.float64)
        val_loss, val_mse = figures[:2].tolist()
        run.best.look(val_loss, epoch - (run.history["epoch"] or [0])[-1])
    for name, value in zip(run.history, (epoch, loss, val_loss, val_mse), strict=True):
        run.history[name].append(value)


def _told(history: dict[str, list[float]]) -> str:
    loss, held_out = history["loss"][-1], history["val_loss"][-1]
    return f"loss {loss:.4f}" + ("" if math.isnan(held_out) else f" · held out {held_out:.4f}")
