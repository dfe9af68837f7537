"""The models of an autoencoder: encoder, decoder, and the objective that is trained.

The encoder takes raw rows, and the decoder returns rows in their original units; both are Keras
models that contain the scaling. The objective shares their layers and computes metrics of each raw
row, the first of which is the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from latentmap.backend import copy_value
from latentmap.errors import SettingError
from latentmap.networks.bottlenecks import GaussianSample, kl_divergence
from latentmap.networks.initializers import draw_seed
from latentmap.networks.losses import Loss
from latentmap.networks.pca import principal_decoder, principal_encoder
from latentmap.networks.scaling_layers import Scaling
from latentmap.networks.table_loss import MissingIndicator, ReplaceMissing
from latentmap.preprocessing.pca_projection import PrincipalComponents

RowMetrics = Callable[[KerasTensor, bool], list[KerasTensor]]


@dataclass(frozen=True)
class NetworkSpec:
    """Settings and arrays that determine the networks of an autoencoder.

    Attributes
    ----------
    row_shape : tuple of int
    n_components : int
    network : LinearNetwork, DenseNetwork, ConvNetwork, or a pair of keras.Model
        Training changes a copy of the pair.
    loss : Loss
    offset, scale : ndarray of shape () or (d,)
        Scaled rows are (rows − offset) / scale.
    principal : PrincipalComponents or None
        Components that determine the initial weights; None for random weights.
    noise : float
        Standard deviation of the noise added to scaled rows during training.
    seed : int
    indicator_indices : list of int or None
        Indices of the inputs for which the encoder receives a flag of missing values; None if no
        value can be missing.
    beta : float
        Weight of the divergence; for a variational autoencoder only.
    """

    row_shape: tuple[int, ...]
    n_components: int
    network: Any
    loss: Loss
    offset: np.ndarray
    scale: np.ndarray
    principal: PrincipalComponents | None = None
    noise: float = 0.0
    seed: int = 0
    indicator_indices: list[int] | None = None
    beta: float = 1.0

    @property
    def rng(self) -> Random:
        """A new random generator with the seed."""
        return Random(self.seed)

    def scaling(self, name: str | None = None, invert: bool = False) -> Scaling:
        """Return the layer that converts raw rows to scaled rows, or the inverse layer."""
        offset, scale = (
            value.reshape(self.row_shape) if value.ndim else value
            for value in (self.offset, self.scale)
        )
        return Scaling(offset, scale, invert, name=name)

    def inputs(self, rows: KerasTensor) -> tuple[KerasTensor, KerasTensor | None]:
        """Return scaled rows without missing values, and flags of these values or None."""
        x = self.scaling(name="scaling")(rows)
        if self.indicator_indices is None:
            return x, None
        flags = None
        if self.indicator_indices:
            flags = MissingIndicator(self.indicator_indices, name="is_missing")(x)
        return ReplaceMissing(name="filled")(x), flags


@dataclass(frozen=True)
class Networks:
    """Encoder and decoder, and the objective that trains them."""

    encoder: keras.Model
    decoder: keras.Model
    objective: Objective


@dataclass(frozen=True)
class ObjectiveBuilder:
    """Builds an objective with its initial weights in another process.

    ``build(spec)`` returns the networks, and ``name`` is the attribute that holds the objective.
    """

    build: Callable[..., Networks]
    spec: NetworkSpec
    name: str = "objective"

    def __call__(self) -> Objective:
        """Build the objective."""
        return getattr(self.build(self.spec), self.name)


class Objective(keras.Model):
    """Model that computes metrics of each raw row, the first of which is the loss.

    ``builder`` builds the objective in other processes.
    """

    builder: ObjectiveBuilder

    def __init__(
        self, row_metrics: RowMetrics, builder: ObjectiveBuilder, *models: keras.Layer
    ) -> None:
        super().__init__(name="objective")
        self.builder = builder
        self.models = list(models)  # Keras finds the weights of layers that are attributes.
        self.row_metrics = row_metrics
        self.built = True

    def call(self, inputs: KerasTensor, training: bool = False) -> KerasTensor:
        """Compute the metrics of each row, shape (n, n_metrics)."""
        return ops.stack(self.row_metrics(inputs, training), axis=-1)

    def compute_loss(
        self, x: KerasTensor, y: KerasTensor, y_pred: KerasTensor, *args: object, **kwargs: object
    ) -> KerasTensor:
        """Return the mean of the first metric, plus the losses of the layers."""
        return ops.mean(y_pred[:, 0]) + sum(self.losses)


def build_autoencoder(spec: NetworkSpec) -> Networks:
    """Build the networks of an autoencoder.

    The objective computes the loss and the mean squared error of each scaled row.

    Examples
    --------
    >>> from latentmap.networks.dense import LinearNetwork
    >>> from latentmap.networks.losses import LOSSES
    >>> unit = np.ones((), "float32")
    >>> network = LinearNetwork(principal=False)
    >>> spec = NetworkSpec((4,), 2, network, LOSSES["gaussian"], 0 * unit, unit)
    >>> networks = build_autoencoder(spec)
    >>> networks.encoder.output_shape, networks.decoder.output_shape
    ((None, 2), (None, 4))
    """
    rng = spec.rng
    encoder = _build_encoder(spec, rng)
    head = _build_head(spec, rng)
    scaling = spec.scaling(name="scaling")

    def row_metrics(rows: KerasTensor, training: bool) -> list[KerasTensor]:
        target = layers.Flatten()(scaling(rows))
        output = ops.cast(head(encoder(rows, training=training), training=training), "float32")
        row = keras.activations.get(spec.loss.link)(output)
        return [spec.loss.distance(target, output), spec.loss.error(target, row)]

    objective = Objective(
        row_metrics, ObjectiveBuilder(build_autoencoder, spec), encoder, head, scaling
    )
    return Networks(encoder, build_decoder(spec, head), objective)


def build_variational(spec: NetworkSpec) -> Networks:
    """Build the networks of a variational autoencoder, which do not use principal components.

    The encoder returns the mean of each row's Gaussian. The objective computes the loss, which is
    reconstruction + β · divergence, the mean squared error of the row decoded from the mean, the
    reconstruction term and the divergence. All except the squared error are sums in nats.
    """
    rng = spec.rng
    rows_in = keras.Input(spec.row_shape, name="rows")
    x, flags = spec.inputs(rows_in)
    x = with_flags(add_noise(spec, x, rng), flags)
    output = spec.network.encode(x, spec.n_components, rng, n_heads=2)
    mean, log_variance = output[:, : spec.n_components], output[:, spec.n_components :]
    posterior = keras.Model(rows_in, [mean, log_variance], name="posterior")
    encoder = keras.Model(rows_in, mean, name="encoder")
    head = _build_head(spec, rng)
    sample = GaussianSample(draw_seed(rng))
    scaling, n_features = spec.scaling(), math.prod(spec.row_shape)

    def row_metrics(rows: KerasTensor, training: bool) -> list[KerasTensor]:
        target = layers.Flatten()(scaling(rows))
        mean, log_variance = (
            ops.cast(output, "float32") for output in posterior(rows, training=training)
        )
        code = sample([mean, log_variance], training=training)
        output = ops.cast(head(code, training=training), "float32")
        row = keras.activations.get(spec.loss.link)(ops.cast(head(mean), "float32"))
        nats = n_features * spec.loss.distance(target, output)
        divergence = kl_divergence(mean, log_variance)
        return [nats + spec.beta * divergence, spec.loss.error(target, row), nats, divergence]

    builder = ObjectiveBuilder(build_variational, spec)
    objective = Objective(row_metrics, builder, posterior, head, sample, scaling)
    return Networks(encoder, build_decoder(spec, head), objective)


def _build_encoder(spec: NetworkSpec, rng: Random) -> keras.Model:
    rows = keras.Input(spec.row_shape, name="rows")
    x, flags = spec.inputs(rows)
    x = add_noise(spec, x, rng)
    if isinstance(spec.network, tuple):
        code = _copy(spec.network[0])(x)
    elif spec.principal is None:
        code = spec.network.encode(with_flags(x, flags), spec.n_components, rng, zero_init=False)
    else:
        clip = spec.loss.logits is not None
        code = principal_encoder(x, spec.principal, spec.network, rng, flags, clip)
    return keras.Model(rows, code, name="encoder")


def with_flags(x: KerasTensor, flags: KerasTensor | None) -> KerasTensor:
    """Append flags of missing values, if there are any, to flat inputs."""
    return x if flags is None else layers.Concatenate()([x, flags])


def add_noise(spec: NetworkSpec, x: KerasTensor, rng: Random) -> KerasTensor:
    """Add noise to scaled rows during training."""
    if not spec.noise:
        return x
    return layers.GaussianNoise(spec.noise, seed=draw_seed(rng))(x)


def _build_head(spec: NetworkSpec, rng: Random) -> keras.Model:
    """Return the decoder without its last activation and with a flat output."""
    code = keras.Input((spec.n_components,), name="code")
    if isinstance(spec.network, tuple):
        output = layers.Flatten()(_copy(spec.network[1])(code))
    elif spec.principal is None:
        output = spec.network.decode(code, spec.row_shape, rng, zero_init=False)
    else:
        output = principal_decoder(
            code, spec.principal, spec.network, spec.row_shape, spec.loss, rng
        )
    return keras.Model(code, output, name="head")


def build_decoder(spec: NetworkSpec, head: keras.Model) -> keras.Model:
    """Return the decoder: the head, the last activation, and the shape and units of a row."""
    code = keras.Input((spec.n_components,), name="code")
    rows = layers.Activation(spec.loss.link)(head(code))
    rows = layers.Reshape(spec.row_shape)(rows)
    return keras.Model(code, spec.scaling(invert=True, name="units")(rows), name="decoder")


def _copy(model: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(model)
    for variable, original in zip(copy.weights, model.weights, strict=True):
        variable.assign(copy_value(original))
    return copy


def check_pair(pair: tuple, row_shape: tuple[int, ...], n_components: int) -> None:
    """Raise SettingError if a pair of Keras models does not fit the rows or the code."""
    (encoder_input, encoder_output), (decoder_input, decoder_output) = (
        _shapes(model) for model in pair
    )
    flat = decoder_output if None in decoder_output else (math.prod(decoder_output),)
    shapes = {
        "encoder's input": (encoder_input, row_shape),
        "encoder's output": (encoder_output, (n_components,)),
        "decoder's input": (decoder_input, (n_components,)),
        "decoder's output": (flat, (math.prod(row_shape),)),
    }
    for name, (actual, expected) in shapes.items():
        if actual != expected:
            raise SettingError(f"network: expected shape {expected} for the {name}, found {actual}")


def _shapes(model: keras.Model) -> tuple[tuple, tuple]:
    """Return the shapes of the input and the output of a model, without the batch axis."""
    try:
        (_, *input_shape), (_, *output_shape) = model.input_shape, model.output_shape
    except (AttributeError, ValueError, TypeError):
        input_shape = [()]
    if not all(size is None or isinstance(size, int) for size in input_shape):
        raise SettingError(
            "network: expected functional or sequential models with one input of known shape and "
            f"one output, found the {type(model).__name__} {model.name!r}"
        )
    return tuple(input_shape), tuple(output_shape)
