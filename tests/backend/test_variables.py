"""Tests of the values and the versions of variables."""

import keras
import numpy as np

from latentmap.backend import copy_value, have_equal_versions, to_numpy, variable_versions


def test_versions_change_if_a_variable_is_trained_or_assigned():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    versions = [variable_versions(model.weights)]
    assert have_equal_versions(versions[-1], variable_versions(model.weights))
    rows = np.random.default_rng(0).normal(size=(5, 3))
    for change in (
        lambda: model.train_on_batch(rows, rows[:, :2]),
        lambda: model.layers[-1].bias.assign([1.0, 2.0]),
        lambda: model.set_weights(model.get_weights()),
    ):
        change()
        versions.append(variable_versions(model.weights))
        assert not any(have_equal_versions(earlier, versions[-1]) for earlier in versions[:-1])


def test_copies_do_not_follow_the_variable():
    variable = keras.Variable(np.ones(3, "float32"))
    copies = [copy_value(variable), to_numpy(variable.value)]
    variable.assign(np.zeros(3, "float32"))
    assert [array.tolist() for array in copies] == [[1.0, 1.0, 1.0]] * 2


def test_an_array_of_bfloat16_is_converted():
    assert to_numpy(keras.ops.ones(2, "bfloat16")).astype("float32").tolist() == [1.0, 1.0]
