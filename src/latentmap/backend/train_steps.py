"""Training steps on many batches in one call.

JAX takes all steps of a chunk in one compiled loop. The other engines take one Keras step at a
time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from latentmap.backend.batch_arrays import (
    BatchArrays,
    first_array,
    index_arrays,
    map_arrays,
    pad_block,
    send_to_device,
    to_32_bit,
)
from latentmap.backend.engine import full_float32_precision, has_accelerator, start_engine

if TYPE_CHECKING:
    import jax
    import keras

# Compilation without optimisation takes a second less. The compiled steps are slower: they lose
# this second if they compute about twice this number of weights and hidden units.
MAX_UNOPTIMIZED_WORK = 10**8
UNITS_PER_INPUT = 32  # Upper bound of the hidden units, also of convolutions, for each input.
UNOPTIMIZED_OPTIONS = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


class Stepper(Protocol):
    """Interface that trains a compiled Keras model on many batches in one call.

    Attributes
    ----------
    losses : list of float
        Losses since the last `finish` that the metrics of the model do not contain.
    """

    losses: list[float]

    def run(self, batches: BatchArrays, device_rows: jax.Array | tuple | None = None) -> None:
        """Take one training step for each batch of ``batches``, shape (n_steps, batch_size, ...).

        If ``device_rows`` holds the rows, ``batches`` are row numbers of shape (n_steps,
        batch_size).
        """

    def wait(self) -> None:
        """Wait until the computation has ended."""

    def sync_variables(self) -> None:
        """Assign the current values to the model's variables."""

    def finish(self) -> float:
        """Assign the current values like `sync_variables`, and return the mean loss.

        The mean is over the steps since the last call.
        """


def training_variables(model: keras.Model) -> tuple[list[keras.Variable], ...]:
    """Return the variables that training changes: weights, optimiser state and metrics."""
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def make_stepper(model: keras.Model, work: tuple[int, int] | None = None) -> Stepper:
    """Return the stepper of the current engine for a compiled model.

    The model must define ``compute_loss``. ``work`` is the total number of steps and the number of
    inputs in a batch, if they are known. JAX compiles a program for little work without
    optimisation.

    Examples
    --------
    >>> keras = start_engine()
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compute_loss = lambda x, y, y_pred, *_, **__: keras.ops.mean((y_pred - 1) ** 2)
    >>> model.compile(optimizer=keras.optimizers.SGD(0.1))
    >>> stepper = make_stepper(model)
    >>> stepper.run(np.ones((50, 8, 2), "float32"))
    >>> _ = stepper.finish()
    >>> float(round(model.predict_on_batch(np.ones((1, 2)))[0, 0], 3))
    1.0
    """
    # A checkpoint needs the variables of the optimiser before the first step, too.
    model.optimizer.build(model.trainable_variables)
    return _STEPPERS.get(start_engine().backend.backend(), _KerasStepper)(model, work)


class _KerasStepper:
    """Stepper that takes one Keras step at a time."""

    def __init__(self, model: keras.Model, work: tuple[int, int] | None = None) -> None:
        self.model = model
        self.losses: list[float] = []

    def run(self, batches: BatchArrays, device_rows: jax.Array | tuple | None = None) -> None:
        batches = map_arrays(to_32_bit, batches)
        for i in range(len(first_array(batches))):
            self.model.reset_metrics()  # Before version 3.13, Keras returns the mean of all steps.
            self.losses.append(float(self.model.train_on_batch(_batch(batches, device_rows, i))))

    def wait(self) -> None:
        pass

    def sync_variables(self) -> None:
        pass

    def finish(self) -> float:
        mean = float(np.mean(self.losses))
        self.losses.clear()
        return mean


