import numpy as np
import pytest

from latentmap.backend import evaluate, output_shape, start_engine

keras = start_engine()


def test_evaluate_returns_a_numpy_array():
    rows = np.arange(6.0, dtype="float32").reshape(2, 3)
    result = evaluate(lambda x, y: keras.ops.sum(x * y, axis=-1), rows, rows)
    assert isinstance(result, np.ndarray)
    assert result.tolist() == [5.0, 50.0]


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX compiles programs")
def test_evaluate_compiles_one_program():
    import jax

    compilations = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compilations.append(event) if "backend_compile" in event else None
    )
    rows = np.ones((11, 13), "float32")
    keras.ops.mean(keras.ops.sqrt(rows + 2.0), axis=0)
    assert len(compilations) > 1
    compilations.clear()
    evaluate(lambda x: keras.ops.mean(keras.ops.sqrt(x + 3.0), axis=0), rows)
    assert len(compilations) == 1


def test_output_shape_is_that_of_the_output():
    assert output_shape(lambda x, y: keras.ops.matmul(x, y), (2, 3), (3, 5)) == (2, 5)


def test_output_shape_raises_the_error_of_the_function():
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        output_shape(lambda x, y: keras.ops.matmul(x, y), (2, 3), (4, 5))
