"""Application of a network to many rows in blocks of one shape, and evaluation of functions.

On an accelerator, blocks are large and several are computed at once, because each call takes a
fixed time in addition to the computation. JAX compiles a program for each operation and shape that
is called outside of a compiled function, so `evaluate` compiles a whole function.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.backend.batch_arrays import (
    BatchArrays,
    first_array,
    index_arrays,
    pad_block,
    send_to_device,
)
from latentmap.backend.engine import (
    full_float32_precision,
    has_accelerator,
    is_engine_running,
    start_engine,
)
from latentmap.backend.variables import to_numpy

if TYPE_CHECKING:
    import jax
    import keras

# The keys of these limits are False for a CPU and True for an accelerator.
BLOCK_NUMBERS = {False: 1 << 21, True: 1 << 25}  # Approximate number of inputs in a block.
BLOCK_ROWS = {False: 1 << 10, True: 1 << 15}  # Maximum number of rows in a block.
MAX_PENDING_BLOCKS = {False: 1, True: 4}  # Maximum number of concurrent blocks.


def predict(model: keras.Model, rows: BatchArrays, block_size: int | None = None) -> np.ndarray:
    """Apply a network to rows, in blocks of one shape.

    The network is compiled once, because all blocks have one shape. The output of a row does not
    depend on the other rows.

    Parameters
    ----------
    model : keras.Model
        A model with one output.
    rows : ndarray of shape (n, ...), or a tuple of them
        One array for each input of the model.
    block_size : int, optional
        Number of rows in a block; a small number saves time for very few rows. The output may
        differ from that of the default block by rounding errors.

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
    return np.concatenate(list(predict_batches(model, [rows], block_size)))


def predict_batches(
    model: keras.Model, batches: Iterable[BatchArrays], block_size: int | None = None
) -> Iterator[np.ndarray]:
    """Apply a network to batches of rows like `predict`, and yield the outputs block by block.

    Examples
    --------
    >>> keras = start_engine()
    >>> double = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(2.0)])
    >>> batches = [np.ones((3, 2)), np.ones((5, 2))]
    >>> [len(outputs) for outputs in predict_batches(double, batches, block_size=4)]
    [3, 4, 1]
    """
    call = _block_function(model)
    pending_blocks: deque[tuple[jax.Array, int]] = deque()
    max_pending_blocks = MAX_PENDING_BLOCKS[has_accelerator()]
    for rows in batches:
        size = block_size or block_rows(first_array(rows).shape[1:])
        for i in range(0, max(len(first_array(rows)), 1), size):
            block_part = index_arrays(rows, slice(i, i + size))
            output = call(send_to_device(pad_block(block_part, size)))
            pending_blocks.append((output, len(first_array(block_part))))
            if len(pending_blocks) >= max_pending_blocks:
                yield _fetch(*pending_blocks.popleft())
    while pending_blocks:
        yield _fetch(*pending_blocks.popleft())


def _fetch(output: jax.Array, n_rows: int) -> np.ndarray:
    return np.asarray(output)[:n_rows]


def block_rows(row_shape: tuple[int, ...]) -> int:
    """Return the number of rows in a block: a power of two from 16 to 1,024.

    On an accelerator, the maximum is 32,768.
    """
    on_accelerator = is_engine_running() and has_accelerator()
    n_rows = max(BLOCK_NUMBERS[on_accelerator] // math.prod(row_shape), 1)
    return min(max(1 << (n_rows.bit_length() - 1), 16), BLOCK_ROWS[on_accelerator])


def _block_function(model: keras.Model) -> Callable[[BatchArrays], jax.Array]:
    """Return a function that applies a model to one block and does not wait for the result.

    The function only reads the weights, so that threads can share a model. Keras's own function on
    JAX also assigns the weights after each call.
    """
    engine = start_engine().backend.backend()
    if engine == "torch":
        return functools.partial(_apply_with_torch, model)
    if engine != "jax":
        return model.predict_on_batch
    if model not in _COMPILED_MODELS:
        _COMPILED_MODELS[model] = _compile(weakref.ref(model))
    call = _COMPILED_MODELS[model]
    trainable = [v.value for v in model.trainable_variables]
    non_trainable = [v.value for v in model.non_trainable_variables]
    return lambda rows: call(trainable, non_trainable, rows)


def _apply_with_torch(model: keras.Model, rows: BatchArrays) -> np.ndarray:
    """Apply a model to one block in PyTorch, without the warnings of ``predict_on_batch``."""
    import torch

    with torch.no_grad():
        return to_numpy(model(rows, training=False))


def _compile(model: Callable[[], keras.Model]) -> Callable[..., jax.Array]:
    """Compile the call of a model, given by a weak reference so that the model can be deleted."""
    import jax

    def call(trainable: list, non_trainable: list, rows: BatchArrays) -> jax.Array:
        with full_float32_precision():
            return model().stateless_call(trainable, non_trainable, rows, training=False)[0]

    return jax.jit(call)


_COMPILED_MODELS: weakref.WeakKeyDictionary[keras.Model, Callable[..., jax.Array]]
_COMPILED_MODELS = weakref.WeakKeyDictionary()


def evaluate(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """Apply a function of `keras.ops` to arrays, on JAX in one compiled program.

    Examples
    --------
    >>> keras = start_engine()
    >>> evaluate(lambda x: keras.ops.mean(x**2), np.array([1.0, 3.0], "float32")).tolist()
    5.0
    """
    keras = start_engine()
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    else:
        arrays = tuple(map(keras.ops.convert_to_tensor, arrays))
    return to_numpy(function(*arrays))


def output_shape(function: Callable[..., Any], *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a function's output for float32 arrays of the given shapes.

    On JAX nothing is computed.

    Examples
    --------
    >>> keras = start_engine()
    >>> output_shape(lambda x: keras.ops.mean(x, axis=-1), (2, 3))
    (2,)
    """
    keras = start_engine()
    if keras.backend.backend() == "jax":
        import jax

        inputs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
        return tuple(jax.eval_shape(function, *inputs).shape)
    return tuple(keras.ops.shape(function(*map(keras.ops.zeros, shapes))))
