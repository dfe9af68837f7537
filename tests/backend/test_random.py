import numpy as np
import pytest

from latentmap.backend import random, start_engine, uniform

keras = start_engine()
SHAPES = [(1,), (5, 3), (3, 3, 2, 4), (256, 256), (257, 256)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 7])
def test_numbers_are_those_of_keras(shape, seed):
    own = keras.random.uniform(shape, -0.3, 0.3, seed=seed)
    assert np.array_equal(np.asarray(uniform(shape, 0.3, seed=seed)), np.asarray(own))


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX compiles for each shape")
def test_arrays_of_many_shapes_are_drawn_in_few_lengths(monkeypatch):
    drawn, real = set(), keras.random.uniform
    monkeypatch.setattr(
        keras.random, "uniform", lambda shape, *args: drawn.add(shape) or real(shape, *args)
    )
    for shape in SHAPES:
        uniform(shape, 1.0)
    assert drawn == {(length,) for length in random._LENGTHS[:2]}


def test_where_a_number_does_not_depend_on_its_place_alone_each_shape_is_drawn(monkeypatch):
    monkeypatch.setattr(random, "_depends_on_index", lambda: False)
    own = keras.random.uniform((5, 3), -1.0, 1.0, seed=7)
    assert np.array_equal(np.asarray(uniform((5, 3), 1.0, seed=7)), np.asarray(own))
