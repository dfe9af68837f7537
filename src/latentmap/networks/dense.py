"""Networks of dense layers: a linear one, and one with hidden layers."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from numbers import Integral, Real
from random import Random
from typing import TYPE_CHECKING, Protocol

from latentmap.errors import SettingError
from latentmap.inference.activations import ACTIVATIONS

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor


class Network(Protocol):
    """Settings of a network that can build an encoder and a decoder."""

    @property
    def principal(self) -> bool:
        """Whether the network is added to the principal components of the rows."""

    def encode(
        self,
        x: KerasTensor,
        n_components: int,
        rng: Random,
        zero_init: bool = False,
        n_heads: int = 1,
    ) -> KerasTensor | None:
        """Return codes of scaled rows, shape (n, n_heads · n_components).

        With ``zero_init`` the last layer starts at zero: the codes are added to those of PCA.
        The result is then None for a linear network, which cannot add anything to PCA.
        """

    def decode(
        self, z: KerasTensor, row_shape: tuple[int, ...], rng: Random, zero_init: bool
    ) -> KerasTensor | None:
        """Return flat outputs for codes, shape (n, d), or None as in `encode`."""

    def layer_sizes(self, row_shape: tuple[int, ...], n_components: int) -> list[int]:
        """Return the number of kernel weights in each layer of the encoder and the decoder."""


def dense_layer(
    units: int, rng: Random, activation: str | None = None, zero_init: bool = False
) -> keras.Layer:
    """Return a dense layer whose kernel is initialized by `kernel_initializer`."""
    from keras import layers

    from latentmap.networks.initializers import Constant, kernel_initializer

    return layers.Dense(
        units,
        activation,
        kernel_initializer=kernel_initializer(rng, zero_init),
        bias_initializer=Constant(0.0),
    )


def normalization_layer() -> keras.Layer:
    """Return a layer of batch normalisation."""
    from keras import layers

    from latentmap.networks.initializers import Constant

    return layers.BatchNormalization(
        momentum=0.9,
        beta_initializer=Constant(0.0),
        gamma_initializer=Constant(1.0),
        moving_mean_initializer=Constant(0.0),
        moving_variance_initializer=Constant(1.0),
    )


def check_widths(widths: object, name: str) -> None:
    """Raise SettingError unless ``widths`` is a tuple of integers above 0."""
    if (
        not isinstance(widths, tuple | list)
        or not widths
        or not all(isinstance(width, Integral) and int(width) >= 1 for width in widths)
    ):
        raise SettingError(f"{name}: expected a tuple of integers above 0, found {widths!r}")


def check_activation(name: object) -> None:
    """Raise SettingError unless ``name`` is the name of a Keras activation."""
    if not isinstance(name, str) or not (name in ACTIVATIONS or _is_keras_activation(name)):
        raise SettingError(f"activation: expected the name of a Keras activation, found {name!r}")


def _is_keras_activation(name: str) -> bool:
    from latentmap.backend import start_engine

    try:
        return start_engine().activations.get(name) is not None
    except ValueError:
        return False


class _DenseLayers:
    """Encoder and decoder of dense layers; without hidden layers they are linear."""

    def widths(self, n_components: int) -> tuple[int, ...]:
        """Return the widths of the encoder's hidden layers."""
        return ()

    def layer_sizes(self, row_shape: tuple[int, ...], n_components: int) -> list[int]:
        """Return the number of kernel weights in each layer of the encoder and the decoder."""
        widths = (math.prod(row_shape), *self.widths(n_components), n_components)
        return 2 * [n_in * n_out for n_in, n_out in itertools.pairwise(widths)]

    def encode(
        self,
        x: KerasTensor,
        n_components: int,
        rng: Random,
        zero_init: bool = False,
        n_heads: int = 1,
    ) -> KerasTensor | None:
        """Return codes of scaled rows, shape (n, n_heads · n_components); see `Network`."""
        from keras import layers

        widths = self.widths(n_components)
        if zero_init and not widths:
            return None
        x = self._hidden_layers(layers.Flatten()(x), widths, rng)
        return dense_layer(n_heads * n_components, rng, zero_init=zero_init)(x)

    def decode(
        self, z: KerasTensor, row_shape: tuple[int, ...], rng: Random, zero_init: bool
    ) -> KerasTensor | None:
        """Return flat outputs for codes, shape (n, d); see `Network`."""
        widths = self.widths(z.shape[-1])[::-1]
        if zero_init and not widths:
            return None
        z = self._hidden_layers(z, widths, rng)
        return dense_layer(math.prod(row_shape), rng, zero_init=zero_init)(z)

    def _hidden_layers(self, x: KerasTensor, widths: tuple[int, ...], rng: Random) -> KerasTensor:
        return x


@dataclass(frozen=True)
class LinearNetwork(_DenseLayers):
    """One dense layer without activation in the encoder, and one in the decoder.

    Parameters
    ----------
    principal : bool
        Use the principal components of the rows as initial weights. With squared error, the result
        is PCA.
    """

    principal: bool = True


@dataclass(frozen=True)
class DenseNetwork(_DenseLayers):
    """Dense hidden layers in the encoder, and the same layers in reverse order in the decoder.

    Parameters
    ----------
    hidden : tuple of int, or "auto"
        Widths from the row to the code. "auto" is 512 for more than three components, and 512, 256
        and 128 for fewer, because a code of few components needs a deeper network.
    activation : str
        A Keras activation.
    dropout : float
        Share of hidden units dropped during training, from 0 to 1.
    principal : bool
        Add the network, which initially outputs zero, to the principal components of the rows.
    normalize : bool
        Use batch normalisation (S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015).
    """

    hidden: tuple[int, ...] | str = "auto"
    activation: str = "silu"
    dropout: float = 0.0
    principal: bool = True
    normalize: bool = False

    def __post_init__(self) -> None:
        if self.hidden != "auto":
            check_widths(self.hidden, "hidden")
        check_activation(self.activation)
        if not isinstance(self.dropout, Real) or not 0 <= self.dropout < 1:
            raise SettingError(
                f"dropout: expected a number of at least 0 and below 1, found {self.dropout!r}"
            )

    def widths(self, n_components: int) -> tuple[int, ...]:
        """Return the widths of the encoder's hidden layers."""
        if self.hidden == "auto":
            return (512, 256, 128) if n_components <= 3 else (512,)
        return tuple(int(width) for width in self.hidden)

    def _hidden_layers(self, x: KerasTensor, widths: tuple[int, ...], rng: Random) -> KerasTensor:
        from keras import layers

        from latentmap.networks.initializers import draw_seed

        for width in widths:
            x = dense_layer(width, rng, None if self.normalize else self.activation)(x)
            if self.normalize:
                x = normalization_layer()(x)
                x = layers.Activation(self.activation)(x)
            if self.dropout:
                x = layers.Dropout(self.dropout, seed=draw_seed(rng))(x)
        return x
