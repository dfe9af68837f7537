"""Many training steps in one call.

JAX runs all the steps of a chunk inside one compiled loop; the other engines take Keras's own step,
one at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from latentmap.backend.batch_arrays import Rows, at, block_of, each, first, narrow, sent
from latentmap.backend.engine import full_precision, start

__all__ = ["Steps", "many_steps", "variables_of"]


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
        for i in range(len(first(batches))):
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

        with full_precision():
            return jax.lax.fori_loop(0, count, step, state)

    def run(self, batches: Rows, held: Any = None) -> None:
        count = len(first(batches))
        self.length = max(self.length, count)
        filled = each(_dealt, sent(block_of(batches, self.length)))
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


def _batch(batches: Any, held: Any, i: Any) -> Any:
    """Give batch ``i``, or the rows ``held`` that it numbers."""
    return at(batches, i) if held is None else at(held, batches[i])


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
