import math

import keras
import numpy as np
import pytest

from latentmap.backend import predict
from latentmap.data.sources import ArraySource
from latentmap.errors import SettingError
from latentmap.networks.assembly import NetworkParts, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES
from latentmap.training import loop as module
from latentmap.training.callbacks import ProgressBar
from latentmap.training.config import Training
from latentmap.training.launcher import standard_callbacks
from latentmap.training.loop import train
from latentmap.training.run import empty_history
from latentmap.training.task import TrainingTask

RNG = np.random.default_rng(0)
ROWS = (RNG.normal(size=(400, 2)) @ RNG.normal(size=(2, 5))).astype("float32")
SOURCE, HELD_OUT = ArraySource(ROWS[:320]), ROWS[320:]


def objective(seed=0):
    network = DenseNetwork(hidden=(8,), principal=False)
    return build_autoencoder(
        NetworkParts((5,), 2, network, LOSSES["gaussian"], np.zeros(()), np.ones(()), seed=seed)
    ).objective


def fitted(epochs=12, held_out=HELD_OUT, source=SOURCE, seed=0, **settings):
    model = objective()
    settings = Training(**{"batch_size": 32, **settings})
    task = TrainingTask(source, held_out, epochs, settings, seed)
    return model, train(model, task, standard_callbacks(task))


def weights(model):
    return [keras.ops.convert_to_numpy(w.value) for w in model.trainable_variables]


def loss_on(model, rows):
    return predict(model, rows)[:, 0].mean(dtype=np.float64)


@pytest.fixture(scope="module")
def calm():
    return fitted()


def test_training_lowers_the_loss(calm):
    _, history = calm
    assert math.isnan(history["loss"][0])
    assert history["val_loss"][-1] < 0.5 * history["val_loss"][0]
    assert history["loss"][-1] < history["loss"][1]


def test_history_tells_what_the_held_out_rows_say(calm):
    _, history = calm
    assert list(history) == list(empty_history())
    assert len({len(values) for values in history.values()}) == 1
    assert history["val_loss"][0] == pytest.approx(loss_on(objective(), HELD_OUT))
    assert history["val_mse"] == pytest.approx([2 * v for v in history["val_loss"]], rel=1e-5)


def test_with_few_steps_an_epoch_figures_come_every_fifty_steps(calm):
    assert calm[1]["epoch"] == [0, 5, 10, 12]


def test_the_best_weights_on_held_out_rows_stay():
    # A rate at which the loss jumps about, so that the best is not the last.
    model, history = fitted(40, learning_rate=0.5, schedule="constant", patience=None)
    best = int(np.argmin(history["val_loss"]))
    assert 0 < best < len(history["epoch"]) - 1
    assert loss_on(model, HELD_OUT) == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_weights_that_never_got_better_stay_as_they_were():
    model, history = fitted(10, learning_rate=3.0, schedule="constant")
    assert min(history["val_loss"]) == history["val_loss"][0]
    for now, then in zip(weights(model), weights(objective()), strict=True):
        assert np.array_equal(now, then)


def test_without_held_out_rows_the_last_weights_stay():
    model, history = fitted(5, held_out=None)
    assert all(math.isnan(value) for value in history["val_loss"])
    assert loss_on(model, ROWS) < 0.9 * loss_on(objective(), ROWS)


def test_it_stops_when_nothing_improves_for_so_many_epochs():
    _, history = fitted(1000, learning_rate=3.0, schedule="constant", patience=2)
    # An epoch has 10 steps, so one look takes 5 epochs; two looks without improvement end it.
    assert history["epoch"] == [0, 5, 10]


def test_patience_counts_from_the_best():
    _, history = fitted(2000, learning_rate=0.5, schedule="constant", patience=3)
    best = int(np.argmin(history["val_loss"]))
    assert best > 0
    assert len(history["epoch"]) - 1 - best == 3
    assert history["epoch"][-1] < 2000


def test_without_patience_it_goes_on():
    _, history = fitted(30, learning_rate=3.0, schedule="constant", patience=None)
    assert history["epoch"][-1] == 30


def test_diverged_training_is_told():
    with pytest.raises(SettingError, match=r"training diverged: .* lower the learning rate"):
        fitted(10, held_out=None, learning_rate=1e30, schedule="constant")


def test_the_same_seed_takes_the_same_steps(calm):
    again, history = fitted()
    assert history["val_loss"] == calm[1]["val_loss"]
    assert all(np.array_equal(a, b) for a, b in zip(weights(again), weights(calm[0]), strict=True))
    assert fitted(seed=1)[1]["val_loss"] != history["val_loss"]


def test_chunks_do_not_change_what_is_learned(calm, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_STEPS", 3)  # 10 steps an epoch: 3, 3, 3 and 1
    model, _ = fitted()
    for ours, theirs in zip(weights(model), weights(calm[0]), strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)


def test_every_row_is_seen_once_an_epoch(monkeypatch):
    seen = []

    class Recorder:
        def run(self, batches, device_rows=None):
            seen.extend(batches.reshape(-1, 5)[:, 0].tolist())

        def wait(self):
            pass

        def finish(self):
            return 1.0

    monkeypatch.setattr(module, "make_stepper", lambda model: Recorder())
    fitted(2, held_out=None)
    first, second = seen[:320], seen[320:]
    expected = sorted(ROWS[:320, 0].tolist())
    assert sorted(first) == expected
    assert sorted(second) == expected
    assert first != second


def test_rows_that_fill_no_batch_wait_for_another_epoch():
    odd = ArraySource(ROWS[:75])
    _, history = fitted(4, source=odd)  # 2 steps of 32 rows
    assert history["epoch"][-1] == 4


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_very_few_rows(n_rows):
    _, history = fitted(2, source=ArraySource(ROWS[:n_rows]), held_out=None, batch_size="auto")
    assert math.isfinite(history["loss"][-1])


def test_progress_is_shown(capsys):
    task = TrainingTask(SOURCE, HELD_OUT, 2, Training(batch_size=32), 0)
    train(objective(), task, [ProgressBar()])
    assert "fitting" in capsys.readouterr().err
