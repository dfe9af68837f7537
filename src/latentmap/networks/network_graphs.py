"""Graphs of the encoders and decoders that `latentmap.networks` and `latentmap.maps` build."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.inference.evaluator import unsupported_activations
from latentmap.inference.graph import (
    Node,
    Shape,
    apply,
    dense,
    flatten,
    input_node,
    reshape,
    topological_order,
    weight_order,
)
from latentmap.networks.conv import ConvNetwork, image_shape

if TYPE_CHECKING:
    from latentmap.preprocessing.column_terms import ColumnTerms

MAX_NETWORK_INPUT = 5.0  # `clip_extremes` limits the inputs of a network to this magnitude.
MAX_SCALED = 1e30  # Sums of products of larger numbers can overflow in float32.


@dataclass(frozen=True)
class GraphSpec:
    """Settings that determine the graphs of a fitted model.

    Attributes
    ----------
    row_shape : tuple of int
    n_components : int
    encoder, decoder : LinearNetwork, DenseNetwork or ConvNetwork
    link : {"linear", "sigmoid", "clip", "table"}
        Last activation of the decoder.
    offset, scale : ndarray
        Scaled rows are (rows − offset) / scale.
    terms : ColumnTerms or None
        Columns of a table that has a loss for each column, else None.
    indicator_indices : list of int or None
        Indices of the inputs that have a flag for missing values; None if no value can be missing.
    """

    row_shape: Shape
    n_components: int
    encoder: Any
    decoder: Any
    link: str
    offset: np.ndarray
    scale: np.ndarray
    terms: ColumnTerms | None = None
    indicator_indices: list[int] | None = None

    def scale_rows(self, x: Node) -> Node:
        """Return scaled rows."""
        return scaling(x, self.shape_of(self.offset), self.shape_of(self.scale))

    def shape_of(self, value: np.ndarray) -> Shape:
        """Return the shape of an offset or scale of rows, which is () or that of a row."""
        return self.row_shape if value.ndim else ()

    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """Return offset and scale as numbers or in the shape of a row."""
        offset, scale = self.offset, self.scale
        return offset.reshape(self.shape_of(offset)), scale.reshape(self.shape_of(scale))

    def inputs(self) -> tuple[Node, Node | None]:
        """Return scaled rows without missing values, and flags of these values or None."""
        x = self.scale_rows(input_node(self.row_shape))
        if self.indicator_indices is None:
            return x, None
        flags = None
        if self.indicator_indices:
            shape = (len(self.indicator_indices),)
            settings = {"indices": np.array(self.indicator_indices, np.int64)}
            flags = Node("is_missing", (x,), shape, (), settings)
        return apply("replace_missing", x), flags


@dataclass(frozen=True)
class NetworkGraphs:
    """Graphs of a fitted model.

    Attributes
    ----------
    spec : GraphSpec
    code : Node
        Output of the encoder: codes of raw rows.
    scaled_row : Node
        Output of the decoder: flat scaled rows of codes.
    mass : Node or None
        Share of a map's distribution around its mode for raw rows, shape (n, 1).
    """

    spec: GraphSpec
    code: Node
    scaled_row: Node
    mass: Node | None = None

    def weight_nodes(self) -> list[Node]:
        """Return the nodes with weights in the order of the arrays in a model file."""
        return [*weight_order(self.code), *weight_order(self.scaled_row)]

    def weight_shapes(self) -> list[Shape]:
        """Return the shapes of all weights, and of the offset and the scale of the objective."""
        shapes = [shape for node in self.weight_nodes() for shape in node.weights]
        spec = self.spec
        return [*shapes, spec.shape_of(spec.offset), spec.shape_of(spec.scale)]

    def is_supported(self) -> bool:
        """Return whether NumPy can evaluate the graphs; otherwise the networks need Keras."""
        return not self.unsupported_activations()

    def unsupported_activations(self) -> set[str]:
        """Return the names of the activations that only Keras can compute."""
        return unsupported_activations(self.code) | unsupported_activations(self.scaled_row)

    def find(self, operation: str) -> Node:
        """Return the first node of the encoder with an operation."""
        nodes = topological_order(self.code)
        return next(node for node in nodes if node.operation == operation)


def scaling(x: Node, offset: Shape, scale: Shape, invert: bool = False) -> Node:
    """Return a scaling layer with an offset and a scale of the given shapes."""
    return apply("unscale" if invert else "scale", x, offset, scale)


def autoencoder_graphs(spec: GraphSpec, has_principal: bool) -> NetworkGraphs:
    """Return the graphs of an autoencoder; see `networks.assembly.build_autoencoder`."""
    x, flags = spec.inputs()
    if has_principal:
        code = _principal_encoder(spec, x, flags)
    else:
        code = _encode(spec.encoder, _with_flags(x, flags), spec.n_components)
    z = input_node((spec.n_components,))
    if has_principal:
        output = _principal_decoder(spec, z)
    else:
        output = _decode(spec.decoder, z, spec.row_shape)
    return NetworkGraphs(spec, code, _link(spec, output))


def variational_graphs(spec: GraphSpec) -> NetworkGraphs:
    """Return the graphs of a variational autoencoder, whose code is the mean of its Gaussian."""
    x, flags = spec.inputs()
    output = _encode(spec.encoder, _with_flags(x, flags), spec.n_components, n_heads=2)
    code = _columns(output, 0, spec.n_components)
    decoded = _decode(spec.decoder, input_node((spec.n_components,)), spec.row_shape)
    return NetworkGraphs(spec, code, _link(spec, decoded))


def map_graphs(
    spec: GraphSpec,
    n_landmarks: int,
    n_anchors: int,
    n_input_components: int | None,
    arcsinh_input: bool,
    code_units: tuple[Shape, Shape],
) -> NetworkGraphs:
    """Return the graphs of a map; see `maps.map_networks.build_map`.

    ``code_units`` are the shapes of the offset and of the scale of the codes.
    """
    d = spec.n_components
    x, flags = spec.inputs()
    if n_input_components:
        x = flatten(apply("clip", x, low=-MAX_SCALED, high=MAX_SCALED))
        x = scaling(dense(x, n_input_components), (), ())
    x = apply("activation", x, activation="arcsinh") if arcsinh_input else x
    logits = _encode(spec.encoder, _with_flags(x, flags), n_landmarks)
    landmarks = ((n_landmarks, d), (n_anchors, d), ())
    around_mode = Node("around_mode", (logits,), (d + 1,), landmarks)
    code = scaling(_columns(around_mode, 0, d), *code_units, invert=True)
    z = scaling(input_node((d,)), *code_units)
    assignment = Node("soft_assignment", (z,), (n_landmarks,), ((n_landmarks, d), ()))
    output = _decode(spec.decoder, assignment, spec.row_shape)
    return NetworkGraphs(spec, code, _link(spec, output), _columns(around_mode, d, d + 1))


def _columns(x: Node, start: int, stop: int) -> Node:
    return Node("columns", (x,), (stop - start,), (), {"start": start, "stop": stop})


def _with_flags(x: Node, flags: Node | None) -> Node:
    if flags is None:
        return x
    x = flatten(x)
    return Node("concatenate", (x, flags), (x.width + flags.width,))


def _principal_encoder(spec: GraphSpec, x: Node, flags: Node | None) -> Node:
    x = scaling(x, spec.row_shape, ())
    projection = dense(flatten(x), spec.n_components)
    if spec.link == "table":
        x = apply("clip", x, low=-MAX_NETWORK_INPUT, high=MAX_NETWORK_INPUT)
    if _is_linear(spec.encoder):
        return projection
    correction = _encode(spec.encoder, _with_flags(x, flags), spec.n_components)
    spread = scaling(correction, (), (), invert=True)
    return Node("add", (projection, spread), projection.shape)


def _principal_decoder(spec: GraphSpec, z: Node) -> Node:
    output = dense(z, math.prod(spec.row_shape))
    if spec.link == "table":
        output = apply("table_logits", output, terms=spec.terms)
    elif spec.link == "sigmoid":
        output = apply("logit", output, margin=0.02)
    if _is_linear(spec.decoder):
        return output
    z = scaling(z, (), ())
    if spec.link == "table":
        z = apply("clip", z, low=-MAX_NETWORK_INPUT, high=MAX_NETWORK_INPUT)
    correction = _decode(spec.decoder, z, spec.row_shape)
    if spec.link not in ("table", "sigmoid"):
        correction = scaling(correction, (), (), invert=True)
    return Node("add", (output, correction), output.shape)


def _link(spec: GraphSpec, output: Node) -> Node:
    if spec.link == "table":
        return apply("table_link", output, terms=spec.terms)
    if spec.link == "clip":
        return apply("clip", output, low=0.0, high=1.0)
    return apply("activation", output, activation=spec.link)


def _is_linear(network: Any) -> bool:
    """Return whether a network has no hidden layers, so that principal components replace it."""
    return not isinstance(network, ConvNetwork) and not network.widths(1)


def _encode(network: Any, x: Node, n_components: int, n_heads: int = 1) -> Node:
    """Return the outputs of a network for scaled rows; see `Network.encode`."""
    n_outputs = n_heads * n_components
    if not isinstance(network, ConvNetwork):
        return dense(_hidden_layers(network, flatten(x), network.widths(n_components)), n_outputs)
    x = reshape(x, image_shape(x.shape))
    for filters in network.filters:
        height, width, channels = x.shape
        shape = (-(-height // 2), -(-width // 2), filters)
        weights = ((3, 3, channels, filters), (filters,))
        x = Node("convolution", (x,), shape, weights, {"activation": network.activation})
    return dense(flatten(x), n_outputs)


def _decode(network: Any, z: Node, row_shape: Shape) -> Node:
    """Return the flat outputs of a network for codes; see `Network.decode`."""
    n_features = math.prod(row_shape)
    if not isinstance(network, ConvNetwork):
        return dense(_hidden_layers(network, z, network.widths(z.width)[::-1]), n_features)
    height, width, channels = image_shape(row_shape)
    innermost = network.innermost_shape(row_shape)
    x = reshape(dense(z, math.prod(innermost), network.activation), innermost)
    for filters in network.filters[-2::-1]:
        x = _transposed_convolution(x, filters, network.activation)
    x = _transposed_convolution(x, channels, "linear")
    return flatten(Node("crop", (x,), (height, width, channels)))


def _transposed_convolution(x: Node, filters: int, activation: str) -> Node:
    height, width, channels = x.shape
    weights = ((3, 3, filters, channels), (filters,))
    settings = {"activation": activation}
    return Node("transposed_convolution", (x,), (2 * height, 2 * width, filters), weights, settings)


def _hidden_layers(network: Any, x: Node, widths: Shape) -> Node:
    for width in widths:
        x = dense(x, width, "linear" if network.normalize else network.activation)
        if network.normalize:
            x = apply("normalize", x, *4 * [(width,)])
            x = apply("activation", x, activation=network.activation)
        if network.dropout:
            x = apply("dropout", x)
    return x
