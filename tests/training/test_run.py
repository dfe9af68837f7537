import keras
import numpy as np
import pytest

from latentmap.data.sources import ArraySource
from latentmap.networks.assembly import NetworkSpec, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES
from latentmap.training import loop
from latentmap.training.callbacks import Callback, EarlyStopping
from latentmap.training.config import Training
from latentmap.training.loop import train
from latentmap.training.task import TrainingTask

RNG = np.random.default_rng(0)
ROWS = (RNG.normal(size=(400, 2)) @ RNG.normal(size=(2, 5))).astype("float32")
ON_JAX = keras.backend.backend() == "jax"


class InterruptedTrainingError(Exception):
    """Failure that interrupts a training."""


class CheckpointRecorder(Callback):
    """Callback that stores the checkpoint of every chunk and fails after ``stop`` checkpoints."""

    def __init__(self, stop=None, arrays=None):
        self.stop, self.arrays, self.checkpoints = stop, arrays, []

    def on_train_begin(self, run):
        if self.arrays is not None:
            run.restore(self.arrays)

    def on_chunk_end(self, run, n_steps):
        self.checkpoints.append(run.to_arrays())
        if len(self.checkpoints) == self.stop:
            raise InterruptedTrainingError


def fit(checkpoint=None, rows=None, strategy=None):
    spec = NetworkSpec(
        (5,),
        2,
        DenseNetwork(hidden=(8,), principal=False),
        LOSSES["gaussian"],
        np.zeros(()),
        np.ones(()),
        noise=0.1,
    )
    objective = build_autoencoder(spec).objective
    settings = Training(batch_size=32, patience=2, learning_rate=0.05)
    rows = ArraySource(ROWS[:320]) if rows is None else rows
    callbacks = [EarlyStopping(2), *([] if checkpoint is None else [checkpoint])]
    task = TrainingTask(rows, ROWS[320:], 12, settings, 0)
    history = train(objective, task, callbacks, strategy)
    return [keras.ops.convert_to_numpy(w.value) for w in objective.weights], history


@pytest.fixture(autouse=True)
def three_chunks_an_epoch(monkeypatch):
    monkeypatch.setattr(loop, "CHUNK_STEPS", 4)


@pytest.fixture(scope="module")
def uninterrupted():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "CHUNK_STEPS", 4)
        return fit()


def test_checkpoints_do_not_change_the_training(uninterrupted):
    recorder = CheckpointRecorder()
    weights, history = fit(recorder)
    assert len(recorder.checkpoints) == 36
    assert all(np.array_equal(a, b) for a, b in zip(weights, uninterrupted[0], strict=True))
    assert np.array_equal(history["val_loss"], uninterrupted[1]["val_loss"])


# The stops are the first chunk, one within an epoch, the last of an epoch and the last of all.
@pytest.mark.skipif(not ON_JAX, reason="other engines do not resume the mean loss exactly")
@pytest.mark.parametrize("stop", [1, 17, 18, 36])
def test_resumed_training_equals_an_uninterrupted_one(uninterrupted, stop):
    recorder = CheckpointRecorder(stop)
    with pytest.raises(InterruptedTrainingError):
        fit(recorder)
    arrays = recorder.checkpoints[-1]
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    resumed = CheckpointRecorder(arrays=arrays)
    weights, history = fit(resumed)
    assert len(resumed.checkpoints) == 36 - stop
    assert all(np.array_equal(a, b) for a, b in zip(weights, uninterrupted[0], strict=True))
    for name in history:
        assert np.array_equal(history[name], uninterrupted[1][name], equal_nan=True)


class BlockSource(ArraySource):
    """Source in blocks that records the rows it reads."""

    def __init__(self, array, size):
        super().__init__(array)
        self.block_starts, self.rows_read = np.arange(0, len(array), size), []

    def batches(self, size, *, rng=None):
        for rows in super().batches(size, rng=rng):
            self.rows_read.append(rows)
            yield rows


class ShardStrategy:
    """Strategy of one of several workers, which reads its own rows."""

    holds_rows_on_device = False

    def __init__(self, rows):
        self.rows = rows

    def shard(self, rows, batch_size):
        return self.rows, batch_size


@pytest.mark.skipif(not ON_JAX, reason="other engines do not resume exactly")
def test_worker_resumes_from_the_checkpoint_of_a_worker_with_other_blocks():
    original, other_blocks, resumed = (BlockSource(ROWS[:160], size) for size in (10, 50, 50))
    # The training stops in epoch 3, because an epoch has two chunks.
    interrupted = CheckpointRecorder(stop=5)
    with pytest.raises(InterruptedTrainingError):
        fit(interrupted, original, ShardStrategy(original))
    fit(CheckpointRecorder(), original, ShardStrategy(other_blocks))
    fit(CheckpointRecorder(arrays=interrupted.checkpoints[-1]), original, ShardStrategy(resumed))
    assert len(resumed.rows_read) == len(other_blocks.rows_read[4:]) > 10
    assert np.array_equal(
        np.concatenate(resumed.rows_read), np.concatenate(other_blocks.rows_read[4:])
    )
