"""The training loop.

It trains an objective: a Keras model that computes metrics of each row, the first of which is the
loss. The validation rows are evaluated after each epoch, or after 50 steps if epochs are shorter.
Callbacks react to evaluations and to completed steps.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from latentmap.backend import BatchArrays, cache_on_device, make_stepper, map_arrays, predict
from latentmap.data import memory
from latentmap.data.memory import release_freed_memory
from latentmap.data.sources import Source
from latentmap.errors import SettingError
from latentmap.networks.initializers import Constant
from latentmap.networks.precision import matrix_precision
from latentmap.training.callbacks import Callback
from latentmap.training.config import Training
from latentmap.training.run import History, TrainingRun
from latentmap.training.task import RowNumbers, TrainingTask

CHUNK_STEPS = 64
CHUNK_ROWS = 20_000  # With more rows in a chunk, the progress bar would advance too rarely.
# If the rows are on the device, a chunk contains only row numbers and can be larger.
DEVICE_CHUNK_FACTOR = 10
MAX_WARM_UP_STEPS = 300  # Maximum number of steps in which the learning rate increases.
MAX_PERMUTED_ROWS = 1 << 20  # With more rows, the order of the rows differs from that of Keras.


class Strategy(Protocol):
    """Division of the training rows among the processes that train together.

    Attributes
    ----------
    holds_rows_on_device : bool
        Whether the rows may be copied to an accelerator for the whole training.
    """

    holds_rows_on_device: bool

    def shard(self, rows: Source, batch_size: int) -> tuple[Source, int]:
        """Return the rows of this process, and its number of rows in each batch."""


class SingleProcess:
    """Strategy of one process, which reads all rows."""

    holds_rows_on_device = True

    def shard(self, rows: Source, batch_size: int) -> tuple[Source, int]:
        """Return all rows and the whole batch size."""
        return rows, batch_size


def train(
    objective: keras.Model,
    task: TrainingTask,
    callbacks: Sequence[Callback] = (),
    strategy: Strategy | None = None,
) -> History:
    """Train an objective.

    Parameters
    ----------
    objective : keras.Model
        Model that computes metrics of each row. The first is minimised, and the second is recorded
        as "val_mse".
    task : TrainingTask
    callbacks : sequence of Callback
    strategy : Strategy, optional
        Division of the rows among processes, each of which calls this function; `SingleProcess` by
        default.

    Returns
    -------
    dict of lists of float
        "epoch", "loss", "val_loss", "val_mse". The first entry is epoch 0, the state before
        training, and its "loss" is NaN.

    Raises
    ------
    SettingError
        If the loss becomes NaN.
    """
    strategy = SingleProcess() if strategy is None else strategy
    n_rows = len(task.rows)
    rows, batch_size = strategy.shard(task.rows, task.config.batch_size_for(n_rows))
    steps_per_epoch = len(rows) // batch_size
    n_steps, n_inputs = steps_per_epoch * task.epochs, batch_size * math.prod(rows.row_shape)
    objective.compile(optimizer=make_optimizer(task.config, n_steps))
    device_rows = cache_on_device(rows.take, len(rows)) if strategy.holds_rows_on_device else None
    run = TrainingRun(
        objective,
        make_stepper(objective, (n_steps, n_inputs)),
        _shuffler(task.seed, n_rows),
        in_blocks=task.rows.block_starts is not None,
        n_epochs=task.epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=callbacks,
    )
    try:
        for callback in callbacks:
            callback.on_train_begin(run)
        if not run.history["epoch"]:
            _evaluate(run, task.validation_rows, epoch=0, loss=math.nan)
        while run.epoch <= task.epochs and not run.stop_training:
            with matrix_precision(task.config.precision, objective):
                _train_epoch(run, rows, device_rows, batch_size)
            if run.epoch % run.epochs_per_evaluation == 0 or run.epoch == task.epochs:
                _evaluate(run, task.validation_rows, run.epoch, run.stepper.finish())
            run.end_epoch()
            release_freed_memory()
    finally:
        run.stepper.wait()  # If the process ended while the engine computes, it would crash.
        for callback in callbacks:
            callback.on_train_end(run)
    if math.isnan(run.history["loss"][-1]):
        raise SettingError(
            "training diverged: expected a finite loss, found NaN; lower the learning rate "
            f"(now {task.config.learning_rate})"
        )
    return run.history


def _shuffler(seed: int, n_rows: int) -> np.random.RandomState:
    """Return a generator that shuffles like Keras after ``keras.utils.set_random_seed(seed)``.

    Keras uses NumPy's legacy generator, and draws one permutation before the first epoch. The same
    network with the same seed therefore takes the same steps here and in plain Keras on JAX.
    """
    generator = np.random.RandomState(seed)
    if n_rows <= MAX_PERMUTED_ROWS:
        generator.permutation(n_rows)
    return generator


def _train_epoch(run: TrainingRun, rows: Source, device_rows: object, batch_size: int) -> None:
    """Train on all rows once, except for the last rows, which do not fill a batch."""
    on_device = device_rows is not None
    chunk_steps = _chunk_steps(len(rows), rows.nbytes // len(rows), batch_size, on_device)
    source = RowNumbers(rows) if on_device else rows
    chunks = source.batches(batch_size * chunk_steps, rng=run.begin_epoch())
    for number, chunk in enumerate(chunks, 1):
        n_steps = len(chunk[0] if isinstance(chunk, tuple) else chunk) // batch_size
        if n_steps and number > run.chunks_done:  # A resumed run skips completed chunks.
            chunk = chunk.astype(np.int32) if on_device else chunk
            run.stepper.run(_split_batches(chunk, n_steps, batch_size), device_rows)
            run.chunks_done = number
            for callback in run.callbacks:
                callback.on_chunk_end(run, n_steps)


def _split_batches(chunk: BatchArrays, n_steps: int, batch_size: int) -> BatchArrays:
    """Reshape rows to (n_steps, batch_size, ...); drop the last rows, which do not fill a batch."""
    n_rows = n_steps * batch_size
    return map_arrays(lambda a: a[:n_rows].reshape(n_steps, batch_size, *a.shape[1:]), chunk)


def _chunk_steps(n_rows: int, row_bytes: int, batch_size: int, on_device: bool = False) -> int:
    """Return the number of steps in a chunk."""
    n_steps = min(CHUNK_STEPS, CHUNK_ROWS // batch_size)
    if on_device:
        n_steps *= DEVICE_CHUNK_FACTOR
    else:
        max_bytes = memory.BUDGET.training_chunk.max_bytes()
        n_steps = min(n_steps, max_bytes // (batch_size * row_bytes))
    return max(1, min(n_steps, n_rows // batch_size))


def _evaluate(run: TrainingRun, rows: BatchArrays | None, epoch: int, loss: float) -> None:
    """Evaluate the validation rows and append an entry to the history."""
    validation_loss = validation_mse = math.nan
    if rows is not None:
        means = predict(run.objective, rows).mean(axis=0, dtype=np.float64)
        validation_loss, validation_mse = means[:2].tolist()
    for name, value in zip(
        run.history, (epoch, loss, validation_loss, validation_mse), strict=True
    ):
        run.history[name].append(value)
    for callback in run.callbacks:
        callback.on_evaluation(run)


def make_optimizer(training: Training, n_steps: int) -> keras.optimizers.Optimizer:
    """Return a Keras Adam optimiser with the schedule of the settings for a number of steps.

    Examples
    --------
    >>> make_optimizer(Training(schedule="constant"), 10).learning_rate.numpy().round(4)
    np.float32(0.003)
    """
    if training.schedule == "constant":
        return _Adam(float(training.learning_rate))
    warm_up = max(1, min(MAX_WARM_UP_STEPS, n_steps // 10))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, n_steps - warm_up),
        warmup_target=float(training.learning_rate),
        warmup_steps=warm_up,
    )
    return _Adam(rate)


class _Adam(keras.optimizers.Adam):
    """Adam optimiser that creates its moments as NumPy zeros, which need no compiled program."""

    def add_optimizer_variables(
        self, trainable_variables: list[keras.Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Add a variable for each trainable variable, or one for each name."""
        initializer = Constant(0.0) if initializer == "zeros" else initializer
        return super().add_optimizer_variables(trainable_variables, name, initializer)
