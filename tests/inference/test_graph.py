"""Tests of the order of weights and of single operations against Keras."""

import keras
import numpy as np
import pytest

from latentmap.inference.activations import ACTIVATIONS
from latentmap.inference.evaluator import Evaluator, unsupported_activations
from latentmap.inference.graph import Node, apply, dense, input_node

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"arcsinh"}))
def test_activations_are_those_of_keras(name):
    x = np.array([-1e4, -30.0, -3.0, -0.5, 0.0, 1e-3, 0.7, 4.0, 50.0, 1e4], "float32")
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(x))
    np.testing.assert_allclose(ACTIVATIONS[name](x.astype(float)), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 2)])
@pytest.mark.parametrize("operation", ["convolution", "transposed_convolution"])
def test_convolutions_are_those_of_keras(operation, size):
    layer_type = {"convolution": "Conv2D", "transposed_convolution": "Conv2DTranspose"}[operation]
    layer = getattr(keras.layers, layer_type)(
        4, 3, 2, "same", activation="tanh", bias_initializer="random_normal"
    )
    images = RNG.normal(size=(3, *size, 2)).astype("float32")
    expected = keras.ops.convert_to_numpy(layer(images))
    weights = [keras.ops.convert_to_numpy(w.value) for w in layer.weights]
    shapes = tuple(w.shape for w in weights)
    settings = {"activation": "tanh"}
    node = Node(operation, (input_node((*size, 2)),), expected.shape[1:], shapes, settings)
    outputs = Evaluator(node, {node: weights})(images)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_a_row_does_not_depend_on_the_other_rows():
    node = dense(dense(input_node((300,)), 200, "silu"), 7)
    weights = {
        n: [RNG.normal(size=shape).astype("float32") for shape in n.weights]
        for n in (node, node.inputs[0])
    }
    evaluate = Evaluator(node, weights)
    rows = RNG.normal(size=(5000, 300)).astype("float32")
    together = evaluate(rows)
    alone = np.concatenate([evaluate(rows[i : i + 1]) for i in range(0, 5000, 50)])
    np.testing.assert_allclose(alone, together[::50], rtol=1e-6, atol=1e-6)


def test_64_bit_rows_are_rounded_as_the_engines_round_them():
    node = apply("scale", input_node((1,)), (), ())
    evaluate = Evaluator(node, {node: [np.float32(16777216.0), np.float32(1.0)]})
    assert evaluate(np.array([[16777217.0]])).tolist() == [[0.0]]


def test_large_and_missing_rows_give_no_warning():
    node = dense(input_node((2,)), 1)
    evaluate = Evaluator(node, {node: [np.full((2, 1), 1e30), np.zeros(1)]})
    assert not np.isfinite(evaluate(np.array([[1e30, 1e30], [np.nan, 0.0]]))).any()


def test_unknown_activations_are_not_supported():
    rows = input_node((2,))
    assert unsupported_activations(dense(rows, 2, "silu")) == set()
    unsupported = unsupported_activations(dense(dense(rows, 2, "hard_sigmoid"), 2))
    assert unsupported == {"hard_sigmoid"}
