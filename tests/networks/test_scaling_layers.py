import keras
import numpy as np
import pytest

from latentmap.networks.scaling_layers import Scaling

ROWS = np.random.default_rng(0).normal(50.0, 20.0, (10, 3)).astype("float32")
OFFSET, SCALE = np.array([10.0, -5.0, 0.0], "float32"), np.array([2.0, 255.0, 0.5], "float32")


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_it_shifts_then_divides():
    assert np.allclose(numbers(Scaling(OFFSET, SCALE)(ROWS)), (ROWS - OFFSET) / SCALE, rtol=1e-6)


def test_invert_undoes_it():
    there, back = Scaling(OFFSET, SCALE), Scaling(OFFSET, SCALE, invert=True)
    assert np.allclose(numbers(back(there(ROWS))), ROWS, rtol=1e-5)
    assert np.allclose(numbers(there(back(ROWS))), ROWS, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool", "float16", "float32"])
def test_raw_rows_of_any_type(dtype):
    rows = np.arange(12).reshape(4, 3).astype(dtype)
    scaled = numbers(Scaling(1.0, 2.0)(rows))
    assert scaled.dtype == np.float32
    assert np.array_equal(scaled, (rows.astype("float32") - 1) / 2)


def test_its_numbers_are_weights_that_do_not_train():
    layer = Scaling(OFFSET, SCALE)
    assert layer.trainable_weights == []
    assert [numbers(w.value).tolist() for w in layer.weights] == [OFFSET.tolist(), SCALE.tolist()]


def test_scalars_serve_rows_of_every_shape():
    images = np.full((2, 4, 5, 3), 255, np.uint8)
    assert np.array_equal(numbers(Scaling(0.0, 255.0)(images)), np.ones((2, 4, 5, 3)))


def test_its_config_makes_an_equal_layer():
    layer = Scaling(OFFSET, SCALE, invert=True)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert np.array_equal(numbers(again(ROWS)), numbers(layer(ROWS)))
