import numpy as np
import pytest

from latentmap.data.sources import ArraySource
from latentmap.errors import DataError, SettingError, UnknownNameError
from latentmap.training.config import Training
from latentmap.training.preparation import prepare_data

ROWS = np.arange(800.0).reshape(200, 4)


def prepare(rows=ROWS, scaling="auto", epochs="auto", training=None, random_state=0):
    return prepare_data(ArraySource(rows), scaling, epochs, training, random_state)


def test_split_contains_every_row_once():
    data = prepare(training=Training(held_out=0.25))
    assert len(data.task.validation_rows) == 50
    all_rows = np.concatenate([data.task.rows[:], data.task.validation_rows])
    assert np.array_equal(all_rows[np.argsort(all_rows[:, 0])], ROWS)


def test_wide_rows_have_fewer_validation_rows(monkeypatch):
    monkeypatch.setattr("latentmap.training.config.MAX_VALIDATION_NUMBERS", 4 * 110)
    assert len(prepare(np.zeros((2000, 2, 2))).task.validation_rows) == 110


def test_held_out_zero_gives_no_validation_rows():
    data = prepare(training=Training(held_out=0))
    assert data.task.validation_rows is None
    assert len(data.task.rows) == 200


def test_split_depends_on_the_seed():
    first, repeated, other_rows = (
        prepare(random_state=seed).task.validation_rows for seed in (0, 0, 1)
    )
    assert np.array_equal(first, repeated)
    assert not np.array_equal(first, other_rows)


def test_seed_is_derived_from_random_state():
    assert prepare(random_state=7).seed == 7
    assert prepare(random_state=np.int64(7)).seed == 7
    generators = [np.random.RandomState(3), np.random.RandomState(3)]
    assert prepare(random_state=generators[0]).seed == prepare(random_state=generators[1]).seed
    assert prepare(random_state=None).seed != prepare(random_state=None).seed


@pytest.mark.parametrize("seed", ["x", -1, 1.5, [1, 2]])
def test_invalid_random_state_is_refused(seed):
    with pytest.raises(SettingError, match="random_state"):
        prepare(random_state=seed)


def test_epochs_are_a_number_or_depend_on_the_rows():
    assert prepare(epochs=3).task.epochs == 3
    assert prepare(epochs=np.int64(3)).task.epochs == 3
    assert prepare().task.epochs == Training().epochs_for(180)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, "many", True, None])
def test_invalid_epochs_are_refused(epochs):
    with pytest.raises(
        SettingError, match="epochs: expected 'auto' or an integer from 1 to 2147483647, found"
    ):
        prepare(epochs=epochs)


@pytest.mark.parametrize("training", ["fast", 3, {"batch_size": 3}, Training])
def test_training_of_another_type_is_refused(training):
    with pytest.raises(SettingError, match="training: expected a Training or None"):
        prepare(training=training)


def test_invalid_settings_are_refused_before_rows_are_read():
    rows_with_nan = np.full((200, 4), np.nan)
    with pytest.raises(SettingError, match="schedule"):
        prepare(rows_with_nan, training=Training(schedule="cos"))
    with pytest.raises(UnknownNameError, match="scaling"):
        prepare(scaling="unitt")
    with pytest.raises(DataError, match="row 0, column 0"):
        prepare(rows_with_nan)
