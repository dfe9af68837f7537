"""The one place that knows which engine runs Keras.

Everything else speaks `keras.ops` and Keras layers. Here stand the choice of the engine (JAX,
unless the user chose another), JAX's cache of compiled programs, and the two loops that must be
fast: many training steps in one call, and a network applied to many rows. JAX runs all the steps of
a chunk inside one compiled loop; the other engines take Keras's own step, one at a time. On an
accelerator blocks are large and several are under way at once, since each call and each wait for
its answer costs the same, however few the rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

__all__ = [
    "Rows",
    "Steps",
    "accelerator",
    "apply",
    "block_rows",
    "each",
    "join",
    "many_steps",
    "narrow",
    "start",
    "stream",
    "variables_of",
]

Rows = np.ndarray | tuple[np.ndarray, ...]
"""Rows, or rows with something beside each: what a model of several inputs takes."""
Made = TypeVar("Made")

BLOCK_NUMBERS = {False: 1 << 21, True: 1 << 25}
"""About how many input numbers a network is applied to in one call; on an accelerator."""
BLOCK_ROWS = {False: 1 << 10, True: 1 << 15}
"""The most rows in a block; on an accelerator."""
UNDER_WAY = {False: 1, True: 4}
"""Blocks sent before the first one's answer is fetched; on an accelerator."""


def start() -> Any:
    """Import Keras on its engine, once, and return the module.

    JAX is the engine unless the environment variable ``KERAS_BACKEND`` or Keras's own settings file
    names another, or Keras is running already.

    Returns
    -------
    module
        ``keras``.

    Examples
    --------
    >>> start().backend.backend() in ("jax", "torch", "tensorflow")
    True
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", _chosen_engine())
    import keras

    if keras.backend.backend() == "jax":
        _keep_compiled_programs()
    return keras


def _chosen_engine() -> str:
    """Read the engine from Keras's settings; "tensorflow" there is what Keras writes by itself."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        engine = json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "jax"
    return engine if engine in ("torch", "openvino") else "jax"


def _keep_compiled_programs() -> None:
    """Let JAX find, in later runs, what it compiled in earlier ones."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        place = cache / "latentmap" / f"jax-{_processor()}"
        jax.config.update("jax_compilation_cache_dir", str(place))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)


def _processor() -> str:
    """Name this kind of processor: a program compiled for one may not run on another."""
    about = platform.machine() + platform.processor()
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
        about += next(line for line in cpuinfo.splitlines() if line.startswith(("flags", "Feat")))
    except (OSError, StopIteration):
        pass
    return hashlib.sha256(about.encode()).hexdigest()[:12]


def accelerator() -> bool:
    """Tell whether JAX computes on a device with a memory of its own, such as an NVIDIA GPU."""
    if start().backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() != "cpu"


def _full_precision() -> AbstractContextManager:
    """Keep float32 products whole: an NVIDIA GPU otherwise rounds their factors to ten bits.

    Distances to landmarks that lie close together would not survive that. Whoever has set JAX's
    own ``jax_default_matmul_precision`` gets what was asked for.
    """
    import jax

    if jax.config.jax_default_matmul_precision is not None:
        return nullcontext()
    return jax.default_matmul_precision("float32")


def join(coordinator: str, processes: int, number: int) -> None:
    """Make this process one of several that train one model, before any network is built.

    Weights are then the same everywhere, and each process gives its part of every batch; what is
    computed is what one process would compute for the whole batch.

    Parameters
    ----------
    coordinator : str
        ``"host:port"`` of process 0, the same for all.
    processes, number : int
        How many there are, and which this is.
    """
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    distribution = start().distribution
    distribution.initialize(coordinator, processes, number)
    distribution.set_distribution(distribution.DataParallel(auto_shard_dataset=False))


def _dealt(batches: np.ndarray) -> Any:
    """Make one array, (steps, batch, ...), of the parts that all joined processes hold of it."""
    shared = start().distribution.distribution()
    if shared is None:
        return batches
    from jax import make_array_from_process_local_data
    from jax.sharding import NamedSharding, PartitionSpec

    by_row = PartitionSpec(None, shared.batch_dim_name)
    mesh = NamedSharding(shared.device_mesh.backend_mesh, by_row)
    return make_array_from_process_local_data(mesh, batches)


class Steps(Protocol):
    """Trains a compiled Keras model, many batches a call."""

    def run(self, batches: Rows, held: Any = None) -> None:
        """Take one training step for each batch of ``batches``, shape (steps, batch, ...).

        With rows ``held`` on the device, ``batches`` are numbers of these, shape (steps, batch).
        """

    def wait(self) -> None:
        """Return when nothing is being computed any more."""

    def settle(self) -> None:
        """Bring all variables back into the model, in the middle of a training."""

    def finish(self) -> float:
        """Bring the weights back into the model; return the mean loss since the last call."""


def variables_of(model: Any) -> tuple[list, ...]:
    """Give the variables that steps of training change: weights, optimizer's, running figures."""
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def many_steps(model: Any, longest: int = 0) -> Steps:
    """Give the trainer of the running engine for a compiled ``model``.

    Parameters
    ----------
    model : keras.Model
        Built and compiled, with a ``compute_loss`` of its own.
    longest : int
        How many steps a later call will have, where the first ones have fewer: what is compiled
        depends on it.

    Returns
    -------
    Steps

    Examples
    --------
    >>> keras = start()
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compute_loss = lambda x, y, y_pred, *_, **__: keras.ops.mean((y_pred - 1) ** 2)
    >>> model.compile(optimizer=keras.optimizers.SGD(0.1))
    >>> steps = many_steps(model)
    >>> steps.run(np.ones((50, 8, 2), "float32"))
    >>> _ = steps.finish()
    >>> float(round(model.predict_on_batch(np.ones((1, 2)))[0, 0], 3))
    1.0
    """
    return _STEPS.get(start().backend.backend(), _KerasSteps)(model, longest)


