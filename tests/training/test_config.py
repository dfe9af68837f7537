import math

import keras
import numpy as np
import pytest
from sklearn.base import clone

from latentmap.errors import SettingError
from latentmap.training.config import Training


def rates(settings, steps):
    optimizer = settings.make_optimizer(steps)
    found = []
    for step in range(steps + 1):
        optimizer.iterations.assign(step)
        found.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    return np.array(found)


def test_the_cosine_rises_then_falls_to_nothing():
    found = rates(Training(learning_rate=0.01), 200)
    top = int(found.argmax())
    assert top == 20
    assert found[0] == 0
    assert found[top] == pytest.approx(0.01)
    assert (np.diff(found[: top + 1]) > 0).all()
    assert (np.diff(found[top:]) < 0).all()
    assert found[-1] == pytest.approx(0, abs=1e-6)
    assert found[110] == pytest.approx(0.005, rel=1e-3)  # half way down


def test_a_long_training_warms_up_for_300_steps():
    optimizer = Training(learning_rate=0.01).make_optimizer(100_000)
    optimizer.iterations.assign(300)
    assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(0.01)


def test_constant_is_constant():
    found = rates(Training(learning_rate=0.01, schedule="constant"), 30)
    assert np.allclose(found, 0.01)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_training_of_a_step_or_two(steps):
    assert np.isfinite(rates(Training(), steps)).all()


@pytest.mark.parametrize(
    ("n_rows", "batch"), [(60_000, 128), (1024, 128), (800, 100), (100, 16), (10, 10), (1, 1)]
)
def test_auto_batches(n_rows, batch):
    assert Training().batch_size_for(n_rows) == batch


def test_a_batch_is_never_more_than_the_rows():
    assert Training(batch_size=500).batch_size_for(60) == 60
    assert Training(batch_size=np.int64(20)).batch_size_for(60) == 20


@pytest.mark.parametrize(("n_rows", "epochs"), [(1280, 150), (16, 1500)])
def test_few_rows_are_run_through_more_often(n_rows, epochs):
    assert Training().epochs_for(n_rows) == epochs  # 1,500 steps
    assert 10 <= Training().epochs_for(60_000) <= 20


@pytest.mark.parametrize(
    ("share", "n_rows", "held_out"),
    [(0.1, 200, 20), (0, 200, 0), (0.1, 4, 0), (0.5, 60_000, 5000), (0.1, 60_000, 5000)],
)
def test_rows_held_out(share, n_rows, held_out):
    assert Training(held_out=share).n_validation_rows(n_rows) == held_out


@pytest.mark.parametrize(
    ("width", "held_out"), [(3000, 5000), (20_000, 838), (10**6, 100), (10**9, 100)]
)
def test_of_wide_rows_fewer_are_held_out(width, held_out):
    assert Training().n_validation_rows(60_000, width) == held_out
    assert Training().n_validation_rows(500, width) == 50


def test_scikit_learn_can_clone_and_set_it():
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


def test_settings_of_numpy_are_welcome():
    Training(
        batch_size=np.int32(8),
        learning_rate=np.float32(0.1),
        patience=np.int64(3),
        held_out=np.float32(0.2),
    ).validate()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected an integer from 1 up, found 0"),
        ({"batch_size": 1.5}, "batch_size: expected"),
        ({"batch_size": "big"}, "batch_size: expected .* found 'big'"),
        ({"batch_size": True}, "batch_size: expected"),
        ({"batch_size": None}, "batch_size: expected"),
        ({"learning_rate": "x"}, "learning_rate: expected a number from 0 up, found 'x'"),
        ({"learning_rate": -0.1}, "learning_rate: expected"),
        ({"learning_rate": math.nan}, "learning_rate: expected"),
        ({"learning_rate": math.inf}, "learning_rate: expected"),
        ({"schedule": "cos"}, "schedule: expected 'cosine' or 'constant', found 'cos'"),
        ({"schedule": None}, "schedule: expected"),
        ({"patience": 0}, "patience: expected an integer from 1 up, found 0"),
        ({"patience": "x"}, "patience: expected"),
        ({"held_out": 2}, "held_out: expected a number from 0 to 0.9, found 2"),
        ({"held_out": -0.1}, "held_out: expected"),
        ({"held_out": "x"}, "held_out: expected"),
        ({"noise": -0.1}, "noise: expected a number from 0 to 1, found -0.1"),
        ({"noise": "x"}, "noise: expected"),
    ],
)
def test_settings_outside_their_range(settings, message):
    with pytest.raises(SettingError, match=message):
        Training(**settings).validate()
