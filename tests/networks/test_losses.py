import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from latentmap.errors import SettingError, UnknownNameError
from latentmap.networks.losses import (
    LOSSES,
    Loss,
    bernoulli,
    check_loss,
    clip,
    constant_loss,
    gaussian,
    get_loss,
    squared_error,
)

RNG = np.random.default_rng(0)
ROWS = RNG.random((20, 7)).astype("float32")
OUTPUTS = RNG.normal(0.0, 3.0, (20, 7)).astype("float32")


def test_bernoulli_is_binary_cross_entropy():
    loss = convert_to_numpy(bernoulli(ROWS, OUTPUTS))
    keras_loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)
    probability = 1 / (1 + np.exp(-OUTPUTS.astype(float)))
    expected = -(ROWS * np.log(probability) + (1 - ROWS) * np.log(1 - probability)).mean(axis=1)
    assert np.allclose(loss, convert_to_numpy(keras_loss(ROWS, OUTPUTS)), rtol=1e-5)
    assert np.allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("logit", [-1e4, 1e4, -1e30, 1e30])
def test_bernoulli_does_not_overflow(logit):
    rows = np.array([[float(logit > 0)], [float(logit < 0)]], "float32")
    loss_of_match, loss_of_mismatch = convert_to_numpy(
        bernoulli(rows, np.full((2, 1), logit, "float32"))
    )
    assert loss_of_match == 0
    assert loss_of_mismatch == pytest.approx(abs(logit))


def test_bernoulli_is_minimal_for_the_logits_of_the_row():
    logits = np.log(ROWS / (1 - ROWS))
    min_loss = convert_to_numpy(bernoulli(ROWS, logits))
    assert (min_loss < convert_to_numpy(bernoulli(ROWS, logits + 0.1))).all()
    assert (min_loss < convert_to_numpy(bernoulli(ROWS, logits - 0.1))).all()


def test_squared_error_and_gaussian_equal_the_formula():
    mean_squared = ((ROWS - OUTPUTS) ** 2).mean(axis=1)
    assert np.allclose(convert_to_numpy(squared_error(ROWS, OUTPUTS)), mean_squared, rtol=1e-5)
    assert np.allclose(convert_to_numpy(gaussian(ROWS, OUTPUTS)), mean_squared / 2, rtol=1e-5)


def test_clip_does_not_increase_the_error():
    clipped = convert_to_numpy(clip(OUTPUTS))
    assert np.array_equal(clipped, np.clip(OUTPUTS, 0, 1))
    assert (np.abs(clipped - ROWS) <= np.abs(OUTPUTS - ROWS)).all()


@pytest.mark.parametrize(
    ("name", "activation"), [("bernoulli", "sigmoid"), ("gaussian", "linear"), ("bounded", "clip")]
)
def test_each_loss_has_its_output_activation(name, activation):
    expected = {"sigmoid": 1 / (1 + np.exp(-OUTPUTS)), "linear": OUTPUTS, "clip": clip(OUTPUTS)}
    link = keras.activations.get(LOSSES[name].link)
    assert np.allclose(
        convert_to_numpy(link(keras.ops.array(OUTPUTS))), expected[activation], atol=1e-6
    )
    assert get_loss(name) is LOSSES[name]


@pytest.mark.parametrize(
    "loss", ["mse", "mean_squared_error", "MeanSquaredError", keras.losses.MeanSquaredError()]
)
def test_get_loss_accepts_names_and_objects_of_keras(loss):
    loss_object = get_loss(loss)
    assert loss_object.link == "linear"
    assert np.allclose(
        convert_to_numpy(loss_object.distance(ROWS, OUTPUTS)),
        convert_to_numpy(squared_error(ROWS, OUTPUTS)),
        rtol=1e-6,
    )


def test_get_loss_accepts_a_function():
    loss_object = get_loss(
        lambda rows, outputs: keras.ops.max(keras.ops.abs(rows - outputs), axis=-1)
    )
    assert np.allclose(
        convert_to_numpy(loss_object.distance(ROWS, OUTPUTS)),
        np.abs(ROWS - OUTPUTS).max(axis=1),
        rtol=1e-6,
    )


@pytest.mark.parametrize("loss", ["mze", "", "bernouli"])
def test_unknown_loss_is_refused(loss):
    with pytest.raises(UnknownNameError, match=f"unknown loss '{loss}'"):
        get_loss(loss)


@pytest.mark.parametrize("loss", [3, None, 1.5, ["mse"]])
def test_objects_of_other_types_are_refused(loss):
    with pytest.raises(SettingError, match="loss: expected a name or a function"):
        get_loss(loss)


@pytest.mark.parametrize("name", [*LOSSES, "mse", "mae", "huber", "binary_crossentropy"])
def test_check_loss_accepts_losses_with_one_number_per_row(name):
    check_loss(get_loss(name), 7)


@pytest.mark.parametrize(
    ("distance", "message"),
    [
        (lambda rows, outputs: (rows - outputs) ** 2, r"found shape \(2, 7\)"),
        (lambda rows, outputs: keras.ops.mean((rows - outputs) ** 2), r"found shape \(\)"),
        (lambda rows: rows, "expected a function of"),
        (lambda rows, outputs: None, "expected a function of"),
    ],
)
def test_check_loss_refuses_functions_without_one_number_per_row(distance, message):
    with pytest.raises(SettingError, match=message):
        check_loss(Loss("linear", distance), 7)


@pytest.mark.parametrize("name", ["gaussian", "bernoulli"])
def test_constant_loss_is_the_median_loss_of_the_mean_row(name):
    mean = ROWS.mean(axis=0)
    outputs = mean if name == "gaussian" else np.log(mean / (1 - mean))
    losses = convert_to_numpy(get_loss(name).distance(ROWS, np.tile(outputs, (len(ROWS), 1))))
    assert constant_loss(get_loss(name), ROWS) == pytest.approx(np.median(losses), rel=1e-5)
