"""Application of a network to many rows, in blocks of one shape.

On an accelerator, blocks are large and several are computed at once, because each call has a fixed
cost.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from latentmap.backend.batch_arrays import (
    BatchArrays,
    first_array,
    index_arrays,
    padded_block,
    send_to_device,
)
from latentmap.backend.engine import full_float32_precision, has_accelerator, start_engine

if TYPE_CHECKING:
    import jax
    import keras

__all__ = ["block_rows", "predict", "predict_batches"]

# The keys say whether there is an accelerator.
BLOCK_NUMBERS = {False: 1 << 21, True: 1 << 25}  # approximate number of inputs in a block
BLOCK_ROWS = {False: 1 << 10, True: 1 << 15}  # greatest number of rows in a block
MAX_PENDING_BLOCKS = {False: 1, True: 4}  # number of blocks computed at once


def predict(model: keras.Model, rows: BatchArrays, block: int | None = None) -> np.ndarray:
    """Apply a network to rows, in blocks of one shape.

    With one shape there is one compilation, and the output of a row does not depend on the other
    rows.

    Parameters
    ----------
    model : keras.Model
        With one output.
    rows : ndarray of shape (n, ...), or a tuple of them
        One array for each input of the model.
    block : int, optional
        Rows in a block, for very few rows. The output then equals that of the usual block up to
        rounding.

    Returns
    -------
    ndarray of shape (n, ...)
        Output of the model, float32.

    Examples
    --------
    >>> keras = start_engine()
    >>> double = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(2.0)])
    >>> predict(double, np.ones((3, 2), "uint8"))
    array([[2., 2.], [2., 2.], [2., 2.]], dtype=float32)
    """
    return np.concatenate(list(predict_batches(model, [rows], block)))


def predict_batches(
    model: keras.Model, batches: Iterable[BatchArrays], block: int | None = None
) -> Iterator[np.ndarray]:
    """Apply a network to batches of rows like `predict`, and yield the outputs block by block.

    Examples
    --------
    >>> keras = start_engine()
    >>> double = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(2.0)])
    >>> [len(part) for part in predict_batches(double, [np.ones((3, 2)), np.ones((5, 2))], block=4)]
    [3, 4, 1]
    """
    call = _block_function(model)
    waiting: deque[tuple[jax.Array, int]] = deque()
    max_pending = MAX_PENDING_BLOCKS[has_accelerator()]
    for rows in batches:
        size = block or block_rows(first_array(rows).shape[1:])
        for i in range(0, max(len(first_array(rows)), 1), size):
            part = index_arrays(rows, slice(i, i + size))
            waiting.append((call(send_to_device(padded_block(part, size))), len(first_array(part))))
            if len(waiting) >= max_pending:
                yield _fetched(*waiting.popleft())
    while waiting:
        yield _fetched(*waiting.popleft())


def _fetched(output: jax.Array, count: int) -> np.ndarray:
    return np.asarray(output)[:count]


def block_rows(row_shape: tuple[int, ...]) -> int:
    """Return the number of rows in a block: a power of two from 16 to 1,024.

    On an accelerator the greatest number is 32,768.
    """
    fast = has_accelerator()
    fitting = max(BLOCK_NUMBERS[fast] // int(np.prod(row_shape)), 1)
    return int(np.clip(1 << (fitting.bit_length() - 1), 16, BLOCK_ROWS[fast]))


def _block_function(model: keras.Model) -> Callable[[BatchArrays], jax.Array]:
    """Return a function that applies a model to one block and does not wait for the result.

    Keras's own function on JAX passes the weights to each call and assigns them afterwards, so two
    threads cannot share a model. This function only reads the weights.
    """
    if start_engine().backend.backend() != "jax":
        return model.predict_on_batch
    if model not in _COMPILED:
        _COMPILED[model] = _compiled(weakref.ref(model))
    call = _COMPILED[model]
    trainable = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    return lambda rows: call(trainable, others, rows)


def _compiled(model: Callable[[], keras.Model]) -> Callable[..., jax.Array]:
    """Compile a model's call; the reference is weak, so that the model can be freed."""
    import jax

    def call(trainable: list, others: list, rows: BatchArrays) -> jax.Array:
        with full_float32_precision():
            return model().stateless_call(trainable, others, rows, training=False)[0]

    return jax.jit(call)


_COMPILED: weakref.WeakKeyDictionary[keras.Model, Callable[..., jax.Array]]
_COMPILED = weakref.WeakKeyDictionary()
