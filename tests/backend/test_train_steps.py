"""Programs for few training steps are compiled without optimisation, and compute the same."""

from __future__ import annotations

import numpy as np
import pytest

from latentmap.backend import make_stepper, start_engine, train_steps


def train(work):
    keras = start_engine()
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh")])
    model.compute_loss = lambda x, y, y_pred, *_, **__: keras.ops.mean((y_pred - 1) ** 2)
    model.compile(optimizer=keras.optimizers.Adam(0.05))
    stepper = make_stepper(model, work)
    stepper.run(np.random.default_rng(0).normal(size=(20, 8, 3)).astype("float32"))
    return stepper.finish(), model.get_weights()


# The work is 20 · (16 weights + 32 · 24 inputs).
@pytest.mark.parametrize("max_work", [15_000, 16_000])
def test_weights_do_not_depend_on_the_optimisation_of_the_program(max_work, monkeypatch):
    expected_loss, expected_weights = train(None)
    options = []
    supported = train_steps.supported_options
    monkeypatch.setattr(
        train_steps, "supported_options", lambda o: options.append(o) or supported(o)
    )
    monkeypatch.setattr(train_steps, "MAX_UNOPTIMIZED_WORK", max_work)
    loss, weights = train((20, 24))
    assert bool(options) == (max_work == 16_000 and start_engine().backend.backend() == "jax")
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for array, expected in zip(weights, expected_weights, strict=True):
        assert array == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_unknown_options_of_the_compiler_are_left_out():
    if start_engine().backend.backend() != "jax":
        pytest.skip("only JAX has these options")
    options = (("xla_unknown", 1), ("xla_backend_optimization_level", 0))
    assert train_steps.supported_options(options) == {"xla_backend_optimization_level": 0}
