"""Builds the networks of a map: an encoder from rows to positions, and a decoder."""

from dataclasses import dataclass
from random import Random

import keras
import numpy as np
from keras import KerasTensor, layers, ops
from numpy.typing import ArrayLike

from latentmap.maps.landmark_layers import MeanAroundMode, SoftAssignment
from latentmap.networks.assembly import (
    Networks,
    NetworkSpec,
    Objective,
    ObjectiveBuilder,
    RowMetrics,
    add_noise,
    build_decoder,
    with_flags,
)
from latentmap.networks.dense import Network
from latentmap.networks.network_graphs import MAX_SCALED
from latentmap.networks.pca import project
from latentmap.networks.scaling_layers import Scaling

MAX_NATS = 160.0  # Upper bound of the reconstruction loss of a row.
DECODED_ROWS = 256  # Number of rows of a batch on which the decoder is trained.


@keras.saving.register_keras_serializable("latentmap")
def arcsinh(rows: KerasTensor) -> KerasTensor:
    """Return arsinh(x), which is x near 0 and logarithmic for large values.

    Examples
    --------
    >>> [round(float(x), 1) for x in arcsinh(ops.array([0.1, -1.0, 1000.0]))]
    [0.1, -0.9, 7.6]
    """
    return ops.arcsinh(rows)


@keras.saving.register_keras_serializable("latentmap")
def clip_to_finite(rows: KerasTensor) -> KerasTensor:
    """Clip numbers to a range in which sums of their products are finite in float32.

    Examples
    --------
    >>> clip_to_finite(ops.array([-2.0, 3e38])).tolist() == [-2.0, np.float32(MAX_SCALED)]
    True
    """
    return ops.clip(rows, -MAX_SCALED, MAX_SCALED)


@dataclass(frozen=True, kw_only=True)
class MapNetworkSpec(NetworkSpec):
    """Settings and arrays that determine the networks of a map.

    Attributes
    ----------
    decoder_network : LinearNetwork, DenseNetwork or ConvNetwork
        The decoder's network; ``network`` is the encoder's.
    centers, anchors : ndarray of shape (K, n_components), (A, n_components)
        Landmarks and anchors, in units in which the layout has mean 0 and mean square 1.
    width, radius : float
        Width of the soft assignment, and radius of the window around the mode.
    code_offset : ndarray of shape (n_components,)
    code_scale : float
        Codes are positions · code_scale + code_offset.
    reconstruction_weight : float
        λ, the weight of the reconstruction loss relative to one nat of the placement loss.
    arcsinh_input : bool
        Whether the encoder's input is the arsinh of the scaled rows.
    principal : PrincipalComponents or None
        Projection of the encoder's input, or None for all columns.
    """

    decoder_network: Network
    centers: np.ndarray
    anchors: np.ndarray
    width: float = 1.0
    radius: float = 1.0
    code_offset: ArrayLike = 0.0
    code_scale: ArrayLike = 1.0
    reconstruction_weight: float = 1.0
    arcsinh_input: bool = False


@dataclass(frozen=True)
class MapNetworks(Networks):
    """Encoder, decoder and three objectives; ``objective`` takes only rows.

    Attributes
    ----------
    fit_objective : Objective
        Takes rows and their layout positions.
    replay_objective : Objective
        Takes rows, their positions, their target distributions over the landmarks, and the target
        rows of the decoder, scaled.
    """

    fit_objective: Objective
    replay_objective: Objective


