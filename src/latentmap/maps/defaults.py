"""What a map's networks look like, and how long they are trained, by the number of rows."""

import math
from typing import Any

import numpy as np
from sklearn.base import clone

from latentmap.errors import SettingError
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.registry import network_for
from latentmap.training.config import Training

FORTH = DenseNetwork((512, 256, 256), activation="relu", principal=False, normalize=True)
BACK = DenseNetwork((512,), activation="relu", principal=False)
TRAINING = Training(learning_rate=1e-2, patience=None, held_out=0)
SEEN_ROWS, MOST_SEEN_ROWS = 240_000, 3_000_000
"""Few rows are seen so many times in all, each time counted, and many three times, up to this."""


def both_ways(network: Any) -> tuple[Any, Any]:
    """Give the networks of the encoder and of the decoder.

    Examples
    --------
    >>> [network.hidden for network in both_ways("auto")]
    [(512, 256, 256), (512,)]
    """
    if isinstance(network, str) and network in ("auto", "dense"):
        return FORTH, BACK
    found = network_for(network)
    if isinstance(found, tuple):
        raise SettingError("network: a pair of your own models goes with AutoEncoder only")
    return found, found


def layer_sizes(
    forth: Any, back: Any, row_shape: tuple[int, ...], n_landmarks: int, n_seen: int | None = None
) -> list[int]:
    """Count the numbers in each layer's kernel, once each way.

    Examples
    --------
    >>> layer_sizes(DenseNetwork((8,)), DenseNetwork((8,)), (4,), 10)
    [32, 80, 32, 80]
    """
    seen = (n_seen,) if n_seen else row_shape
    ways = [forth.layer_sizes(seen, n_landmarks), back.layer_sizes(row_shape, n_landmarks)]
    projection = [math.prod(row_shape) * n_seen] if n_seen else []
    return projection + [size for sizes in ways for size in sizes[: len(sizes) // 2]]


def training_for(training: Training | None, n_rows: int) -> Training:
    """Decide how so many rows are trained on: 50 steps an epoch, of 32 to 512 rows.

    Examples
    --------
    >>> [training_for(None, n).batch_size for n in (100, 10_000, 60_000)]
    [32, 200, 512]
    """
    plan = clone(TRAINING) if training is None else training
    if not isinstance(plan, Training) or plan.batch_size != "auto":
        return plan
    return clone(plan).set_params(batch_size=int(np.clip(n_rows // 50, 32, 512)))


def epochs_for_map(n_rows: int) -> int:
    """Decide how often to run through so many rows.

    Few make up to 550 steps; 60,000 are seen 4 times, and more 3 times, until 3 million were seen,
    each time counted.

    Examples
    --------
    >>> [epochs_for_map(n) for n in (1_000, 60_000, 1_000_000, 9_000_000)]
    [18, 4, 3, 1]
    """
    steps = max(1, n_rows // training_for(None, n_rows).batch_size_for(n_rows))
    few = math.ceil(np.clip(n_rows, 300, 550) / steps)
    many = math.ceil(max(SEEN_ROWS, min(3 * n_rows, MOST_SEEN_ROWS)) / n_rows)
    return max(min(few, many), min(3, many))
