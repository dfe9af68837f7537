"""Default networks and training settings of a map."""

import math

import numpy as np
from sklearn.base import clone

from latentmap.errors import SettingError
from latentmap.networks.dense import DenseNetwork, Network
from latentmap.networks.registry import get_network
from latentmap.training.config import Training

ENCODER_NETWORK = DenseNetwork((512, 256, 256), activation="relu", principal=False, normalize=True)
DECODER_NETWORK = DenseNetwork((512,), activation="relu", principal=False)
TRAINING = Training(learning_rate=1e-2, patience=None, held_out=0)
MANY_ROWS = 20_000
MIN_ROW_PASSES, MAX_ROW_PASSES = 240_000, 3_000_000


def get_networks(network: object) -> tuple[Network, Network]:
    """Return the networks of the encoder and of the decoder.

    Examples
    --------
    >>> [network.hidden for network in get_networks("auto")]
    [(512, 256, 256), (512,)]
    """
    if isinstance(network, str) and network in ("auto", "dense"):
        return ENCODER_NETWORK, DECODER_NETWORK
    settings = get_network(network)
    if isinstance(settings, tuple):
        raise SettingError(
            "network: expected a name or settings, found a pair of Keras models, which only "
            "AutoEncoder accepts"
        )
    return settings, settings


def layer_sizes(
    encoder: Network,
    decoder: Network,
    row_shape: tuple[int, ...],
    n_landmarks: int,
    n_input_components: int | None = None,
) -> list[int]:
    """Return the number of kernel weights in each layer of the encoder and the decoder.

    ``n_input_components`` is the number of principal components that the encoder receives, if any.

    Examples
    --------
    >>> layer_sizes(DenseNetwork((8,)), DenseNetwork((8,)), (4,), 10)
    [32, 80, 32, 80]
    """
    input_shape = (n_input_components,) if n_input_components else row_shape
    pairs = [
        encoder.layer_sizes(input_shape, n_landmarks),
        decoder.layer_sizes(row_shape, n_landmarks),
    ]
    projection = [math.prod(row_shape) * n_input_components] if n_input_components else []
    # Each network setting describes an encoder and a decoder; a map uses one half of each.
    return projection + [size for sizes in pairs for size in sizes[: len(sizes) // 2]]


def training_settings(training: Training | None, n_rows: int) -> Training:
    """Return training settings in which an "auto" batch is a fiftieth of the rows, 32 to 512.

    Examples
    --------
    >>> [training_settings(None, n).batch_size for n in (100, 10_000, 60_000)]
    [32, 200, 512]
    """
    settings = clone(TRAINING) if training is None else training
    if not isinstance(settings, Training) or settings.batch_size != "auto":
        return settings
    return clone(settings).set_params(batch_size=int(np.clip(n_rows // 50, 32, 512)))


def default_epochs(n_rows: int, stores_rows: bool = False) -> int:
    """Return the default number of epochs.

    It is 4 for 60,000 rows and 3 for more rows, unless these are more than 3 million row passes.
    Fewer rows have more epochs, for about 300 to 550 training steps. A map that stores many rows
    needs half as many, because the networks do not have to learn the fine structure.

    Examples
    --------
    >>> [default_epochs(n) for n in (1_000, 60_000, 1_000_000, 9_000_000)]
    [18, 4, 3, 1]
    >>> [default_epochs(n, stores_rows=True) for n in (1_000, 60_000, 1_000_000)]
    [18, 2, 2]
    """
    steps = max(1, n_rows // training_settings(None, n_rows).batch_size_for(n_rows))
    epochs_by_steps = math.ceil(np.clip(n_rows, 300, 550) / steps)
    row_passes = max(MIN_ROW_PASSES, min(3 * n_rows, MAX_ROW_PASSES))
    epochs_by_rows = math.ceil(row_passes / n_rows)
    epochs = max(min(epochs_by_steps, epochs_by_rows), min(3, epochs_by_rows))
    return math.ceil(epochs / 2) if stores_rows and n_rows > MANY_ROWS else epochs
