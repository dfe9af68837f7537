import math

import keras
import numpy as np
import pytest
from sklearn.base import clone

from latentmap.errors import SettingError
from latentmap.training.config import Training
from latentmap.training.loop import make_optimizer


def learning_rate_per_step(settings, steps):
    optimizer = make_optimizer(settings, steps)
    learning_rates = []
    for step in range(steps + 1):
        optimizer.iterations.assign(step)
        learning_rates.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    return np.array(learning_rates)


def test_cosine_schedule_warms_up_and_decays_to_zero():
    learning_rates = learning_rate_per_step(Training(learning_rate=0.01), 200)
    peak = int(learning_rates.argmax())
    assert peak == 20
    assert learning_rates[0] == 0
    assert learning_rates[peak] == pytest.approx(0.01)
    assert (np.diff(learning_rates[: peak + 1]) > 0).all()
    assert (np.diff(learning_rates[peak:]) < 0).all()
    assert learning_rates[-1] == pytest.approx(0, abs=1e-6)
    assert learning_rates[110] == pytest.approx(0.005, rel=1e-3)  # The middle of the decay.


def test_warm_up_has_at_most_300_steps():
    optimizer = make_optimizer(Training(learning_rate=0.01), 100_000)
    optimizer.iterations.assign(300)
    assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(0.01)


def test_constant_schedule_has_one_learning_rate():
    learning_rates = learning_rate_per_step(Training(learning_rate=0.01, schedule="constant"), 30)
    assert np.allclose(learning_rates, 0.01)


@pytest.mark.parametrize("steps", [1, 2])
def test_learning_rates_of_very_short_training_are_finite(steps):
    assert np.isfinite(learning_rate_per_step(Training(), steps)).all()


@pytest.mark.parametrize(
    ("n_rows", "batch_size"), [(60_000, 128), (1024, 128), (800, 100), (100, 16), (10, 10), (1, 1)]
)
def test_auto_batch_size_depends_on_the_number_of_rows(n_rows, batch_size):
    assert Training().batch_size_for(n_rows) == batch_size


def test_batch_size_is_at_most_the_number_of_rows():
    assert Training(batch_size=500).batch_size_for(60) == 60
    assert Training(batch_size=np.int64(20)).batch_size_for(60) == 20


@pytest.mark.parametrize(("n_rows", "epochs"), [(1280, 150), (16, 1500)])
def test_auto_epochs_are_more_for_few_rows(n_rows, epochs):
    assert Training().epochs_for(n_rows) == epochs  # 1,500 steps
    assert 10 <= Training().epochs_for(60_000) <= 20


@pytest.mark.parametrize(
    ("held_out_share", "n_rows", "held_out"),
    [(0.1, 200, 20), (0, 200, 0), (0.1, 4, 0), (0.5, 60_000, 5000), (0.1, 60_000, 5000)],
)
def test_number_of_validation_rows_follows_the_share_up_to_a_limit(
    held_out_share, n_rows, held_out
):
    assert Training(held_out=held_out_share).n_validation_rows(n_rows) == held_out


@pytest.mark.parametrize(
    ("width", "held_out"), [(3000, 5000), (20_000, 838), (10**6, 100), (10**9, 100)]
)
def test_wide_rows_have_fewer_validation_rows(width, held_out):
    assert Training().n_validation_rows(60_000, width) == held_out
    assert Training().n_validation_rows(500, width) == 50


def test_training_can_be_cloned_and_has_set_params():
    settings = clone(Training(batch_size=7)).set_params(learning_rate=0.5)
    assert settings.get_params() == {
        "batch_size": 7,
        "learning_rate": 0.5,
        "schedule": "cosine",
        "patience": 10,
        "held_out": 0.1,
        "noise": None,
        "precision": "float32",
    }


def test_numpy_scalars_are_accepted():
    Training(
        batch_size=np.int32(8),
        learning_rate=np.float32(0.1),
        patience=np.int64(3),
        held_out=np.float32(0.2),
    ).validate()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected an integer of at least 1, found 0"),
        ({"batch_size": 1.5}, "batch_size: expected"),
        ({"batch_size": "big"}, "batch_size: expected .* found 'big'"),
        ({"batch_size": True}, "batch_size: expected"),
        ({"batch_size": None}, "batch_size: expected"),
        ({"learning_rate": "x"}, "learning_rate: expected a number of at least 0, found 'x'"),
        ({"learning_rate": -0.1}, "learning_rate: expected"),
        ({"learning_rate": math.nan}, "learning_rate: expected"),
        ({"learning_rate": math.inf}, "learning_rate: expected"),
        ({"schedule": "cos"}, "schedule: expected 'cosine' or 'constant', found 'cos'"),
        ({"schedule": None}, "schedule: expected"),
        ({"patience": 0}, "patience: expected an integer of at least 1, found 0"),
        ({"patience": "x"}, "patience: expected"),
        ({"held_out": 2}, "held_out: expected a number from 0 to 0.9, found 2"),
        ({"held_out": -0.1}, "held_out: expected"),
        ({"held_out": "x"}, "held_out: expected"),
        ({"noise": -0.1}, "noise: expected a number from 0 to 1, found -0.1"),
        ({"noise": "x"}, "noise: expected"),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        Training(**settings).validate()
