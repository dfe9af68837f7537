import numpy as np
import pandas as pd
import pytest

from latentmap.data import ArraySource, Table
from latentmap.preprocessing.encoded_rows import EncodedArray, EncodedRows
from latentmap.preprocessing.pca_projection import pca_reconstructions, principal_components
from latentmap.preprocessing.scaling import Scale
from latentmap.preprocessing.table_encoder import TableEncoder
from latentmap.preprocessing.table_pca import (
    choose_linear_model,
    column_error,
    is_clearly_lower,
)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 200)
    factor = rng.normal(size=200)
    frame = pd.DataFrame(
        {
            "kind": np.array(["a", "b", "c"])[kind],
            "copy": np.array(["x", "y", "z"])[kind],
            "size": factor + 0.1 * rng.normal(size=200),
            "mass": factor + 0.1 * rng.normal(size=200),
            "member": rng.random(200) < 0.3,
        }
    )
    table = Table(frame)
    return EncodedRows(table, TableEncoder.fit(table))


def test_weights_are_powers_of_the_deviation_of_the_indicators(rows):
    weights = choose_linear_model(rows.load(), rows.encoder, 2, seed=0).weights
    kinds = rows.encoder.columns[0].shares
    deviation = np.sqrt(1 - (kinds**2).sum())
    assert np.isclose(weights[0], [deviation, deviation**0.5, 1.0]).any()
    assert (weights[:3] == weights[0]).all() and (weights[6:8] == 1.0).all()


def test_numbers_without_categories_have_the_weight_1():
    table = Table(pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=[*"abc"]))
    rows = EncodedRows(table, TableEncoder.fit(table))
    assert (choose_linear_model(rows.load(), rows.encoder, 2, seed=0).weights == 1.0).all()


def test_weighted_components_are_those_of_the_weighted_rows():
    x = np.random.default_rng(0).normal(size=(50, 3)) + 5.0
    weights, scale = np.array([1.0, 2.0, 0.5]), Scale(np.zeros(()), np.ones(()), False)
    weighted = principal_components(ArraySource(x), scale, 2, 0, weights=weights)
    plain = principal_components(ArraySource(x * weights), scale, 2, 0)
    expected = pca_reconstructions(x * weights, plain) / weights
    assert np.allclose(pca_reconstructions(x, weighted), expected, atol=1e-5)


def test_the_error_of_columns_is_relative_to_a_constant_prediction():
    frame = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "kind": ["a", "a", "a", "b"]})
    encoder = TableEncoder.fit(Table(frame))
    rows = encoder.encode(Table(frame)[:])
    assert column_error(encoder, rows, rows) == 0.0
    assert column_error(encoder, rows, 0 * rows) == pytest.approx(1.0)
    one_wrong = rows[[0, 1, 2, 0]]  # The size 4 becomes 1, and the only b becomes a.
    assert column_error(encoder, rows, one_wrong) == pytest.approx((np.sqrt(9 / 4 / 1.25) + 1) / 2)


def encode_in_memory(frame):
    rows = EncodedRows(Table(frame), TableEncoder.fit(Table(frame)))
    return EncodedArray(rows[:], rows.encoder)


@pytest.fixture
def skewed():
    """Return amounts of a skewed distribution, with gaps, that encoders transform by arsinh."""
    rng = np.random.default_rng(0)
    amount = np.exp(1.5 * rng.normal(size=200))
    factors = np.exp(0.01 * rng.normal(size=(200, 3)))
    frame = pd.DataFrame(amount[:, None] * factors, columns=["a", "b", "c"])
    return frame.mask(rng.random(frame.shape) < 0.02)


def test_skewed_numbers_are_encoded_as_they_are_unless_arsinh_is_better(skewed):
    rows = encode_in_memory(skewed)
    assert all(column.arsinh_scale for column in rows.encoder.columns)
    model = choose_linear_model(rows, rows.encoder, 1, seed=0)
    assert not any(column.arsinh_scale for column in model.encoder.columns)
    # The maximum of a column with arsinh would clip larger numbers of new rows.
    decoded = model.encoder.decode(np.full((1, 3), 20.0, np.float32))
    assert decoded["a"][0] > 1.5 * skewed["a"].max()
    powers = pd.DataFrame({"a": skewed["a"], "b": skewed["a"] ** 3}).dropna()
    rows = encode_in_memory(powers)
    assert choose_linear_model(rows, rows.encoder, 1, seed=0).encoder is rows.encoder


def test_converted_rows_are_those_of_the_other_encoder(skewed):
    rows = encode_in_memory(skewed)
    model = choose_linear_model(rows, rows.encoder, 1, seed=0)
    converted = model.convert_source(rows)
    expected = model.encoder.encode(Table(skewed)[:])
    assert np.allclose(converted[:], expected, atol=1e-4, equal_nan=True)
    assert np.nanmean(converted[:], axis=0) == pytest.approx(0, abs=1e-4)
    assert np.nanstd(converted[:], axis=0) == pytest.approx(1, abs=1e-4)
    assert converted.encoder is model.encoder


def test_a_difference_below_a_standard_error_is_not_clear():
    errors = np.random.default_rng(0).random(100)
    groups = np.arange(100) % 10

    def mean(values):
        return lambda mask: values[mask].mean()

    assert is_clearly_lower(mean(errors - 0.1), mean(errors), groups)
    assert not is_clearly_lower(mean(errors), mean(errors - 0.1), groups)
    noise = np.where(np.arange(100) % 10 == 0, 5.0, -0.4)  # A single group favours the first one.
    assert not is_clearly_lower(mean(errors - noise), mean(errors), groups)
