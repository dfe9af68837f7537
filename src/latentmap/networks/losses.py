"""How far an output is from its row, one number a row, by kind of data.

A loss says two things: the function that ends the decoder, and the distance of what comes before
that function from the scaled row. Distances are means over the row's numbers, as in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from latentmap.errors import SettingError, UnknownNameError

__all__ = [
    "LOSSES",
    "Loss",
    "bernoulli",
    "check_loss",
    "clip",
    "constant_loss",
    "gaussian",
    "loss_for",
    "squared_error",
]


class Loss(NamedTuple):
    """A decoder's end, and the distance measured before it."""

    link: str | Callable[[Any], Any]
    """The activation that turns the network's output into a scaled row."""
    distance: Callable[[Any, Any], Any]
    """From (rows, outputs), both of shape (n, d), to shape (n,)."""


def bernoulli(rows: Any, logits: Any) -> Any:
    """Binary cross-entropy of rows in 0–1 against logits, in nats a number.

    −mean(x·log σ(y) + (1 − x)·log(1 − σ(y))), in the form that does not overflow.

    Parameters
    ----------
    rows : tensor of shape (n, d)
        Numbers from 0 to 1.
    logits : tensor of shape (n, d)

    Returns
    -------
    tensor of shape (n,)

    Examples
    --------
    >>> loss = bernoulli(ops.array([[1.0, 0.0]]), ops.array([[0.0, 0.0]]))
    >>> round(float(loss[0]), 4)
    0.6931
    """
    return ops.mean(ops.softplus(logits) - rows * logits, axis=-1)


def squared_error(rows: Any, outputs: Any) -> Any:
    """Mean squared error of each row, shape (n,).

    Examples
    --------
    >>> float(squared_error(ops.array([[1.0, 3.0]]), ops.array([[1.0, 1.0]]))[0])
    2.0
    """
    return ops.mean(ops.square(rows - outputs), axis=-1)


def gaussian(rows: Any, outputs: Any) -> Any:
    """Squared error as a Gaussian's negative log-likelihood of unit variance: half of it.

    Examples
    --------
    >>> float(gaussian(ops.array([[1.0, 3.0]]), ops.array([[1.0, 1.0]]))[0])
    1.0
    """
    return 0.5 * squared_error(rows, outputs)


@keras.saving.register_keras_serializable("latentmap")
def clip(outputs: Any) -> Any:
    """Bring outputs into 0–1, where the rows are: it never takes one farther from its row.

    Examples
    --------
    >>> [float(number) for number in clip(ops.array([-1.0, 0.25, 3.0]))]
    [0.0, 0.25, 1.0]
    """
    return ops.clip(outputs, 0.0, 1.0)


LOSSES = {
    "bernoulli": Loss("sigmoid", bernoulli),
    "gaussian": Loss("linear", gaussian),
    "bounded": Loss(clip, gaussian),
}


def loss_for(loss: Any) -> Loss:
    """Look a loss up: one of ours, or any of Keras's on the decoder's raw output.

    Parameters
    ----------
    loss : str or callable
        ``"bernoulli"``, ``"gaussian"``, ``"bounded"``, the name of a Keras loss (``"mse"``,
        ``"binary_crossentropy"``), a ``keras.losses.Loss``, or a function of (rows, outputs), both
        of shape (n, d), that gives shape (n,).

    Raises
    ------
    UnknownNameError
        If nothing has that name.

    Examples
    --------
    >>> loss_for("bernoulli").link, loss_for("binary_crossentropy").link
    ('sigmoid', 'linear')
    """
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    if not isinstance(loss, str) and not callable(loss):
        raise SettingError(f"loss: expected a name or a function, found {loss!r}")
    try:
        found = keras.losses.get(loss)
    except ValueError:
        known = [*LOSSES, "mse", "mae", "binary_crossentropy", "huber", "log_cosh"]
        raise UnknownNameError("loss", loss, known) from None
    return Loss("linear", found.call if isinstance(found, keras.losses.Loss) else found)


def constant_loss(loss: Loss, rows: Any) -> float:
    """Give the middle distance of rows from their mean.

    Parameters
    ----------
    loss : Loss
    rows : array of shape (n, d)
        Scaled.

    Returns
    -------
    float
        What the middle row costs a decoder that knows nothing; 1 where that is nothing.

    Examples
    --------
    >>> constant_loss(LOSSES["gaussian"], [[1.0], [3.0]])
    0.5
    """
    rows = ops.convert_to_tensor(rows, "float32")
    mean = ops.clip(ops.mean(rows, axis=0), 1e-6, 1.0 - 1e-6) if loss.link == "sigmoid" else None
    output = ops.mean(rows, axis=0) if mean is None else ops.log(mean) - ops.log1p(-mean)
    found = float(ops.median(loss.distance(rows, ops.broadcast_to(output, ops.shape(rows)))))
    return found if found > 1e-12 and math.isfinite(found) else 1.0


def check_loss(loss: Loss, n_features: int) -> None:
    """Refuse a loss that does not give one number a row.

    Raises
    ------
    SettingError
        Telling the shape found.

    Examples
    --------
    >>> check_loss(Loss("linear", lambda rows, outputs: rows - outputs), 3)
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: loss: expected one number a row, shape (2,) for 2 rows, found
    shape (2, 3)
    """
    rows = ops.zeros((2, n_features))
    try:
        shape = tuple(ops.shape(loss.distance(rows, rows)))
    except Exception as error:
        raise SettingError(f"loss: expected a function of (rows, outputs), but {error}") from error
    if shape != (2,):
        raise SettingError(
            f"loss: expected one number a row, shape (2,) for 2 rows, found shape {shape}"
        )
