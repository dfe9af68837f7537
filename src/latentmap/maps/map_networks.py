"""The networks of a map: from a row to a spot by way of landmarks, and from a spot to a row."""

from dataclasses import dataclass
from random import Random
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from latentmap.maps.landmark_layers import AroundMode, Softened
from latentmap.networks.assembly import Networks, Objective, Parts, Remade, decoder_of, noisy
from latentmap.networks.losses import squared_error
from latentmap.networks.pca import projection
from latentmap.networks.precision import float32
from latentmap.networks.scaling_layers import Scaling

MOST_NATS = 160.0
DECODED_ROWS = 256
"""Rows of a batch, evenly taken, that the way back is trained on: more cost time and add little."""
FARTHEST = 1e30
"""Scaled numbers beyond are cut: sums of their products would not be finite in float32."""


@keras.saving.register_keras_serializable("latentmap")
def squashed(rows: Any) -> Any:
    """Give arsinh(x): x itself near 0, and its logarithm far out.

    Examples
    --------
    >>> [round(float(x), 1) for x in squashed(ops.array([0.1, -1.0, 1000.0]))]
    [0.1, -0.9, 7.6]
    """
    return ops.arcsinh(rows)


@keras.saving.register_keras_serializable("latentmap")
def within_reach(rows: Any) -> Any:
    """Cut numbers so far out that sums of their products are not finite in float32.

    Examples
    --------
    >>> within_reach(ops.array([-2.0, 3e38])).tolist() == [-2.0, np.float32(FARTHEST)]
    True
    """
    return ops.clip(rows, -FARTHEST, FARTHEST)


@dataclass(frozen=True, kw_only=True)
class MapParts(Parts):
    """What the networks of a map are made of, beside the parts of every pair.

    Attributes
    ----------
    back : LinearNetwork, DenseNetwork or ConvNetwork
        The decoder's network; ``network`` is the encoder's.
    centers, anchors : ndarray of shape (K, n_components), (A, n_components)
        Of `AroundMode`, in a plane where the layout has mean 0 and deviation 1.
    width, radius : float
        Of `Softened` and of `AroundMode`.
    code_offset : ndarray of shape (n_components,)
    code_scale : float
        Codes are spots · code_scale + code_offset.
    reconstruction : float
        λ: how much a unit of reconstruction loss weighs against a nat of misplacement.
    squash : bool
        The encoder sees arsinh of the scaled rows, so that numbers far out stay in reach.
    principal : PrincipalComponents or None
        The encoder sees the rows' coordinates on these components; None for all of each row.
    """

    back: Any
    centers: np.ndarray
    anchors: np.ndarray
    width: float = 1.0
    radius: float = 1.0
    code_offset: Any = 0.0
    code_scale: Any = 1.0
    reconstruction: float = 1.0
    squash: bool = False


@dataclass(frozen=True)
class MapNetworks(Networks):
    """The fitted pair, what judges rows alone, and what is trained.

    Attributes
    ----------
    training : Objective
        Of pairs: rows, and their places.
    growing : Objective
        Of lessons: rows, their places, their distributions over the landmarks, and the scaled rows
        that they are to be decoded to.
    """

    training: Any
    growing: Any


