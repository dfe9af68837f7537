from random import Random

import keras
import numpy as np
import pytest

from latentmap.errors import DataError, SettingError
from latentmap.networks.conv import ConvNetwork, image_shape
from latentmap.networks.strided_convolutions import StridedConv2D, StridedConv2DTranspose


def make_models(row_shape, filters=(4, 6), zero_init=False, n_components=3):
    network, rng = ConvNetwork(filters=filters), Random(0)
    rows, z = keras.Input(row_shape), keras.Input((n_components,))
    encoder = keras.Model(rows, network.encode(rows, n_components, rng, zero_init))
    return encoder, keras.Model(z, network.decode(z, row_shape, rng, zero_init))


@pytest.mark.parametrize(
    ("row_shape", "filters"),
    [
        ((28, 28), (4, 6)),
        ((7, 9, 3), (3, 4, 5)),
        ((8, 8, 1), (4,)),
        ((1, 1), (4, 6)),
        ((1, 13, 2), (4, 6)),
    ],
)
def test_images_of_any_size_are_encoded_and_decoded(row_shape, filters):
    encoder, decoder = make_models(row_shape, filters)
    images = np.random.default_rng(0).random((2, *row_shape)).astype("float32")
    codes = encoder.predict_on_batch(images)
    assert codes.shape == (2, 3)
    assert decoder.predict_on_batch(codes).shape == (2, int(np.prod(row_shape)))


def test_codes_depend_on_all_pixels_and_pixels_on_codes():
    encoder, decoder = make_models((7, 9, 3))
    images = np.eye(7 * 9 * 3, dtype="float32").reshape(-1, 7, 9, 3)
    code_of_zeros = encoder.predict_on_batch(np.zeros((1, 7, 9, 3), "float32"))
    assert (np.abs(encoder.predict_on_batch(images) - code_of_zeros).max(axis=1) > 0).all()
    codes = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")
    assert (decoder.predict_on_batch(codes).std(axis=0) > 0).all()


def test_output_is_zero_with_zero_initialisation():
    encoder, decoder = make_models((7, 9), zero_init=True)
    assert not encoder.predict_on_batch(np.ones((2, 7, 9))).any()
    assert not decoder.predict_on_batch(np.ones((2, 3))).any()


@pytest.mark.parametrize("row_shape", [(28, 28), (7, 9, 3)])
def test_layer_sizes_equal_the_sizes_of_kernels(row_shape):
    kernels = [
        w
        for network_model in make_models(row_shape)
        for w in network_model.weights
        if len(w.shape) > 1
    ]
    sizes = [int(np.prod(w.shape)) for w in kernels]
    assert sorted(sizes) == sorted(ConvNetwork(filters=(4, 6)).layer_sizes(row_shape, 3))


def test_image_shape_adds_channels_and_refuses_other_rows():
    assert image_shape((28, 20)) == (28, 20, 1)
    assert image_shape((28, 20, 3)) == (28, 20, 3)
    for row_shape in [(784,), (2, 3, 4, 5), ()]:
        with pytest.raises(DataError, match="takes images"):
            image_shape(row_shape)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": ()}, "filters: expected a tuple of integers above 0"),
        ({"filters": (8, -1)}, "filters: expected"),
        ({"filters": 8}, "filters: expected"),
        ({"activation": "rlu"}, "activation: expected"),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        ConvNetwork(**settings)


@pytest.mark.parametrize("row_shape", [(8, 8, 2), (7, 9, 2), (1, 13, 2)])
@pytest.mark.parametrize(
    ("layer", "keras_layer"),
    [
        (StridedConv2D, keras.layers.Conv2D),
        (StridedConv2DTranspose, keras.layers.Conv2DTranspose),
    ],
)
def test_strided_convolutions_equal_those_of_keras(row_shape, layer, keras_layer):
    x = np.random.default_rng(0).normal(size=(3, *row_shape)).astype("float32")
    ours = layer(5, activation="silu", bias_initializer="random_normal")
    theirs = keras_layer(5, 3, 2, "same", activation="silu")
    ours.build(x.shape)
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    results = (keras.ops.convert_to_numpy(network(x)) for network in (ours, theirs))
    np.testing.assert_allclose(*results, atol=1e-5)
