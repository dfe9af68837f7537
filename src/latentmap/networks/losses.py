"""Reconstruction losses for each row.

A loss has two parts: its link, which is the last activation of the decoder, and its distance
between the scaled row and the decoder's output before this activation. Distances are means over the
numbers of a row, as in Keras.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import keras
import numpy as np
from keras import KerasTensor, ops
from numpy.typing import ArrayLike

from latentmap.backend import evaluate, output_shape
from latentmap.errors import SettingError, UnknownNameError


def squared_error(rows: KerasTensor, outputs: KerasTensor) -> KerasTensor:
    """Return the mean squared error of each row, shape (n,).

    Examples
    --------
    >>> float(squared_error(ops.array([[1.0, 3.0]]), ops.array([[1.0, 1.0]]))[0])
    2.0
    """
    return ops.mean(ops.square(rows - outputs), axis=-1)


class Loss(NamedTuple):
    """A reconstruction loss.

    Attributes
    ----------
    link : str or callable
        Activation from the decoder's output to a scaled row.
    distance : callable
        Function of (rows, outputs), both of shape (n, d), that returns shape (n,).
    error : callable
        Function of (rows, reconstructions) that returns the squared error of each row, shape (n,).
    logits : callable or None
        Inverse of the link, for reconstructions of PCA; None if the link changes no number in 0–1.
    """

    link: str | Callable[[KerasTensor], KerasTensor]
    distance: Callable[[KerasTensor, KerasTensor], KerasTensor]
    error: Callable[[KerasTensor, KerasTensor], KerasTensor] = squared_error
    logits: Callable[[KerasTensor], KerasTensor] | None = None


LossLike: TypeAlias = str | Callable[[KerasTensor, KerasTensor], KerasTensor]


def bernoulli(rows: KerasTensor, logits: KerasTensor) -> KerasTensor:
    """Return the binary cross-entropy between rows in 0–1 and logits, in nats per number.

    −mean(x·log σ(y) + (1 − x)·log(1 − σ(y))), in a form that does not overflow.

    Examples
    --------
    >>> loss = bernoulli(ops.array([[1.0, 0.0]]), ops.array([[0.0, 0.0]]))
    >>> round(float(loss[0]), 4)
    0.6931
    """
    return ops.mean(ops.softplus(logits) - rows * logits, axis=-1)


def gaussian(rows: KerasTensor, outputs: KerasTensor) -> KerasTensor:
    """Return half the squared error, the negative log-likelihood of a Gaussian of unit variance.

    Examples
    --------
    >>> float(gaussian(ops.array([[1.0, 3.0]]), ops.array([[1.0, 1.0]]))[0])
    1.0
    """
    return 0.5 * squared_error(rows, outputs)


@keras.saving.register_keras_serializable("latentmap")
def clip(outputs: KerasTensor) -> KerasTensor:
    """Clip outputs to 0–1, which does not increase the distance to a row in 0–1.

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


def get_loss(loss: object) -> Loss:
    """Return the `Loss` that an argument describes; raise SettingError if it describes none.

    Parameters
    ----------
    loss : str or callable
        "bernoulli", "gaussian", "bounded", the name of a Keras loss such as "mse", a
        ``keras.losses.Loss``, or a function of (rows, outputs), both of shape (n, d), that returns
        shape (n,). Losses of Keras and functions have no last activation.

    Examples
    --------
    >>> get_loss("bernoulli").link, get_loss("binary_crossentropy").link
    ('sigmoid', 'linear')
    """
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    if not isinstance(loss, str) and not callable(loss):
        raise SettingError(f"loss: expected a name or a function, found {loss!r}")
    try:
        keras_loss = keras.losses.get(loss)
    except ValueError:
        known_names = [*LOSSES, "mse", "mae", "binary_crossentropy", "huber", "log_cosh"]
        raise UnknownNameError("loss", loss, known_names) from None
    is_loss_object = isinstance(keras_loss, keras.losses.Loss)
    return Loss("linear", keras_loss.call if is_loss_object else keras_loss)


def constant_loss(loss: Loss, rows: ArrayLike) -> float:
    """Return the median loss of a decoder that always outputs the mean row, or 1 if that is 0.

    Examples
    --------
    >>> constant_loss(LOSSES["gaussian"], [[1.0], [3.0]])
    0.5
    """
    rows = np.asarray(rows, np.float32)
    median = float(np.median(evaluate(partial(_constant_losses, loss), rows)))
    return median if median > 1e-12 and math.isfinite(median) else 1.0


def _constant_losses(loss: Loss, rows: KerasTensor) -> KerasTensor:
    output = ops.mean(rows, axis=0)
    if loss.link == "sigmoid":
        mean = ops.clip(output, 1e-6, 1.0 - 1e-6)
        output = ops.log(mean) - ops.log1p(-mean)
    return loss.distance(rows, ops.broadcast_to(output, ops.shape(rows)))


def check_loss(loss: Loss, n_features: int) -> None:
    """Raise SettingError if a loss does not return one number for each row.

    Examples
    --------
    >>> check_loss(Loss("linear", lambda rows, outputs: rows - outputs), 3)
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: loss: expected one number per row, shape (2,) for 2 rows, found
    shape (2, 3)
    """
    try:
        shape = output_shape(loss.distance, (2, n_features), (2, n_features))
    except Exception as error:
        raise SettingError(f"loss: expected a function of (rows, outputs), but {error}") from error
    if shape != (2,):
        raise SettingError(
            f"loss: expected one number per row, shape (2,) for 2 rows, found shape {shape}"
        )
