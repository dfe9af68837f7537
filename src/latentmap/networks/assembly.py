"""From parts to the models that users hold and the one that is trained.

`encoder` takes raw rows to codes and `decoder` takes codes to rows in their own units: plain Keras
models, with the scaling inside. `objective` shares their layers and gives, for each raw row, the
figures that fitting looks at; its first column is what training minimises.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from latentmap.errors import SettingError
from latentmap.networks.bottlenecks import GaussianSample, kl_divergence
from latentmap.networks.dense import draw_seed
from latentmap.networks.losses import Loss, squared_error
from latentmap.networks.pca import principal_decoder, principal_encoder
from latentmap.networks.precision import float32
from latentmap.networks.scaling_layers import Scaling
from latentmap.preprocessing.pca_projection import PrincipalComponents

__all__ = [
    "Networks",
    "Objective",
    "Parts",
    "Remade",
    "assemble",
    "assemble_variational",
    "check_pair",
    "decoder_of",
    "noisy",
]


@dataclass(frozen=True)
class Parts:
    """What a pair of networks is made of.

    Attributes
    ----------
    row_shape : tuple of int
    n_components : int
    network : LinearNetwork, DenseNetwork, ConvNetwork, or a pair of keras.Model
        The pair is copied, with its weights, and never trained itself.
    loss : Loss
    offset, scale : ndarray of shape () or (d,)
        Scaled rows are (rows − offset) / scale.
    principal : PrincipalComponents or None
        The path that makes the start PCA; None for a random start.
    noise : float
        Standard deviation of the noise added to scaled rows while training.
    seed : int
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

    @property
    def rng(self) -> Random:
        """A fresh generator of this seed."""
        return Random(self.seed)

    def scaling(self, **kwargs: Any) -> Scaling:
        """Give the layer between raw and scaled rows."""
        offset, scale = (
            value.reshape(self.row_shape) if value.ndim else value
            for value in (self.offset, self.scale)
        )
        return Scaling(offset, scale, **kwargs)


@dataclass(frozen=True)
class Networks:
    """The fitted pair, and the model that training sees."""

    encoder: Any
    decoder: Any
    objective: Any


@dataclass(frozen=True)
class Remade:
    """How an objective is made once more, elsewhere, with the weights that it had when it was new.

    Attributes
    ----------
    assemble : callable
    parts : Parts
    settings : tuple
        What ``assemble`` takes beside the parts.
    name : str
        Of the objective among the networks.
    """

    assemble: Callable[..., Networks]
    parts: Parts
    settings: tuple = ()
    name: str = "objective"

    def __call__(self) -> Objective:
        """Make it."""
        return getattr(self.assemble(self.parts, *self.settings), self.name)


class Objective(keras.Model):
    """A model from raw rows to figures, one row of figures a row; the first column is the loss.

    ``remade`` makes it once more, for processes that train together.
    """

    remade: Remade

    def __init__(self, figures: Callable[[Any, bool], list], remade: Remade, *models: Any) -> None:
        super().__init__(name="objective")
        self.remade = remade
        self.models = list(models)  # Keras finds the weights to train here
        self.figures = figures
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Give the figures, shape (n, number of figures)."""
        return ops.stack(self.figures(inputs, training), axis=-1)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Average the first figure over the batch, and add what layers ask for."""
        return ops.mean(y_pred[:, 0]) + sum(self.losses)


def assemble(parts: Parts) -> Networks:
    """Build the networks of an autoencoder.

    Figures of the objective: the loss; the mean squared error of the scaled row.

    Parameters
    ----------
    parts : Parts

    Returns
    -------
    Networks

    Examples
    --------
    >>> from latentmap.networks.dense import LinearNetwork
    >>> from latentmap.networks.losses import LOSSES
    >>> one = np.ones((), "float32")
    >>> parts = Parts((4,), 2, LinearNetwork(principal=False), LOSSES["gaussian"], 0 * one, one)
    >>> networks = assemble(parts)
    >>> networks.encoder.output_shape, networks.decoder.output_shape
    ((None, 2), (None, 4))
    """
    rng = parts.rng
    encoder = _encoder(parts, rng)
    head = _head(parts, rng)
    scaling = parts.scaling(name="scaling")

    def figures(rows: Any, training: bool) -> list:
        target = layers.Flatten()(scaling(rows))
        output = float32(head(encoder(rows, training=training), training=training))
        row = keras.activations.get(parts.loss.link)(output)
        return [parts.loss.distance(target, output), squared_error(target, row)]

    objective = Objective(figures, Remade(assemble, parts), encoder, head, scaling)
    return Networks(encoder, decoder_of(parts, head), objective)


