import math

import numpy as np
import pytest

from latentmap.backend import predict
from latentmap.data.sources import ArraySource
from latentmap.errors import SettingError
from latentmap.networks.assembly import NetworkSpec, build_autoencoder
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.losses import LOSSES
from latentmap.training import loop
from latentmap.training.callbacks import ProgressBar
from latentmap.training.config import Training
from latentmap.training.launcher import standard_callbacks
from latentmap.training.loop import train
from latentmap.training.run import empty_history
from latentmap.training.task import TrainingTask

RNG = np.random.default_rng(0)
ROWS = (RNG.normal(size=(400, 2)) @ RNG.normal(size=(2, 5))).astype("float32")
SOURCE, HELD_OUT = ArraySource(ROWS[:320]), ROWS[320:]


def make_objective(seed=0):
    network = DenseNetwork(hidden=(8,), principal=False)
    return build_autoencoder(
        NetworkSpec((5,), 2, network, LOSSES["gaussian"], np.zeros(()), np.ones(()), seed=seed)
    ).objective


def fit(epochs=12, held_out=HELD_OUT, source=SOURCE, seed=0, **settings):
    model = make_objective()
    settings = Training(**{"batch_size": 32, **settings})
    task = TrainingTask(source, held_out, epochs, settings, seed)
    return model, train(model, task, standard_callbacks(task))


def mean_loss(model, rows):
    return predict(model, rows)[:, 0].mean(dtype=np.float64)


@pytest.fixture(scope="module")
def fitted():
    return fit()


def test_training_lowers_the_loss(fitted):
    _, history = fitted
    assert math.isnan(history["loss"][0])
    assert history["val_loss"][-1] < 0.6 * history["val_loss"][0]
    assert history["loss"][-1] < history["loss"][1]


def test_history_records_the_loss_and_error_of_held_out_rows(fitted):
    _, history = fitted
    assert list(history) == list(empty_history())
    assert len({len(values) for values in history.values()}) == 1
    assert history["val_loss"][0] == pytest.approx(mean_loss(make_objective(), HELD_OUT))
    assert history["val_mse"] == pytest.approx([2 * v for v in history["val_loss"]], rel=1e-5)


def test_short_epochs_are_evaluated_every_fifty_steps(fitted):
    assert fitted[1]["epoch"] == [0, 5, 10, 12]


def test_weights_with_the_best_validation_loss_are_kept():
    # At this learning rate the loss fluctuates, so that the best weights are not the last.
    model, history = fit(40, learning_rate=0.5, schedule="constant", patience=None)
    best = int(np.argmin(history["val_loss"]))
    assert 0 < best < len(history["epoch"]) - 1
    assert mean_loss(model, HELD_OUT) == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_initial_weights_are_kept_without_improvement():
    model, history = fit(10, learning_rate=3.0, schedule="constant")
    assert min(history["val_loss"]) == history["val_loss"][0]
    for weight, initial_weight in zip(
        model.get_weights(), make_objective().get_weights(), strict=True
    ):
        assert np.array_equal(weight, initial_weight)


def test_last_weights_are_kept_without_held_out_rows():
    model, history = fit(5, held_out=None)
    assert all(math.isnan(value) for value in history["val_loss"])
    assert mean_loss(model, ROWS) < 0.9 * mean_loss(make_objective(), ROWS)


def test_training_stops_after_patience_evaluations_without_improvement():
    _, history = fit(1000, learning_rate=3.0, schedule="constant", patience=2)
    # An epoch has 10 steps, so that 5 epochs pass between evaluations.
    assert history["epoch"] == [0, 5, 10]


def test_patience_counts_from_the_best_evaluation():
    _, history = fit(2000, learning_rate=0.5, schedule="constant", patience=3)
    best = int(np.argmin(history["val_loss"]))
    assert best > 0
    assert len(history["epoch"]) - 1 - best == 3
    assert history["epoch"][-1] < 2000


def test_training_without_patience_runs_all_epochs():
    _, history = fit(30, learning_rate=3.0, schedule="constant", patience=None)
    assert history["epoch"][-1] == 30


def test_diverged_training_raises():
    with pytest.raises(SettingError, match=r"training diverged: .* lower the learning rate"):
        fit(10, held_out=None, learning_rate=1e30, schedule="constant")


def test_same_seed_gives_the_same_weights(fitted):
    repeated, history = fit()
    assert history["val_loss"] == fitted[1]["val_loss"]
    assert all(
        np.array_equal(a, b)
        for a, b in zip(repeated.get_weights(), fitted[0].get_weights(), strict=True)
    )
    assert fit(seed=1)[1]["val_loss"] != history["val_loss"]


def test_chunk_size_does_not_change_the_weights(fitted, monkeypatch):
    # The 10 steps of an epoch become chunks of 3, 3, 3 and 1.
    monkeypatch.setattr(loop, "CHUNK_STEPS", 3)
    model, _ = fit()
    for weight, expected in zip(model.get_weights(), fitted[0].get_weights(), strict=True):
        assert np.allclose(weight, expected, atol=1e-5)


def test_each_epoch_uses_every_row_once_in_a_new_order(monkeypatch):
    row_numbers = []

    class RecordingStepper:
        def run(self, batches, device_rows=None):
            row_numbers.extend(batches.reshape(-1, 5)[:, 0].tolist())

        def wait(self):
            pass

        def finish(self):
            return 1.0

    monkeypatch.setattr(loop, "make_stepper", lambda model, work: RecordingStepper())
    fit(2, held_out=None)
    first_epoch, second_epoch = row_numbers[:320], row_numbers[320:]
    expected = sorted(ROWS[:320, 0].tolist())
    assert sorted(first_epoch) == expected
    assert sorted(second_epoch) == expected
    assert first_epoch != second_epoch


def test_rows_of_an_incomplete_batch_are_skipped_in_an_epoch():
    source = ArraySource(ROWS[:75])
    _, history = fit(4, source=source)  # An epoch has 2 steps of 32 rows.
    assert history["epoch"][-1] == 4


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_training_on_very_few_rows_gives_a_finite_loss(n_rows):
    _, history = fit(2, source=ArraySource(ROWS[:n_rows]), held_out=None, batch_size="auto")
    assert math.isfinite(history["loss"][-1])


def test_progress_bar_is_printed(capsys):
    task = TrainingTask(SOURCE, HELD_OUT, 2, Training(batch_size=32), 0)
    train(make_objective(), task, [ProgressBar()])
    assert "fitting" in capsys.readouterr().err
