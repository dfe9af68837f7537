import numpy as np
import pytest

from latentmap.backend import random, start_engine, uniform

keras = start_engine()
SHAPES = [(1,), (5, 3), (3, 3, 2, 4), (256, 256), (1025, 512)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 7])
def test_uniform_equals_that_of_keras(shape, seed):
    expected = keras.random.uniform(shape, -0.3, 0.3, seed=seed)
    assert np.array_equal(np.asarray(uniform(shape, 0.3, seed=seed)), np.asarray(expected))


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX compiles for each shape")
def test_arrays_of_many_shapes_are_drawn_with_few_lengths(monkeypatch):
    shapes, keras_uniform = set(), keras.random.uniform
    monkeypatch.setattr(
        keras.random,
        "uniform",
        lambda shape, *args: shapes.add(shape) or keras_uniform(shape, *args),
    )
    for shape in SHAPES:
        uniform(shape, 1.0)
    assert shapes == {(length,) for length in random._LENGTHS[:2]}


def test_uniform_draws_each_shape_if_numbers_depend_on_the_shape(monkeypatch):
    monkeypatch.setattr(random, "_depends_on_index", lambda: False)
    expected = keras.random.uniform((5, 3), -1.0, 1.0, seed=7)
    assert np.array_equal(np.asarray(uniform((5, 3), 1.0, seed=7)), np.asarray(expected))
