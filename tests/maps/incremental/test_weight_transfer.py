import keras
import numpy as np
from keras import layers

from latentmap.backend import copy_value, predict, to_numpy
from latentmap.maps.incremental.weight_transfer import freeze_batch_normalization, transfer_weights


def model(n):
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(6), layers.BatchNormalization(), layers.Dense(n)]
    )


def test_old_outputs_are_kept_and_new_ones_are_initialised():
    narrow, wide = model(3), model(7)
    start = copy_value(wide.layers[-1].kernel)
    transfer_weights(wide, narrow)
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    assert np.allclose(predict(wide, rows)[:, :3], predict(narrow, rows), atol=1e-6)
    assert (copy_value(wide.layers[-1].kernel)[:, 3:] == start[:, 3:]).all()


def test_batch_normalisation_is_frozen_in_training():
    net = keras.Sequential([keras.Input((4,)), model(2)])
    freeze_batch_normalization(net)
    rows = 9 + np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    assert np.allclose(to_numpy(net(rows, training=True)), predict(net, rows), atol=1e-6)
    assert np.abs(copy_value(net.layers[0].layers[1].moving_mean)).max() == 0
