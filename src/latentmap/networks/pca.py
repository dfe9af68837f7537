"""Encoders and decoders that add the output of a network to PCA.

The encoder is the projection to the components plus a network whose last layer starts at zero. The
decoder is the inverse projection plus another such network. Before the first training step the
model therefore equals PCA. If the decoder ends in a sigmoid, the PCA reconstruction is converted to
logits (`Logit`), so that the reconstruction is nearly that of PCA.
"""

from random import Random
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from latentmap.networks.dense import Network
from latentmap.networks.initializers import Constant
from latentmap.networks.losses import Loss
from latentmap.networks.network_graphs import MAX_NETWORK_INPUT
from latentmap.networks.scaling_layers import Scaling
from latentmap.preprocessing.pca_projection import PrincipalComponents


@keras.saving.register_keras_serializable("latentmap")
class Logit(layers.Layer):
    """Compute log(q / (1 − q)), the inverse of a sigmoid, for q clipped to [margin, 1 − margin].

    Most numbers of an image are 0 or 1, and PCA reconstructs them with a small error. A margin much
    smaller than this error would convert it to large logits, which the network would have to
    correct.

    Examples
    --------
    >>> [round(float(number), 3) for number in Logit()(np.array([0.5, 7.0], "float32"))]
    [0.0, 3.892]
    """

    def __init__(self, margin: float = 0.02, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Convert numbers to logits of the same shape."""
        q = ops.clip(inputs, self.margin, 1.0 - self.margin)
        return ops.log(q) - ops.log1p(-q)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable("latentmap")
def clip_extremes(x: KerasTensor) -> KerasTensor:
    """Clip scaled numbers to −5 to 5, so that a network does not extrapolate beyond.

    Examples
    --------
    >>> clip_extremes(np.array([-7.0, 1.5], "float32")).tolist()
    [-5.0, 1.5]
    """
    return ops.clip(x, -MAX_NETWORK_INPUT, MAX_NETWORK_INPUT)


def _dense(weights: np.ndarray, bias: np.ndarray, name: str, trainable: bool = True) -> keras.Layer:
    return layers.Dense(
        weights.shape[1],
        kernel_initializer=Constant(weights),
        bias_initializer=Constant(bias),
        trainable=trainable,
        name=name,
    )


def project(x: KerasTensor, principal: PrincipalComponents) -> KerasTensor:
    """Project scaled rows to principal components with a layer that is not trained.

    (x − mean) · componentsᵀ, shape (n, n_components).

    Examples
    --------
    >>> axis = PrincipalComponents(np.array([1.0, 0.0]), np.array([[0.0, 1.0]]))
    >>> project(np.array([[5.0, 2.0]], "float32"), axis).tolist()
    [[2.0]]
    """
    weights = principal.components.T
    bias = -principal.mean @ weights
    return _dense(weights, bias, "components", trainable=False)(layers.Flatten()(x))


def principal_encoder(
    x: KerasTensor,
    principal: PrincipalComponents,
    network: Network,
    rng: Random,
    flags: KerasTensor | None = None,
    clip: bool = False,
) -> KerasTensor:
    """Encode scaled rows by PCA plus a network with an initial output of zero.

    (x − mean) · componentsᵀ + f((x − mean) / row_spread) · code_spread, shape (n, n_components).
    Flags of missing values, shape (n, n_flags), are further inputs of f. With ``clip``, the inputs
    of f are between −5 and 5.
    """
    mean = principal.mean.reshape(x.shape[1:])
    x = Scaling(mean, principal.row_spread, name="centred")(x)
    weights = principal.encoder_components.T * principal.row_spread
    projection = _dense(weights, np.zeros(weights.shape[1]), "components")(layers.Flatten()(x))
    if clip:
        x = layers.Activation(clip_extremes, name="clip_extremes")(x)
    x = x if flags is None else layers.Concatenate()([layers.Flatten()(x), flags])
    correction = network.encode(x, len(principal.components), rng, zero_init=True)
    if correction is None:
        return projection
    spread = Scaling(0.0, principal.code_spread, invert=True, name="code_spread")
    return layers.Add()([projection, spread(correction)])


def principal_decoder(
    z: KerasTensor,
    principal: PrincipalComponents,
    network: Network,
    row_shape: tuple[int, ...],
    loss: Loss,
    rng: Random,
) -> KerasTensor:
    """Decode codes by the inverse of PCA plus a network with an initial output of zero.

    The output has shape (n, d). It is logit(mean + z · components) + g(z / code_spread) if the link
    is "sigmoid", and mean + z · components + g(z / code_spread) · row_spread otherwise. A loss with
    its own function ``logits`` uses that function in place of logit.
    """
    output = _dense(principal.decoder_components, principal.mean, "components")(z)
    z = Scaling(0.0, principal.code_spread, name="code_spread")(z)
    if loss.logits is not None:
        z = layers.Activation(clip_extremes, name="clip_extremes")(z)
    correction = network.decode(z, row_shape, rng, zero_init=True)
    if loss.logits is not None:
        output = layers.Activation(loss.logits, name="logits")(output)
    elif loss.link == "sigmoid":
        output = Logit(name="logit")(output)
    if correction is None:
        return output
    if loss.link != "sigmoid" and loss.logits is None:
        scale = Scaling(0.0, principal.row_spread, invert=True, name="row_spread")
        correction = scale(correction)
    return layers.Add()([output, correction])
