"""The principal components as a path through the network, beside the path that learns.

The encoder is the projection onto the components plus a network that starts at zero, the decoder
the way back plus another: before the first step the whole is PCA. Where the rows are in 0–1 and the
decoder ends in a sigmoid, what PCA gives is turned into the logits that the sigmoid turns back
(`Logit`), so that the start is PCA there too.
"""

from __future__ import annotations

from random import Random
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from latentmap.networks.scaling_layers import Scaling
from latentmap.preprocessing.pca_projection import PrincipalComponents

__all__ = ["Logit", "principal_decoder", "principal_encoder", "projection"]


@keras.saving.register_keras_serializable("latentmap")
class Logit(layers.Layer):
    """log(q / (1 − q)) of q kept ``margin`` away from 0 and 1: the inverse of the sigmoid.

    The margin is wide on purpose: most numbers of an image are 0 or 1, PCA gives a little more or
    less, and a narrow margin would turn that little into large logits for the network to undo.

    Examples
    --------
    >>> [round(float(number), 3) for number in Logit()(np.array([0.5, 7.0], "float32"))]
    [0.0, 3.892]
    """

    def __init__(self, margin: float = 0.02, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, inputs: Any) -> Any:
        """Turn shares into logits, shape for shape."""
        q = ops.clip(inputs, self.margin, 1.0 - self.margin)
        return ops.log(q) - ops.log1p(-q)

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal layer."""
        return {**super().get_config(), "margin": self.margin}


def _dense(weights: np.ndarray, bias: np.ndarray, name: str, trainable: bool = True) -> Any:
    return layers.Dense(
        weights.shape[1],
        kernel_initializer=_given(weights),
        bias_initializer=_given(bias),
        trainable=trainable,
        name=name,
    )


def _given(values: np.ndarray) -> Any:
    return lambda shape, dtype=None: ops.convert_to_tensor(np.asarray(values, "float32"), dtype)


def projection(x: Any, principal: PrincipalComponents) -> Any:
    """Project scaled rows onto the components, once and for all: nothing here is trained.

    Parameters
    ----------
    x : tensor of shape (n, ...)
        Scaled rows.
    principal : PrincipalComponents

    Returns
    -------
    tensor of shape (n, n_components)
        (x − mean) · componentsᵀ.

    Examples
    --------
    >>> axis = PrincipalComponents(np.array([1.0, 0.0]), np.array([[0.0, 1.0]]))
    >>> projection(np.array([[5.0, 2.0]], "float32"), axis).tolist()
    [[2.0]]
    """
    weights = principal.components.T
    bias = -principal.mean @ weights
    return _dense(weights, bias, "components", trainable=False)(layers.Flatten()(x))


def principal_encoder(x: Any, principal: PrincipalComponents, network: Any, rng: Random) -> Any:
    """Project scaled rows onto the components, and add what ``network`` finds.

    Parameters
    ----------
    x : tensor of shape (n, ...)
        Scaled rows.
    principal : PrincipalComponents
    network : LinearNetwork, DenseNetwork or ConvNetwork
    rng : random.Random
        For the network's first weights.

    Returns
    -------
    tensor of shape (n, n_components)
        (x − mean) · componentsᵀ + f((x − mean) / row_spread) · code_spread, with f zero at first.
    """
    mean = principal.mean.reshape(x.shape[1:])
    x = Scaling(mean, principal.row_spread, name="centred")(x)
    weights = principal.components.T * principal.row_spread
    path = _dense(weights, np.zeros(weights.shape[1]), "components")(layers.Flatten()(x))
    found = network.encode(x, len(principal.components), rng, zero=True)
    if found is None:
        return path
    spread = Scaling(0.0, principal.code_spread, invert=True, name="code_spread")
    return layers.Add()([path, spread(found)])


def principal_decoder(
    z: Any,
    principal: PrincipalComponents,
    network: Any,
    row_shape: tuple[int, ...],
    link: Any,
    rng: Random,
) -> Any:
    """Go back from codes through the components, and add what ``network`` finds.

    Returns
    -------
    tensor of shape (n, d)
        mean + z · components, as logits where ``link`` is "sigmoid", plus g(z / code_spread),
        times row_spread where it is not, with g zero at first.
    """
    path = _dense(principal.components, principal.mean, "components")(z)
    z = Scaling(0.0, principal.code_spread, name="code_spread")(z)
    found = network.decode(z, row_shape, rng, zero=True)
    if link == "sigmoid":
        path = Logit(name="logit")(path)
    if found is None:
        return path
    if link != "sigmoid":
        found = Scaling(0.0, principal.row_spread, invert=True, name="row_spread")(found)
    return layers.Add()([path, found])
