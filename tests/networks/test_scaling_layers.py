import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from latentmap.networks.scaling_layers import Scaling

ROWS = np.random.default_rng(0).normal(50.0, 20.0, (10, 3)).astype("float32")
OFFSET, SCALE = np.array([10.0, -5.0, 0.0], "float32"), np.array([2.0, 255.0, 0.5], "float32")


def test_scaling_subtracts_the_offset_and_divides_by_the_scale():
    assert np.allclose(
        convert_to_numpy(Scaling(OFFSET, SCALE)(ROWS)), (ROWS - OFFSET) / SCALE, rtol=1e-6
    )


def test_invert_gives_the_inverse():
    scaling, inverse = Scaling(OFFSET, SCALE), Scaling(OFFSET, SCALE, invert=True)
    assert np.allclose(convert_to_numpy(inverse(scaling(ROWS))), ROWS, rtol=1e-5)
    assert np.allclose(convert_to_numpy(scaling(inverse(ROWS))), ROWS, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool", "float16", "float32"])
def test_rows_of_all_dtypes_are_scaled_to_float32(dtype):
    rows = np.arange(12).reshape(4, 3).astype(dtype)
    scaled = convert_to_numpy(Scaling(1.0, 2.0)(rows))
    assert scaled.dtype == np.float32
    assert np.array_equal(scaled, (rows.astype("float32") - 1) / 2)


def test_offset_and_scale_are_not_trainable():
    layer = Scaling(OFFSET, SCALE)
    assert layer.trainable_weights == []
    assert [convert_to_numpy(w.value).tolist() for w in layer.weights] == [
        OFFSET.tolist(),
        SCALE.tolist(),
    ]


def test_scalar_offset_and_scale_apply_to_images():
    images = np.full((2, 4, 5, 3), 255, np.uint8)
    assert np.array_equal(convert_to_numpy(Scaling(0.0, 255.0)(images)), np.ones((2, 4, 5, 3)))


def test_scaling_can_be_serialised():
    layer = Scaling(OFFSET, SCALE, invert=True)
    loaded_layer = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert np.array_equal(convert_to_numpy(loaded_layer(ROWS)), convert_to_numpy(layer(ROWS)))
