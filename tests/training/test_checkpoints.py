import keras
import numpy as np
import pytest

from latentmap.data.sources import ArraySource
from latentmap.networks.assembly import Parts, assemble
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES
from latentmap.training import loop as module
from latentmap.training.loop import Training, train
from latentmap.training.strategy import Alone

RNG = np.random.default_rng(0)
ROWS = (RNG.normal(size=(400, 2)) @ RNG.normal(size=(2, 5))).astype("float32")
JAX = keras.backend.backend() == "jax"


class PowerError(Exception):
    """What ends a training in the middle."""


class Keeper(Alone):
    """Keeps a checkpoint of every chunk, and stops after some."""

    def __init__(self, stop=None, kept=None):
        self.stop, self.told, self.checkpoints = stop, kept, []

    def kept(self):
        return self.told

    def keep(self, checkpoint):
        self.checkpoints.append(checkpoint())
        if len(self.checkpoints) == self.stop:
            raise PowerError


def trained(team, rows=None):
    parts = Parts(
        (5,),
        2,
        DenseNetwork(hidden=(8,), principal=False),
        LOSSES["gaussian"],
        np.zeros(()),
        np.ones(()),
        noise=0.1,
    )
    objective = assemble(parts).objective
    settings = Training(batch_size=32, patience=2, learning_rate=0.05)
    rows = ArraySource(ROWS[:320]) if rows is None else rows
    history = train(objective, rows, ROWS[320:], 12, settings, 0, team=team)
    return [keras.ops.convert_to_numpy(w.value) for w in objective.weights], history


@pytest.fixture(autouse=True)
def three_chunks_an_epoch(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_STEPS", 4)


@pytest.fixture(scope="module")
def undisturbed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_STEPS", 4)
        return trained(Alone())


def test_checkpoints_disturb_nothing(undisturbed):
    team = Keeper()
    weights, history = trained(team)
    assert len(team.checkpoints) == 36
    assert all(np.array_equal(a, b) for a, b in zip(weights, undisturbed[0], strict=True))
    assert np.array_equal(history["val_loss"], undisturbed[1]["val_loss"])


# The first chunk, one in the middle of an epoch, the last of one, and the last of all.
@pytest.mark.skipif(not JAX, reason="other engines sum the loss up in the trainer itself")
@pytest.mark.parametrize("stop", [1, 17, 18, 36])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(undisturbed, stop):
    team = Keeper(stop)
    with pytest.raises(PowerError):
        trained(team)
    arrays = team.checkpoints[-1]
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    again = Keeper(kept=arrays)
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


class Worker(Keeper):
    """One of several, with a stretch of its own; it may go on from what another kept."""

    def __init__(self, stretch, stop=None, kept=None):
        super().__init__(stop, kept)
        self.stretch = stretch

    def share(self, rows, batch):
        return self.stretch, batch


@pytest.mark.skipif(not JAX, reason="other engines have no such checkpoints")
def test_a_worker_goes_on_from_the_checkpoint_of_another_whose_blocks_are_others():
    first, second, again = (Blocks(ROWS[:160], size) for size in (10, 50, 50))
    stopped = Worker(first, stop=5)  # in epoch 3, of two chunks each
    with pytest.raises(PowerError):
        trained(stopped, first)
    trained(Worker(second), first)
    trained(Worker(again, kept=stopped.checkpoints[-1]), first)
    assert len(again.read) == len(second.read[4:]) > 10
    assert np.array_equal(np.concatenate(again.read), np.concatenate(second.read[4:]))
