import keras
import numpy as np
import pytest

from latentmap.data.sources import ArraySource
from latentmap.networks.assembly import NetworkParts, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES
from latentmap.training import loop as module
from latentmap.training.callbacks import Checkpoint, EarlyStopping
from latentmap.training.config import Training
from latentmap.training.loop import train
from latentmap.training.task import TrainingTask

RNG = np.random.default_rng(0)
ROWS = (RNG.normal(size=(400, 2)) @ RNG.normal(size=(2, 5))).astype("float32")
JAX = keras.backend.backend() == "jax"


class PowerError(Exception):
    """What ends a training in the middle."""


class Recorder(Checkpoint):
    """Records a checkpoint of every chunk, and fails after some."""

    def __init__(self, stop=None, arrays=None):
        super().__init__(lambda: arrays, self.record)
        self.stop, self.checkpoints = stop, []

    def record(self, arrays):
        self.checkpoints.append(arrays)
        if len(self.checkpoints) == self.stop:
            raise PowerError


def trained(checkpoint=None, rows=None, strategy=None):
    parts = NetworkParts(
        (5,),
        2,
        DenseNetwork(hidden=(8,), principal=False),
        LOSSES["gaussian"],
        np.zeros(()),
        np.ones(()),
        noise=0.1,
    )
    objective = build_autoencoder(parts).objective
    settings = Training(batch_size=32, patience=2, learning_rate=0.05)
    rows = ArraySource(ROWS[:320]) if rows is None else rows
    callbacks = [EarlyStopping(2), *([] if checkpoint is None else [checkpoint])]
    task = TrainingTask(rows, ROWS[320:], 12, settings, 0)
    history = train(objective, task, callbacks, strategy)
    return [keras.ops.convert_to_numpy(w.value) for w in objective.weights], history


@pytest.fixture(autouse=True)
def three_chunks_an_epoch(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_STEPS", 4)


@pytest.fixture(scope="module")
def undisturbed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_STEPS", 4)
        return trained()


def test_checkpoints_disturb_nothing(undisturbed):
    recorder = Recorder()
    weights, history = trained(recorder)
    assert len(recorder.checkpoints) == 36
    assert all(np.array_equal(a, b) for a, b in zip(weights, undisturbed[0], strict=True))
    assert np.array_equal(history["val_loss"], undisturbed[1]["val_loss"])


# The first chunk, one in the middle of an epoch, the last of one, and the last of all.
@pytest.mark.skipif(not JAX, reason="other engines sum the loss up in the trainer itself")
@pytest.mark.parametrize("stop", [1, 17, 18, 36])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(undisturbed, stop):
    recorder = Recorder(stop)
    with pytest.raises(PowerError):
        trained(recorder)
    arrays = recorder.checkpoints[-1]
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    again = Recorder(arrays=arrays)
    weights, history = trained(again)
    assert len(again.checkpoints) == 36 - stop
    assert all(np.array_equal(a, b) for a, b in zip(weights, undisturbed[0], strict=True))
    for name in history:
        assert np.array_equal(history[name], undisturbed[1][name], equal_nan=True)


class Blocks(ArraySource):
    """Rows as if read in blocks, whose order is noted."""

    def __init__(self, array, size):
        super().__init__(array)
        self.block_starts, self.read = np.arange(0, len(array), size), []

    def batches(self, size, *, rng=None):
        for rows in super().batches(size, rng=rng):
            self.read.append(rows)
            yield rows


class Shard:
    """The strategy of one of several workers, which reads its own rows."""

    holds_rows_on_device = False

    def __init__(self, rows):
        self.rows = rows

    def shard(self, rows, batch_size):
        return self.rows, batch_size


@pytest.mark.skipif(not JAX, reason="other engines have no such checkpoints")
def test_a_worker_goes_on_from_the_checkpoint_of_another_whose_blocks_are_others():
    first, second, again = (Blocks(ROWS[:160], size) for size in (10, 50, 50))
    stopped = Recorder(stop=5)  # in epoch 3, of two chunks each
    with pytest.raises(PowerError):
        trained(stopped, first, Shard(first))
    trained(Recorder(), first, Shard(second))
    trained(Recorder(arrays=stopped.checkpoints[-1]), first, Shard(again))
    assert len(again.read) == len(second.read[4:]) > 10
    assert np.array_equal(np.concatenate(again.read), np.concatenate(second.read[4:]))