def build_map(spec: MapNetworkSpec) -> MapNetworks:
    """Build the networks of a map.

    For a row x with layout position z, the loss is
    −Σ_k φ_k(z) log p_k(x) + λ · l / (1 + λ · l / 160) with l = loss(x, decoder(encoder(x))) and p
    the encoder's distribution over the landmarks. The reconstruction of a row contributes at most
    160 nats. The objective computes the reconstruction loss, the mean squared error of the scaled
    row, and the mass of p in the window around its mode. The training objectives compute the loss,
    the squared error and the cross-entropy.

    Examples
    --------
    >>> from latentmap.networks.dense import DenseNetwork
    >>> from latentmap.networks.losses import LOSSES
    >>> one, net = np.ones((), "float32"), DenseNetwork((8,), principal=False)
    >>> corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    >>> spec = MapNetworkSpec((4,), 2, net, LOSSES["gaussian"], 0 * one, one, decoder_network=net,
    ...                  centers=corners, anchors=corners)
    >>> networks = build_map(spec)
    >>> networks.encoder.output_shape, networks.decoder.output_shape
    ((None, 2), (None, 4))
    """
    rng = spec.rng
    rows = keras.Input(spec.row_shape, name="rows")
    x = _encoder_input(spec, rows, rng)
    logits = spec.network.encode(x, len(spec.centers), rng)
    landmark_logits = keras.Model(rows, logits, name="landmark_logits")
    to_code_units = Scaling(spec.code_offset, spec.code_scale, invert=True, name="code_units")
    mean_around_mode = MeanAroundMode(spec.centers, spec.anchors, spec.radius, name="around_mode")
    assign = SoftAssignment(spec.centers, spec.width, name="softened")
    to_landmark_units = Scaling(spec.code_offset, spec.code_scale, name="code_plane")
    encoder = keras.Model(
        rows, to_code_units(mean_around_mode(landmark_logits(rows))[0]), name="encoder"
    )

    code = keras.Input((spec.n_components,), name="code")
    output = spec.decoder_network.decode(
        assign(to_landmark_units(code)), spec.row_shape, rng, zero_init=False
    )
    head = keras.Model(code, output, name="head")
    scaling = spec.scaling()
    # The weight is an array, so that the compiled program does not depend on its value.
    scale_loss = Scaling(0.0, spec.reconstruction_weight, invert=True, name="loss_weight")

    def reconstruct(
        target: KerasTensor,
        logits: KerasTensor,
        training: bool,
        window_centers: KerasTensor | None = None,
    ) -> list[KerasTensor]:
        position, mass = mean_around_mode(logits, window_centers)
        output = ops.cast(head(to_code_units(position), training=training), "float32")
        row = keras.activations.get(spec.loss.link)(output)
        return [spec.loss.distance(target, output), spec.loss.error(target, row), mass]

    def flatten_scaled(rows: KerasTensor) -> KerasTensor:
        return layers.Flatten()(scaling(rows))

    def evaluate(rows: KerasTensor, training: bool) -> list[KerasTensor]:
        return reconstruct(flatten_scaled(rows), landmark_logits(rows, training=training), training)

    def fit_layout(inputs: tuple, training: bool) -> list[KerasTensor]:
        rows, positions = inputs[0], to_landmark_units(inputs[1])
        return fit_targets((rows, positions, assign(positions), flatten_scaled(rows)), training)

    def fit_replay(inputs: tuple, training: bool) -> list[KerasTensor]:
        rows, codes, assignments, targets = inputs
        return fit_targets((rows, to_landmark_units(codes), assignments, targets), training)

    def fit_targets(inputs: tuple, training: bool) -> list[KerasTensor]:
        rows, positions, assignments, targets = inputs
        logits = ops.cast(landmark_logits(rows, training=training), "float32")
        assignment_loss = ops.categorical_crossentropy(assignments, logits, from_logits=True)
        step = max(1, rows.shape[0] // DECODED_ROWS) if training and rows.shape[0] else 1
        loss, error, _ = (
            ops.repeat(metric, step)[: rows.shape[0]]
            for metric in reconstruct(targets[::step], logits[::step], training, positions[::step])
        )
        nats = ops.minimum(scale_loss(loss), 1e9)  # Larger values would give ∞ / ∞ in float32.
        return [assignment_loss + nats / (1.0 + nats / MAX_NATS), error, assignment_loss]

    def objective(row_metrics: RowMetrics, name: str, *models: keras.Layer) -> Objective:
        builder = ObjectiveBuilder(build_map, spec, name=name)
        return Objective(row_metrics, builder, encoder, head, scaling, *models)

    return MapNetworks(
        encoder,
        build_decoder(spec, head),
        objective(evaluate, "objective"),
        objective(fit_layout, "fit_objective", scale_loss),
        objective(fit_replay, "replay_objective", scale_loss),
    )


def _encoder_input(spec: MapNetworkSpec, rows: KerasTensor, rng: Random) -> KerasTensor:
    """Return the input of the encoder's network for raw rows."""
    x, flags = spec.inputs(rows)
    if spec.principal is not None:
        x = layers.Activation(clip_to_finite, name="clip_to_finite")(x)
        x = project(x, spec.principal)
    x = add_noise(spec, x, rng)
    if spec.principal is not None:
        x = Scaling(0.0, spec.principal.code_spread, name="code_spread")(x)
    x = layers.Activation(arcsinh, name="arcsinh")(x) if spec.arcsinh_input else x
    return with_flags(x, flags)
