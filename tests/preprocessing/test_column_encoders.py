import numpy as np
import pyarrow as pa
import pytest

from latentmap.preprocessing.column_encoders import NumberColumn


def fit(values):
    properties = {"name": "a", "role": "number", "has_gaps": False, "unit": None}
    return NumberColumn.fit(values, type=str(values.type), **properties)


@pytest.mark.parametrize("dtype", [pa.float64(), pa.float32()])
@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_decoded_numbers_have_the_decimals_of_the_fitted_ones(dtype, decimals):
    numbers = np.random.default_rng(0).normal(9000, 3000, 200).round(decimals)
    column = fit(pa.chunked_array([pa.array(numbers, dtype)]))
    assert column.decimals == decimals
    encoded = np.linspace(-2, 2, 50)[:, None]
    decoded = column.decode(encoded).cast(pa.string()).to_pylist()
    digits = [len(text.partition(".")[2]) for text in decoded]
    assert max(digits) <= max(decimals, 1)  # A whole number may be written as 3.0.
    expected = (encoded[:, 0] * column.scale + column.mean).round(decimals)
    assert np.allclose(column.decode(encoded).to_numpy(), expected, rtol=1e-6)


def test_coarse_numbers_are_decoded_with_more_decimals():
    numbers = np.random.default_rng(0).normal(3, 0.4, 200).round(1)
    assert fit(pa.chunked_array([numbers])).decimals == 4


def test_measured_numbers_keep_the_digits_that_float32_resolves():
    numbers = np.random.default_rng(0).normal(30, 9, 200)
    column = fit(pa.chunked_array([numbers]))
    assert column.decimals is None
    decoded = column.decode(column.encode(pa.array(numbers)).astype(np.float32)).to_numpy()
    assert np.allclose(decoded, numbers, rtol=0, atol=1e-5)
