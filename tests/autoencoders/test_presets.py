"""Tests of presets; `article` reproduces the network of the article."""

import keras
import pytest
from numpy.testing import assert_allclose

from latentmap.autoencoders.presets import PRESETS, make_estimator
from latentmap.data import open_data
from latentmap.errors import UnknownNameError
from latentmap.maps.defaults import TRAINING


@pytest.fixture(scope="module")
def rows():
    return open_data("mnist")[:1920]


def train_with_keras(rows, seed):
    """Train the article's network with its code in plain Keras."""
    x_train = rows.reshape(-1, 784).astype("float32") / 255.0
    keras.utils.set_random_seed(seed)
    input_img = keras.Input(shape=(784,))
    encoded = keras.layers.Dense(2)(input_img)
    decoded = keras.layers.Dense(784)(encoded)
    autoencoder = keras.Model(input_img, decoded)
    autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
    history = autoencoder.fit(x_train, x_train, epochs=5, batch_size=32, shuffle=True, verbose=0)
    return history.history["loss"], autoencoder.get_weights()


@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="Keras on PyTorch shuffles rows with PyTorch"
)
def test_article_equals_training_in_plain_keras(rows):
    loss, weights = train_with_keras(rows, seed=3)
    model = make_estimator("article", random_state=3).fit(rows)
    assert_allclose(model.history_["loss"][1:], loss, rtol=1e-4)
    kernel, bias = model.encoder_.layers[-1].get_weights()
    assert_allclose(kernel, weights[0], atol=1e-4)
    assert_allclose(bias, weights[1], atol=1e-4)


def test_article_has_no_output_activation(rows):
    model = make_estimator("article", random_state=3).fit(rows)
    reconstructed = model.inverse_transform(model.transform(rows[:200]))
    # Without an activation, outputs can leave the range from 0 to 255.
    assert reconstructed.min() < 0.0
    kernel, bias = model.decoder_.get_layer("head").get_weights()
    expected = (model.transform(rows[:200]) @ kernel + bias) * 255.0
    assert_allclose(reconstructed.reshape(200, 784), expected, atol=1e-2)


@pytest.mark.parametrize("name", PRESETS)
def test_settings_override_the_preset(name):
    assert make_estimator(name, n_components=5).n_components == 5


def test_settings_are_not_shared_between_estimators():
    make_estimator("article").training.batch_size = 7
    assert make_estimator("article").training.batch_size == 32


def test_unknown_preset_suggests_a_similar_name():
    with pytest.raises(UnknownNameError, match="did you mean 'article'"):
        make_estimator("artcle")


def test_map_uses_the_default_training_of_maps():
    assert make_estimator("map").training.get_params() == TRAINING.get_params()
