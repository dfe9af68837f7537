"""A network applied to many rows, in blocks of one shape.

On an accelerator blocks are large and several are under way at once, since each call and each wait
for its answer costs the same, however few the rows.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from latentmap.backend.batch_arrays import Rows, at, block_of, first, sent
from latentmap.backend.engine import accelerator, full_precision, start

__all__ = ["apply", "block_rows", "stream"]

BLOCK_NUMBERS = {False: 1 << 21, True: 1 << 25}
"""About how many input numbers a network is applied to in one call; on an accelerator."""
BLOCK_ROWS = {False: 1 << 10, True: 1 << 15}
"""The most rows in a block; on an accelerator."""
UNDER_WAY = {False: 1, True: 4}
"""Blocks sent before the first one's answer is fetched; on an accelerator."""


def apply(model: Any, rows: Rows, block: int | None = None) -> np.ndarray:
    """Run a network over rows, in blocks that all have one shape.

    One shape means one compilation, and that what comes out for a row never depends on the rows
    beside it.

    Parameters
    ----------
    model : keras.Model
        With one output.
    rows : ndarray of shape (n, ...), or a tuple of them
        As many as the model has inputs.
    block : int, optional
        Rows in a block, where so few are asked for at a time that a whole one would be waste. What
        comes out then equals what comes without to within rounding, not to the last bit.

    Returns
    -------
    ndarray of shape (n, ...)
        What the model gives, float32.

    Examples
    --------
    >>> keras = start()
    >>> double = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(2.0)])
    >>> apply(double, np.ones((3, 2), "uint8"))
    array([[2., 2.], [2., 2.], [2., 2.]], dtype=float32)
    """
    return np.concatenate(list(stream(model, [rows], block)))


def stream(model: Any, batches: Iterable[Rows], block: int | None = None) -> Iterator[np.ndarray]:
    """Do the same as `apply` for rows that come in batches.

    Parameters
    ----------
    model : keras.Model
    batches : iterable of ndarray of shape (n, ...), or of tuples of them
    block : int, optional

    Yields
    ------
    ndarray of shape (rows of a block, ...)
        In the order of the rows. On an accelerator the next blocks are already on their way.

    Examples
    --------
    >>> keras = start()
    >>> double = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(2.0)])
    >>> [len(part) for part in stream(double, [np.ones((3, 2)), np.ones((5, 2))], block=4)]
    [3, 4, 1]
    """
    call, waiting = _outputs(model), deque[tuple[Any, int]]()
    most = UNDER_WAY[accelerator()]
    for rows in batches:
        size = block or block_rows(first(rows).shape[1:])
        for i in range(0, max(len(first(rows)), 1), size):
            part = at(rows, slice(i, i + size))
            waiting.append((call(sent(block_of(part, size))), len(first(part))))
            if len(waiting) >= most:
                yield _fetched(*waiting.popleft())
    while waiting:
        yield _fetched(*waiting.popleft())


def _fetched(output: Any, count: int) -> np.ndarray:
    return np.asarray(output)[:count]


def block_rows(row_shape: tuple[int, ...]) -> int:
    """Tell how many rows of a shape make one block: a power of two.

    From 16 to 1,024; to 32,768 on an accelerator.
    """
    fast = accelerator()
    fitting = max(BLOCK_NUMBERS[fast] // int(np.prod(row_shape)), 1)
    return int(np.clip(1 << (fitting.bit_length() - 1), 16, BLOCK_ROWS[fast]))


def _outputs(model: Any) -> Callable[[Rows], Any]:
    """Give what runs a model on one block, without waiting for what comes out.

    Keras's own way on JAX hands the weights over to each call and takes them back afterwards, so
    that two threads cannot share a model; this one only reads them.
    """
    if start().backend.backend() != "jax":
        return model.predict_on_batch
    if model not in _COMPILED:
        _COMPILED[model] = _compiled(weakref.ref(model))
    call = _COMPILED[model]
    trainable = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    return lambda rows: call(trainable, others, rows)


def _compiled(model: Callable[[], Any]) -> Callable[..., Any]:
    """Compile a model's call; the reference is weak, so that the model can be forgotten."""
    import jax

    def call(trainable: list, others: list, rows: Any) -> Any:
        with full_precision():
            return model().stateless_call(trainable, others, rows, training=False)[0]

    return jax.jit(call)


_COMPILED: weakref.WeakKeyDictionary[Any, Callable[..., Any]] = weakref.WeakKeyDictionary()
