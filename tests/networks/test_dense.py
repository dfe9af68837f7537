from random import Random

import keras
import numpy as np
import pytest

from latentmap.errors import SettingError
from latentmap.networks.dense import DenseNetwork, LinearNetwork, draw_seed, kernel_initializer


def model(network, n_features=6, n_components=2, zero=False, seed=0):
    rng = Random(seed)
    rows = keras.Input((n_features,))
    code = network.encode(rows, n_components, rng, zero)
    z = keras.Input((n_components,))
    return keras.Model(rows, code), keras.Model(z, network.decode(z, (n_features,), rng, zero))


def widths(built):
    return [layer.units for layer in built.layers if isinstance(layer, keras.layers.Dense)]


def test_glorot_weights_have_the_width_of_the_paper():
    weights = np.asarray(kernel_initializer(Random(0))((300, 200)))
    limit = np.sqrt(6 / 500)
    assert np.abs(weights).max() <= limit
    assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert abs(weights.mean()) < 0.001


def test_weights_follow_their_seed():
    first, second = (np.asarray(kernel_initializer(Random(seed))((3, 3))) for seed in (0, 1))
    assert np.array_equal(first, np.asarray(kernel_initializer(Random(0))((3, 3))))
    assert not np.array_equal(first, second)
    rng = Random(0)
    assert not np.array_equal(
        np.asarray(kernel_initializer(rng)((3, 3))), np.asarray(kernel_initializer(rng)((3, 3)))
    )


def test_seeds_are_those_of_keras():
    keras.utils.set_random_seed(7)
    drawn = keras.initializers.GlorotUniform().seed
    assert drawn == draw_seed(Random(7))


@pytest.mark.parametrize("shape", [(1, 1), (33, 7), (3, 3, 8, 16), (300, 300), (2049, 2048)])
def test_weights_are_those_of_keras(shape):
    own = keras.initializers.GlorotUniform(seed=draw_seed(Random(3)))(shape)
    assert np.array_equal(np.asarray(kernel_initializer(Random(3))(shape)), np.asarray(own))


def test_a_silent_path_starts_at_zero():
    encoder, decoder = model(DenseNetwork(hidden=(5,)), zero=True)
    rows, codes = np.random.default_rng(0).normal(size=(4, 6)), np.ones((4, 2))
    assert not encoder.predict_on_batch(rows).any()
    assert not decoder.predict_on_batch(codes).any()
    encoder, decoder = model(DenseNetwork(hidden=(5,)), zero=False)
    assert encoder.predict_on_batch(rows).any()
    assert decoder.predict_on_batch(codes).any()


def test_the_decoder_mirrors_the_encoder():
    encoder, decoder = model(DenseNetwork(hidden=(5, 4, 3)))
    assert widths(encoder) == [5, 4, 3, 2]
    assert widths(decoder) == [3, 4, 5, 6]


def test_auto_goes_deep_for_small_codes_only():
    deep, wide = DenseNetwork().widths(3), DenseNetwork().widths(4)
    assert len(deep) == 3
    assert list(deep) == sorted(deep, reverse=True)
    assert len(wide) == 1


def test_hidden_layers_have_the_activation_and_the_code_none():
    encoder, _ = model(DenseNetwork(hidden=(5, 4), activation="tanh"))
    dense = [layer for layer in encoder.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.activation.__name__ for layer in dense] == ["tanh", "tanh", "linear"]


def test_dropout_drops_its_share_while_training_only():
    encoder, _ = model(DenseNetwork(hidden=(2000,), dropout=0.25))
    drop = next(layer for layer in encoder.layers if isinstance(layer, keras.layers.Dropout))
    ones = np.ones((10, 2000), "float32")
    dropped = keras.ops.convert_to_numpy(drop(ones, training=True)) == 0
    assert dropped.mean() == pytest.approx(0.25, abs=0.02)
    assert np.array_equal(keras.ops.convert_to_numpy(drop(ones, training=False)), ones)
    plain, _ = model(DenseNetwork(hidden=(20,)))
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in plain.layers)


def test_linear_is_one_layer_each_way_or_nothing():
    encoder, decoder = model(LinearNetwork(principal=False))
    assert widths(encoder) == [2]
    assert widths(decoder) == [6]
    rows = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    weights, bias = (np.asarray(w.value) for w in encoder.weights)
    assert np.allclose(encoder.predict_on_batch(rows), rows @ weights + bias, atol=1e-5)
    assert LinearNetwork().encode(keras.Input((6,)), 2, Random(0), zero=True) is None
    assert LinearNetwork().decode(keras.Input((2,)), (6,), Random(0), zero=True) is None


@pytest.mark.parametrize(
    "network", [DenseNetwork(hidden=(5, 4)), LinearNetwork(principal=False), DenseNetwork()]
)
def test_layer_sizes_are_those_of_the_kernels(network):
    kernels = [w for built in model(network) for w in built.weights if len(w.shape) == 2]
    sizes = [int(np.prod(w.shape)) for w in kernels]
    assert sorted(sizes) == sorted(network.layer_sizes((6,), 2))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"hidden": (0,)}, r"hidden: expected a tuple of integers above 0, found \(0,\)"),
        ({"hidden": ()}, "hidden: expected"),
        ({"hidden": 5}, "hidden: expected"),
        ({"hidden": ("5",)}, "hidden: expected"),
        ({"hidden": (5.0,)}, "hidden: expected"),
        ({"hidden": "wide"}, "hidden: expected"),
        ({"activation": "rlu"}, "activation: expected .* found 'rlu'"),
        ({"activation": None}, "activation: expected"),
        ({"activation": np.tanh}, "activation: expected"),
        ({"dropout": 1}, "dropout: expected a number from 0 up to 1, without 1, found 1"),
        ({"dropout": -0.1}, "dropout: expected"),
        ({"dropout": "0.1"}, "dropout: expected"),
        ({"dropout": float("nan")}, "dropout: expected"),
    ],
)
def test_settings_outside_their_range(settings, told):
    with pytest.raises(SettingError, match=told):
        DenseNetwork(**settings)