class _KerasSteps:
    """One step at a time, by Keras itself."""

    def __init__(self, model: Any, longest: int = 0) -> None:
        self.model = model
        self.losses: list[float] = []

    def run(self, batches: Rows, held: Any = None) -> None:
        narrowed = each(narrow, batches)
        for i in range(len(_first(batches))):
            self.losses.append(float(self.model.train_on_batch(_batch(narrowed, held, i))))

    def wait(self) -> None:
        pass

    def settle(self) -> None:
        pass

    def finish(self) -> float:
        mean = float(np.mean(self.losses))
        self.losses.clear()
        return mean


class _JaxSteps:
    """All the steps of a call inside one compiled loop, the state staying on the device.

    The number of steps is an argument of the compiled loop, so that a shorter last chunk needs no
    second compilation.
    """

    def __init__(self, model: Any, longest: int = 0) -> None:
        import jax

        model.optimizer.build(model.trainable_variables)
        self.model = model
        self.length = longest
        self.state: tuple | None = None
        self._loop = jax.jit(self._many, donate_argnums=0)

    def _many(self, state: tuple, batches: Any, count: Any, held: Any) -> tuple:
        import jax

        def step(i: Any, state: tuple) -> tuple:
            return self.model.train_step(state, (_batch(batches, held, i),))[1]

        with _full_precision():
            return jax.lax.fori_loop(0, count, step, state)

    def run(self, batches: Rows, held: Any = None) -> None:
        count = len(_first(batches))
        self.length = max(self.length, count)
        filled = each(_dealt, _sent(_block(batches, self.length)))
        if self.state is None:
            self.state = tuple([v.value for v in kind] for kind in variables_of(self.model))
        self.wait()  # one chunk computes while the next is read, and no more pile up
        self.state = self._loop(self.state, filled, count, held)

    def wait(self) -> None:
        import jax

        jax.block_until_ready(self.state)

    def settle(self) -> None:
        if self.state is None:
            return
        for variables, values in zip(variables_of(self.model), self.state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self.state = None

    def finish(self) -> float:
        self.settle()
        loss = float(self.model.get_metrics_result()["loss"])
        self.model.reset_metrics()
        return loss


_STEPS: dict[str, Callable[[Any, int], Steps]] = {"jax": _JaxSteps}


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
        size = block or block_rows(_first(rows).shape[1:])
        for i in range(0, max(len(_first(rows)), 1), size):
            part = _at(rows, slice(i, i + size))
            waiting.append((call(_sent(_block(part, size))), len(_first(part))))
            if len(waiting) >= most:
                yield _fetched(*waiting.popleft())
    while waiting:
        yield _fetched(*waiting.popleft())


def _block(rows: Rows, size: int) -> Rows:
    return each(lambda a: narrow(_filled(a, size)), rows)


def _fetched(output: Any, count: int) -> np.ndarray:
    return np.asarray(output)[:count]


def _sent(rows: Any) -> Any:
    """Send rows to an accelerator without waiting until they have arrived."""
    if not accelerator():
        return rows
    import jax

    return jax.device_put(rows)


def block_rows(row_shape: tuple[int, ...]) -> int:
    """Tell how many rows of a shape make one block: a power of two.

    From 16 to 1,024; to 32,768 on an accelerator.
    """
    fast = accelerator()
    fitting = max(BLOCK_NUMBERS[fast] // int(np.prod(row_shape)), 1)
    return int(np.clip(1 << (fitting.bit_length() - 1), 16, BLOCK_ROWS[fast]))


def _filled(array: np.ndarray, size: int) -> np.ndarray:
    """Add zeros to an array up to its length ``size``."""
    missing = size - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])


def _at(rows: Any, index: Any) -> Any:
    return each(lambda array: array[index], rows)


def _batch(batches: Any, held: Any, i: Any) -> Any:
    """Give batch ``i``, or the rows ``held`` that it numbers."""
    return _at(batches, i) if held is None else _at(held, batches[i])


def _first(rows: Rows) -> np.ndarray:
    return rows[0] if isinstance(rows, tuple) else rows


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
        with _full_precision():
            return model().stateless_call(trainable, others, rows, training=False)[0]

    return jax.jit(call)


_COMPILED: weakref.WeakKeyDictionary[Any, Callable[..., Any]] = weakref.WeakKeyDictionary()


def each(make: Callable[[Any], Made], rows: Any) -> Made | tuple[Made, ...]:
    """Do something with rows, or with each array of a tuple of them.

    Examples
    --------
    >>> each(len, (np.zeros(3), np.zeros(3)))
    (3, 3)
    """
    return tuple(make(array) for array in rows) if isinstance(rows, tuple) else make(rows)


def narrow(rows: np.ndarray) -> np.ndarray:
    """Make float32 of 64-bit numbers, which JAX would otherwise cut: integers modulo 2³².

    Examples
    --------
    >>> narrow(np.array([5_000_000_000])).tolist(), narrow(np.array([7], "uint8")).dtype
    ([5000000000.0], dtype('uint8'))
    """
    if rows.dtype.itemsize < 8:
        return rows
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)
