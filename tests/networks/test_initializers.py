import keras
import numpy as np
import pytest

from latentmap.networks.initializers import Constant, Glorot

PAIRS = [
    (Constant(0.0), keras.initializers.Zeros()),
    (Constant(1.0), keras.initializers.Ones()),
    (Glorot(seed=3), keras.initializers.GlorotUniform(seed=3)),
]


@pytest.mark.parametrize(("initializer", "keras_initializer"), PAIRS)
@pytest.mark.parametrize("shape", [(5, 3), (3, 3, 2, 4)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_values_are_those_of_keras(initializer, keras_initializer, shape, dtype):
    values, expected = initializer(shape, dtype), keras_initializer(shape, dtype)
    assert keras.backend.standardize_dtype(values.dtype) == dtype
    assert np.array_equal(keras.ops.convert_to_numpy(values), keras.ops.convert_to_numpy(expected))


@pytest.mark.parametrize("initializer", [pair[0] for pair in PAIRS])
def test_a_saved_layer_keeps_its_initializer(initializer):
    layer = keras.layers.Dense(2, kernel_initializer=initializer)
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(copy.kernel_initializer) is type(initializer)
    assert copy.kernel_initializer.get_config() == initializer.get_config()