def assemble_variational(parts: Parts, beta: float) -> Networks:
    """Build the networks of a variational autoencoder.

    The encoder gives the mean of each row's Gaussian. Figures of the objective, sums in nats: the
    loss, which is reconstruction + β · divergence; the squared error of the mean's reconstruction;
    reconstruction; divergence.

    Parameters
    ----------
    parts : Parts
        Its principal path is not used.
    beta : float

    Returns
    -------
    Networks
    """
    rng = parts.rng
    rows_in = keras.Input(parts.row_shape, name="rows")
    scaled = parts.scaling(name="scaling")(rows_in)
    mean, log_variance = _posterior(parts, noisy(parts, scaled, rng), rng)
    posterior = keras.Model(rows_in, [mean, log_variance], name="posterior")
    encoder = keras.Model(rows_in, mean, name="encoder")
    head = _head(parts, rng)
    sample = GaussianSample(draw_seed(rng))
    scaling, n_features = parts.scaling(), int(np.prod(parts.row_shape))

    def figures(rows: Any, training: bool) -> list:
        target = layers.Flatten()(scaling(rows))
        mean, log_variance = map(float32, posterior(rows, training=training))
        output = float32(head(sample([mean, log_variance], training=training), training=training))
        row = keras.activations.get(parts.loss.link)(float32(head(mean)))
        nats = n_features * parts.loss.distance(target, output)
        divergence = kl_divergence(mean, log_variance)
        return [nats + beta * divergence, squared_error(target, row), nats, divergence]

    remade = Remade(assemble_variational, parts, (beta,))
    objective = Objective(figures, remade, posterior, head, sample, scaling)
    return Networks(encoder, decoder_of(parts, head), objective)


def _posterior(parts: Parts, x: Any, rng: Random) -> list:
    """Give mean and log-variance, as two views of one encoder twice as wide."""
    both = parts.network.encode(x, parts.n_components, rng, heads=2)
    return [both[:, : parts.n_components], both[:, parts.n_components :]]


def _encoder(parts: Parts, rng: Random) -> Any:
    rows = keras.Input(parts.row_shape, name="rows")
    x = noisy(parts, parts.scaling(name="scaling")(rows), rng)
    if isinstance(parts.network, tuple):
        code = _copy(parts.network[0])(x)
    elif parts.principal is None:
        code = parts.network.encode(x, parts.n_components, rng, zero=False)
    else:
        code = principal_encoder(x, parts.principal, parts.network, rng)
    return keras.Model(rows, code, name="encoder")


def noisy(parts: Parts, x: Any, rng: Random) -> Any:
    """Add the noise that training wants to scaled rows."""
    if not parts.noise:
        return x
    return layers.GaussianNoise(parts.noise, seed=draw_seed(rng))(x)


def _head(parts: Parts, rng: Random) -> Any:
    """Build the decoder up to the function that ends it, flat."""
    code = keras.Input((parts.n_components,), name="code")
    if isinstance(parts.network, tuple):
        output = layers.Flatten()(_copy(parts.network[1])(code))
    elif parts.principal is None:
        output = parts.network.decode(code, parts.row_shape, rng, zero=False)
    else:
        output = principal_decoder(
            code, parts.principal, parts.network, parts.row_shape, parts.loss.link, rng
        )
    return keras.Model(code, output, name="head")


def decoder_of(parts: Parts, head: Any) -> Any:
    """Put the end on the head: its function, the row's shape, the row's units."""
    code = keras.Input((parts.n_components,), name="code")
    rows = layers.Activation(parts.loss.link)(head(code))
    rows = layers.Reshape(parts.row_shape)(rows)
    return keras.Model(code, parts.scaling(invert=True, name="units")(rows), name="decoder")


def _copy(model: Any) -> Any:
    copy = keras.models.clone_model(model)
    for ours, theirs in zip(copy.weights, model.weights, strict=True):
        ours.assign(np.array(ops.convert_to_numpy(theirs.value)))  # JAX's loop eats its buffers
    return copy


def check_pair(pair: tuple, row_shape: tuple[int, ...], n_components: int) -> None:
    """Refuse a pair of Keras models that does not fit the rows or the code.

    Raises
    ------
    SettingError
        Naming the model, the shape expected and the shape found.
    """
    (rows_in, code_out), (code_in, rows_out) = (_shapes(model) for model in pair)
    flat = rows_out if None in rows_out else (math.prod(rows_out),)
    wanted = {
        "encoder's input": (rows_in, row_shape),
        "encoder's output": (code_out, (n_components,)),
        "decoder's input": (code_in, (n_components,)),
        "decoder's output": (flat, (math.prod(row_shape),)),
    }
    for name, (found, expected) in wanted.items():
        if found != expected:
            raise SettingError(f"network: expected shape {expected} for the {name}, found {found}")


def _shapes(model: Any) -> tuple[tuple, tuple]:
    """Give the shapes of a model's one input and one output, without the batch."""
    try:
        (_, *into), (_, *out) = model.input_shape, model.output_shape
    except (AttributeError, ValueError, TypeError):
        into = [()]
    if not all(size is None or isinstance(size, int) for size in into):
        raise SettingError(
            "network: expected functional or sequential models of one input, of known shape, and "
            f"one output, found {model.name!r}, a {type(model).__name__} that is not one"
        )
    return tuple(into), tuple(out)