def assemble_map(parts: MapParts) -> MapNetworks:
    """Build the networks of a map.

    Training minimises, for a row x whose layout position is z,
    −Σ_k φ_k(z) log p_k(x) + λ · l / (1 + λ · l / 160) with l = loss(x, decoder(encoder(x))), where
    p is the encoder's distribution over the landmarks; so no row's reconstruction counts for more
    than 160 nats, however far out it lies. Figures of the objective: reconstruction loss; mean
    squared error of the scaled row; mass of p in the window around its mode. Figures of the
    training objective: the loss; the squared error; the cross-entropy.

    Parameters
    ----------
    parts : MapParts

    Returns
    -------
    MapNetworks

    Examples
    --------
    >>> from latentmap.networks.dense import DenseNetwork
    >>> from latentmap.networks.losses import LOSSES
    >>> one, net = np.ones((), "float32"), DenseNetwork((8,), principal=False)
    >>> corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    >>> networks = assemble_map(MapParts((4,), 2, net, LOSSES["gaussian"], 0 * one, one, back=net,
    ...     centers=corners, anchors=corners))
    >>> networks.encoder.output_shape, networks.decoder.output_shape
    ((None, 2), (None, 4))
    """
    rng = parts.rng
    rows = keras.Input(parts.row_shape, name="rows")
    x = _seen(parts, parts.scaling(name="scaling")(rows), rng)
    logits = parts.network.encode(x, len(parts.centers), rng)
    places = keras.Model(rows, logits, name="places")
    units = Scaling(parts.code_offset, parts.code_scale, invert=True, name="code_units")
    around = AroundMode(parts.centers, parts.anchors, parts.radius, name="around_mode")
    soft = Softened(parts.centers, parts.width, name="softened")
    plane = Scaling(parts.code_offset, parts.code_scale, name="code_plane")
    encoder = keras.Model(rows, units(around(places(rows))[0]), name="encoder")

    code = keras.Input((parts.n_components,), name="code")
    output = parts.back.decode(soft(plane(code)), parts.row_shape, rng, zero=False)
    head = keras.Model(code, output, name="head")
    scaling = parts.scaling()
    # An array, not a number, so that what is compiled for one data set does for the next.
    weighed = Scaling(0.0, parts.reconstruction, invert=True, name="weighed")

    def judged(target: Any, logits: Any, training: bool, middles: Any = None) -> list:
        spot, mass = around(logits, middles)
        output = float32(head(units(spot), training=training))
        row = keras.activations.get(parts.loss.link)(output)
        return [parts.loss.distance(target, output), squared_error(target, row), mass]

    def figures(rows: Any, training: bool) -> list:
        return judged(flat(rows), places(rows, training=training), training)

    def flat(rows: Any) -> Any:
        return layers.Flatten()(scaling(rows))

    def misplaced(pair: Any, training: bool) -> list:
        rows, spots = pair[0], plane(pair[1])
        return taught((rows, spots, soft(spots), flat(rows)), training)

    def forgotten(lesson: Any, training: bool) -> list:
        rows, codes, shares, wanted = lesson
        return taught((rows, plane(codes), shares, wanted), training)

    def taught(lesson: Any, training: bool) -> list:
        rows, spots, shares, wanted = lesson
        logits = float32(places(rows, training=training))
        apart = ops.categorical_crossentropy(shares, logits, from_logits=True)
        each = max(1, rows.shape[0] // DECODED_ROWS) if training and rows.shape[0] else 1
        loss, error, _ = (
            ops.repeat(figure, each)[: rows.shape[0]]
            for figure in judged(wanted[::each], logits[::each], training, spots[::each])
        )
        wrong = ops.minimum(weighed(loss), 1e9)  # beyond float32, ∞ / ∞
        return [apart + wrong / (1.0 + wrong / MOST_NATS), error, apart]

    models = (encoder, head, scaling)
    return MapNetworks(
        encoder,
        decoder_of(parts, head),
        Objective(figures, Remade(assemble_map, parts), *models),
        Objective(misplaced, Remade(assemble_map, parts, name="training"), *models, weighed),
        Objective(forgotten, Remade(assemble_map, parts, name="growing"), *models, weighed),
    )


def _seen(parts: MapParts, x: Any, rng: Random) -> Any:
    """Give what the encoder's network sees of scaled rows."""
    if parts.principal is not None:
        x = layers.Activation(within_reach, name="within_reach")(x)
        x = projection(x, parts.principal)
    x = noisy(parts, x, rng)
    if parts.principal is not None:
        x = Scaling(0.0, parts.principal.code_spread, name="code_spread")(x)
    return layers.Activation(squashed, name="squash")(x) if parts.squash else x
