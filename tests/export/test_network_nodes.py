import numpy as np
import pytest

from latentmap.export import network_nodes
from latentmap.export.network_nodes import add_network
from latentmap.export.onnx_graph import OnnxGraph
from latentmap.inference import activations, evaluator
from latentmap.inference.graph import Node, apply, input_node


def test_all_operations_and_activations_have_nodes():
    assert network_nodes.OPERATIONS.keys() == evaluator.OPERATIONS.keys()
    assert network_nodes.ACTIVATIONS.keys() == activations.ACTIVATIONS.keys()


def run(evaluate, node, x, weights=()):
    graph = OnnxGraph(["x", "y"])
    rows = graph.add_input("x", np.float32, x.shape[1:])
    output = add_network(graph, node, {node: list(weights)}, rows)
    graph.add_output("y", output, np.float32, node.shape)
    return evaluate(graph, {"x": x})["y"]


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_activations_equal_those_of_numpy(evaluate, name):
    x = np.float32([[-100, -3, -1, -0.01, 0, 0.01, 1, 3, 100]])
    y = run(evaluate, apply("activation", input_node((9,)), activation=name), x)
    expected = activations.ACTIVATIONS[name](x.astype(np.float64))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 2)])
def test_convolutions_equal_those_of_numpy(evaluate, size):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, *size, 2)).astype(np.float32)
    shape = (-(-size[0] // 2), -(-size[1] // 2), 4)
    wide_shape = (2 * size[0], 2 * size[1], 4)
    for operation, output_shape, kernel in (
        ("convolution", shape, rng.normal(size=(3, 3, 2, 4))),
        ("transposed_convolution", wide_shape, rng.normal(size=(3, 3, 4, 2))),
    ):
        settings = {"activation": "relu"}
        weights = (kernel, rng.normal(size=4))
        rows = input_node(x.shape[1:])
        node = Node(operation, (rows,), output_shape, tuple(w.shape for w in weights), settings)
        expected = evaluator.Evaluator(node, {node: weights})(x)
        y = run(evaluate, node, x, weights)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
