"""Graphs of the operations of a network, which describe what it computes after the training.

The graphs are evaluated by NumPy (`evaluator`) and converted to ONNX, so that a fitted model can be
used without Keras. Each node corresponds to one Keras layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Node:
    """An operation on the outputs of other nodes.

    Attributes
    ----------
    operation : str
        Name of the operation; `evaluator.OPERATIONS` lists all of them.
    inputs : tuple of Node
    shape : tuple of int
        Shape of the output for one row.
    weights : tuple of tuples of int
        Shapes of the weights of the Keras layer.
    settings : dict
        Settings and constant arrays.
    """

    operation: str
    inputs: tuple[Node, ...]
    shape: Shape
    weights: tuple[Shape, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Number of numbers in the output for one row."""
        return math.prod(self.shape)


def apply(operation: str, x: Node, *weights: Shape, **settings: object) -> Node:
    """Return a node whose output has the shape of its input."""
    return Node(operation, (x,), x.shape, weights, settings)


def input_node(shape: Shape) -> Node:
    """Return the input of a graph."""
    return Node("input", (), shape)


def flatten(x: Node) -> Node:
    """Return a node that flattens each row."""
    return reshape(x, (x.width,))


def reshape(x: Node, shape: Shape) -> Node:
    """Return a node that reshapes each row."""
    return Node("reshape", (x,), shape)


def dense(x: Node, units: int, activation: str = "linear") -> Node:
    """Return a node that applies a dense layer."""
    weights = ((x.width, units), (units,))
    return Node("dense", (x,), (units,), weights, {"activation": activation})


def topological_order(output: Node) -> list[Node]:
    """Return the nodes of a graph, each after its inputs.

    Examples
    --------
    >>> rows = input_node((4,))
    >>> [node.operation for node in topological_order(dense(rows, 2))]
    ['input', 'dense']
    """
    nodes: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in nodes:
            for operand in node.inputs:
                visit(operand)
            nodes[node] = None

    visit(output)
    return list(nodes)


def weight_order(output: Node) -> list[Node]:
    """Return the nodes with weights in the order in which Keras lists the layers of a model.

    Keras sorts layers by their depth, which is the length of the longest path to the output, and
    layers of equal depth by the order in which it finds them from the output.

    Examples
    --------
    >>> rows = input_node((4,))
    >>> deep = dense(dense(rows, 3), 2)
    >>> sum_of_both = Node("add", (dense(rows, 2), deep), (2,))
    >>> [node.weights[0] for node in weight_order(sum_of_both)]
    [(4, 3), (4, 2), (3, 2)]
    """
    nodes = topological_order(output)
    depths = dict.fromkeys(nodes, 0)
    for node in reversed(nodes):
        for operand in node.inputs:
            depths[operand] = max(depths[operand], depths[node] + 1)
    ranks: dict[Node, int] = {}

    def rank(node: Node) -> None:
        if node not in ranks:
            ranks[node] = len(ranks)
            for operand in node.inputs:
                rank(operand)

    rank(output)
    return sorted((n for n in nodes if n.weights), key=lambda n: (-depths[n], ranks[n]))
