import numpy as np
import pytest

from latentmap.data.sources import ArraySource
from latentmap.errors import DataError, SettingError, UnknownNameError
from latentmap.training.config import Training
from latentmap.training.preparation import prepare_data

ROWS = np.arange(800.0).reshape(200, 4)


def prepared(rows=ROWS, scaling="auto", epochs="auto", training=None, random_state=0):
    return prepare_data(ArraySource(rows), scaling, epochs, training, random_state)


def test_fitted_and_held_out_rows_are_all_rows_once():
    data = prepared(training=Training(held_out=0.25))
    assert len(data.task.validation_rows) == 50
    together = np.concatenate([data.task.rows[:], data.task.validation_rows])
    assert np.array_equal(together[np.argsort(together[:, 0])], ROWS)


def test_of_wide_rows_fewer_are_held_out(monkeypatch):
    monkeypatch.setattr("latentmap.training.config.MAX_VALIDATION_NUMBERS", 4 * 110)
    assert len(prepared(np.zeros((2000, 2, 2))).task.validation_rows) == 110


def test_nothing_is_held_out_when_asked():
    data = prepared(training=Training(held_out=0))
    assert data.task.validation_rows is None
    assert len(data.task.rows) == 200


def test_the_split_follows_the_seed():
    first, same, other = (prepared(random_state=seed).task.validation_rows for seed in (0, 0, 1))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_seeds_of_every_kind():
    assert prepared(random_state=7).seed == 7
    assert prepared(random_state=np.int64(7)).seed == 7
    generators = [np.random.RandomState(3), np.random.RandomState(3)]
    assert prepared(random_state=generators[0]).seed == prepared(random_state=generators[1]).seed
    assert prepared(random_state=None).seed != prepared(random_state=None).seed


@pytest.mark.parametrize("seed", ["x", -1, 1.5, [1, 2]])
def test_what_is_no_seed(seed):
    with pytest.raises(SettingError, match="random_state"):
        prepared(random_state=seed)


def test_epochs():
    assert prepared(epochs=3).task.epochs == 3
    assert prepared(epochs=np.int64(3)).task.epochs == 3
    assert prepared().task.epochs == Training().epochs_for(180)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, "many", True, None])
def test_epochs_outside_their_range(epochs):
    with pytest.raises(SettingError, match="epochs: expected 'auto' or an integer above 0, found"):
        prepared(epochs=epochs)


@pytest.mark.parametrize("training", ["fast", 3, {"batch_size": 3}, Training])
def test_what_is_no_training(training):
    with pytest.raises(SettingError, match="training: expected a Training or None"):
        prepared(training=training)


def test_wrong_settings_are_found_before_any_row_is_read():
    bad = np.full((200, 4), np.nan)
    with pytest.raises(SettingError, match="schedule"):
        prepared(bad, training=Training(schedule="cos"))
    with pytest.raises(UnknownNameError, match="scaling"):
        prepared(scaling="unitt")
    with pytest.raises(DataError, match="row 0, column 0"):
        prepared(bad)
