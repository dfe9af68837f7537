import keras
import numpy as np
import pytest

from latentmap.errors import SettingError, UnknownNameError
from latentmap.networks.losses import (
    LOSSES,
    Loss,
    bernoulli,
    check_loss,
    clip,
    gaussian,
    get_loss,
    squared_error,
)

RNG = np.random.default_rng(0)
ROWS = RNG.random((20, 7)).astype("float32")
OUTPUTS = RNG.normal(0.0, 3.0, (20, 7)).astype("float32")


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_bernoulli_is_binary_cross_entropy():
    ours = numbers(bernoulli(ROWS, OUTPUTS))
    keras_own = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)
    share = 1 / (1 + np.exp(-OUTPUTS.astype(float)))
    formula = -(ROWS * np.log(share) + (1 - ROWS) * np.log(1 - share)).mean(axis=1)
    assert np.allclose(ours, numbers(keras_own(ROWS, OUTPUTS)), rtol=1e-5)
    assert np.allclose(ours, formula, rtol=1e-5)


@pytest.mark.parametrize("logit", [-1e4, 1e4, -1e30, 1e30])
def test_bernoulli_does_not_overflow(logit):
    rows = np.array([[float(logit > 0)], [float(logit < 0)]], "float32")
    right, wrong = numbers(bernoulli(rows, np.full((2, 1), logit, "float32")))
    assert right == 0
    assert wrong == pytest.approx(abs(logit))


def test_bernoulli_is_least_where_the_sigmoid_gives_the_row():
    logits = np.log(ROWS / (1 - ROWS))
    least = numbers(bernoulli(ROWS, logits))
    assert (least < numbers(bernoulli(ROWS, logits + 0.1))).all()
    assert (least < numbers(bernoulli(ROWS, logits - 0.1))).all()


def test_squared_errors():
    each = ((ROWS - OUTPUTS) ** 2).mean(axis=1)
    assert np.allclose(numbers(squared_error(ROWS, OUTPUTS)), each, rtol=1e-5)
    assert np.allclose(numbers(gaussian(ROWS, OUTPUTS)), each / 2, rtol=1e-5)


def test_clip_never_takes_an_output_farther_from_its_row():
    clipped = numbers(clip(OUTPUTS))
    assert np.array_equal(clipped, np.clip(OUTPUTS, 0, 1))
    assert (np.abs(clipped - ROWS) <= np.abs(OUTPUTS - ROWS)).all()


@pytest.mark.parametrize(
    ("name", "end"), [("bernoulli", "sigmoid"), ("gaussian", "linear"), ("bounded", "clip")]
)
def test_each_loss_has_its_end(name, end):
    ends = {"sigmoid": 1 / (1 + np.exp(-OUTPUTS)), "linear": OUTPUTS, "clip": clip(OUTPUTS)}
    link = keras.activations.get(LOSSES[name].link)
    assert np.allclose(numbers(link(keras.ops.array(OUTPUTS))), ends[end], atol=1e-6)
    assert get_loss(name) is LOSSES[name]


@pytest.mark.parametrize(
    "loss", ["mse", "mean_squared_error", "MeanSquaredError", keras.losses.MeanSquaredError()]
)
def test_any_way_to_name_a_loss_of_keras(loss):
    found = get_loss(loss)
    assert found.link == "linear"
    assert np.allclose(
        numbers(found.distance(ROWS, OUTPUTS)), numbers(squared_error(ROWS, OUTPUTS)), rtol=1e-6
    )


def test_a_function_is_a_loss():
    found = get_loss(lambda rows, outputs: keras.ops.max(keras.ops.abs(rows - outputs), axis=-1))
    assert np.allclose(
        numbers(found.distance(ROWS, OUTPUTS)), np.abs(ROWS - OUTPUTS).max(axis=1), rtol=1e-6
    )


@pytest.mark.parametrize("loss", ["mze", "", "bernouli"])
def test_unknown_names(loss):
    with pytest.raises(UnknownNameError, match=f"unknown loss '{loss}'"):
        get_loss(loss)


@pytest.mark.parametrize("loss", [3, None, 1.5, ["mse"]])
def test_what_is_no_loss(loss):
    with pytest.raises(SettingError, match="loss: expected a name or a function"):
        get_loss(loss)


@pytest.mark.parametrize("name", [*LOSSES, "mse", "mae", "huber", "binary_crossentropy"])
def test_losses_give_one_number_a_row(name):
    check_loss(get_loss(name), 7)


@pytest.mark.parametrize(
    ("distance", "told"),
    [
        (lambda rows, outputs: (rows - outputs) ** 2, r"found shape \(2, 7\)"),
        (lambda rows, outputs: keras.ops.mean((rows - outputs) ** 2), r"found shape \(\)"),
        (lambda rows: rows, "expected a function of"),
        (lambda rows, outputs: 0.0, "expected a function of"),
    ],
)
def test_losses_that_give_something_else(distance, told):
    with pytest.raises(SettingError, match=told):
        check_loss(Loss("linear", distance), 7)