class _JaxStepper:
    """Stepper that takes all steps of a call in one compiled loop, with the state on the device.

    The number of steps is an argument of the loop, so that a shorter last chunk needs no further
    compilation.
    """

    def __init__(self, model: keras.Model, work: tuple[int, int] | None = None) -> None:
        import jax

        self.model = model
        self.losses: list[float] = []  # The loop adds losses to a metric of the model.
        self.max_steps = 0
        self.state: tuple | None = None
        # The function does not refer to the stepper, so that the program is freed with the stepper
        # and not by a later garbage collection.
        options = _compiler_options(model, work)
        self._loop = jax.jit(_make_loop(model), donate_argnums=0, compiler_options=options)

    def run(self, batches: BatchArrays, device_rows: jax.Array | tuple | None = None) -> None:
        n_steps = len(first_array(batches))
        self.max_steps = max(self.max_steps, n_steps)
        batches = map_arrays(_distribute, send_to_device(pad_block(batches, self.max_steps)))
        if self.state is None:
            self.state = tuple([v.value for v in kind] for kind in training_variables(self.model))
        # Wait for the previous chunk, so that at most one is computed while the next one is read.
        self.wait()
        self.state = self._loop(self.state, batches, n_steps, device_rows)

    def wait(self) -> None:
        import jax

        jax.block_until_ready(self.state)

    def sync_variables(self) -> None:
        if self.state is None:
            return
        for variables, values in zip(training_variables(self.model), self.state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self.state = None

    def finish(self) -> float:
        self.sync_variables()
        mean = next(metric for metric in self.model.metrics if metric.name == "loss")
        total, count = (float(np.asarray(v.value)) for v in (mean.total, mean.count))
        self.model.reset_metrics()
        return total / count if count else 0.0


def _make_loop(model: keras.Model) -> Callable[..., tuple]:
    """Return a function that takes several training steps of a model."""
    import jax

    def run_steps(
        state: tuple, batches: BatchArrays, n_steps: int, device_rows: jax.Array | tuple | None
    ) -> tuple:
        def step(i: int, state: tuple) -> tuple:
            return model.train_step(state, (_batch(batches, device_rows, i),))[1]

        with full_float32_precision():
            return jax.lax.fori_loop(0, n_steps, step, state)

    return run_steps


def _compiler_options(model: keras.Model, work: tuple[int, int] | None) -> dict[str, int] | None:
    """Return options that turn optimisation off; None if a long training needs fast programs."""
    if work is None or has_accelerator():
        return None
    n_steps, n_inputs = work
    if n_steps * (model.count_params() + UNITS_PER_INPUT * n_inputs) > MAX_UNOPTIMIZED_WORK:
        return None
    return supported_options(tuple(UNOPTIMIZED_OPTIONS.items()))


@cache
def supported_options(options: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """Return the options of the compiler that this version of JAX knows.

    Examples
    --------
    >>> supported_options((("xla_backend_optimization_level", 0), ("xla_unknown", 1)))
    {'xla_backend_optimization_level': 0}
    """
    import jax

    supported = {}
    for name, value in options:
        try:
            jax.jit(abs, compiler_options={name: value}).lower(0.0).compile()
            supported[name] = value
        except jax.errors.JaxRuntimeError:
            continue
    return supported


_STEPPERS: dict[str, Callable[[keras.Model, tuple[int, int] | None], Stepper]] = {
    "jax": _JaxStepper
}


def _batch(batches: BatchArrays, device_rows: jax.Array | tuple | None, i: int) -> BatchArrays:
    """Return batch ``i``; if it contains row numbers, gather the rows on the device."""
    if device_rows is None:
        return index_arrays(batches, i)
    return index_arrays(device_rows, batches[i])


def _distribute(batches: np.ndarray) -> np.ndarray:
    """Join the parts of all processes into one array (n_steps, batch_size, ...)."""
    distribution = start_engine().distribution.distribution()
    if distribution is None:
        return batches
    from jax import make_array_from_process_local_data
    from jax.sharding import NamedSharding, PartitionSpec

    partition = PartitionSpec(None, distribution.batch_dim_name)
    sharding = NamedSharding(distribution.device_mesh.backend_mesh, partition)
    return make_array_from_process_local_data(sharding, batches)
