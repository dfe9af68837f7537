from random import Random

import keras
import numpy as np
import pytest

from latentmap.errors import SettingError
from latentmap.networks.dense import DenseNetwork, LinearNetwork
from latentmap.networks.initializers import draw_seed, kernel_initializer


def make_models(network, n_features=6, n_components=2, zero_init=False, seed=0):
    rng = Random(seed)
    rows = keras.Input((n_features,))
    code = network.encode(rows, n_components, rng, zero_init)
    z = keras.Input((n_components,))
    return keras.Model(rows, code), keras.Model(z, network.decode(z, (n_features,), rng, zero_init))


def get_widths(model):
    return [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def test_glorot_weights_have_the_published_range():
    weights = np.asarray(kernel_initializer(Random(0))((300, 200)))
    limit = np.sqrt(6 / 500)
    assert np.abs(weights).max() <= limit
    assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert abs(weights.mean()) < 0.001


def test_weights_depend_on_the_seed():
    first, second = (np.asarray(kernel_initializer(Random(seed))((3, 3))) for seed in (0, 1))
    assert np.array_equal(first, np.asarray(kernel_initializer(Random(0))((3, 3))))
    assert not np.array_equal(first, second)
    rng = Random(0)
    assert not np.array_equal(
        np.asarray(kernel_initializer(rng)((3, 3))), np.asarray(kernel_initializer(rng)((3, 3)))
    )


def test_draw_seed_equals_that_of_keras():
    keras.utils.set_random_seed(7)
    seed = keras.initializers.GlorotUniform().seed
    assert seed == draw_seed(Random(7))


@pytest.mark.parametrize("shape", [(1, 1), (33, 7), (3, 3, 8, 16), (300, 300), (2049, 2048)])
def test_glorot_weights_equal_those_of_keras(shape):
    expected = keras.initializers.GlorotUniform(seed=draw_seed(Random(3)))(shape)
    assert np.array_equal(np.asarray(kernel_initializer(Random(3))(shape)), np.asarray(expected))


def test_output_is_zero_with_zero_initialisation():
    encoder, decoder = make_models(DenseNetwork(hidden=(5,)), zero_init=True)
    rows, codes = np.random.default_rng(0).normal(size=(4, 6)), np.ones((4, 2))
    assert not encoder.predict_on_batch(rows).any()
    assert not decoder.predict_on_batch(codes).any()
    encoder, decoder = make_models(DenseNetwork(hidden=(5,)), zero_init=False)
    assert encoder.predict_on_batch(rows).any()
    assert decoder.predict_on_batch(codes).any()


def test_decoder_has_the_widths_of_the_encoder_reversed():
    encoder, decoder = make_models(DenseNetwork(hidden=(5, 4, 3)))
    assert get_widths(encoder) == [5, 4, 3, 2]
    assert get_widths(decoder) == [3, 4, 5, 6]


def test_auto_is_deep_only_for_small_codes():
    small_code_widths, large_code_widths = DenseNetwork().widths(3), DenseNetwork().widths(4)
    assert len(small_code_widths) == 3
    assert list(small_code_widths) == sorted(small_code_widths, reverse=True)
    assert len(large_code_widths) == 1


def test_only_hidden_layers_have_the_activation():
    encoder, _ = make_models(DenseNetwork(hidden=(5, 4), activation="tanh"))
    dense = [layer for layer in encoder.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.activation.__name__ for layer in dense] == ["tanh", "tanh", "linear"]


def test_dropout_drops_its_share_only_in_training():
    encoder, _ = make_models(DenseNetwork(hidden=(2000,), dropout=0.25))
    dropout_layer = next(
        layer for layer in encoder.layers if isinstance(layer, keras.layers.Dropout)
    )
    ones = np.ones((10, 2000), "float32")
    is_dropped = keras.ops.convert_to_numpy(dropout_layer(ones, training=True)) == 0
    assert is_dropped.mean() == pytest.approx(0.25, abs=0.02)
    assert np.array_equal(keras.ops.convert_to_numpy(dropout_layer(ones, training=False)), ones)
    encoder_without_dropout, _ = make_models(DenseNetwork(hidden=(20,)))
    assert not any(
        isinstance(layer, keras.layers.Dropout) for layer in encoder_without_dropout.layers
    )


def test_linear_network_has_one_layer_or_none_with_principal_path():
    encoder, decoder = make_models(LinearNetwork(principal=False))
    assert get_widths(encoder) == [2]
    assert get_widths(decoder) == [6]
    rows = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    weights, bias = encoder.get_weights()
    assert np.allclose(encoder.predict_on_batch(rows), rows @ weights + bias, atol=1e-5)
    assert LinearNetwork().encode(keras.Input((6,)), 2, Random(0), zero_init=True) is None
    assert LinearNetwork().decode(keras.Input((2,)), (6,), Random(0), zero_init=True) is None


@pytest.mark.parametrize(
    "network", [DenseNetwork(hidden=(5, 4)), LinearNetwork(principal=False), DenseNetwork()]
)
def test_layer_sizes_equal_the_sizes_of_kernels(network):
    kernels = [w for model in make_models(network) for w in model.weights if len(w.shape) == 2]
    sizes = [int(np.prod(w.shape)) for w in kernels]
    assert sorted(sizes) == sorted(network.layer_sizes((6,), 2))


@pytest.mark.parametrize(
    ("settings", "message"),
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
        ({"dropout": 1}, "dropout: expected a number of at least 0 and below 1, found 1"),
        ({"dropout": -0.1}, "dropout: expected"),
        ({"dropout": "0.1"}, "dropout: expected"),
        ({"dropout": float("nan")}, "dropout: expected"),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        DenseNetwork(**settings)
