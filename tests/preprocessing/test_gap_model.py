from __future__ import annotations

import numpy as np
import pytest

from latentmap.preprocessing.gap_model import GapModel


@pytest.fixture(scope="module")
def correlated():
    """Return 2,000 rows of six numbers that depend on two hidden numbers, and on noise."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 2)) @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(2000, 6))
    return (rows / rows.std(axis=0)).astype(np.float32)


def hide(rows, share=0.2, seed=1):
    hidden = np.random.default_rng(seed).random(rows.shape) < share
    return np.where(hidden, np.nan, rows).astype(np.float32), hidden


def test_estimates_are_near_linear_regression(correlated):
    model = GapModel.fit(correlated[:1500], range(6))
    test = correlated[1500:].copy()
    x, y = correlated[:1500, 1:].astype(float), correlated[:1500, 0].astype(float)
    coefficients = np.linalg.lstsq(np.column_stack([x, np.ones(1500)]), y, rcond=None)[0]
    expected = test[:, 1:] @ coefficients[:-1] + coefficients[-1]
    true = test[:, 0].copy()
    test[:, 0] = np.nan
    error = np.mean((model.fill(test)[:, 0] - true) ** 2)
    assert error < 1.1 * np.mean((expected - true) ** 2)
    assert error < 0.3 * true.var()


def test_known_values_stay_and_rows_do_not_depend_on_each_other(correlated):
    model = GapModel.fit(correlated, range(6))
    rows, hidden = hide(correlated[:50])
    filled = model.fill(rows)
    assert np.array_equal(filled[~hidden], rows[~hidden])
    assert np.array_equal(filled, np.vstack([model.fill(row[None]) for row in rows]))


def test_rows_without_known_values_get_the_mean(correlated):
    model = GapModel.fit(correlated + 5, range(6))
    filled = model.fill(np.full((1, 6), np.nan, np.float32))
    assert np.allclose(filled, model.mean)


def test_gaps_in_the_fitted_rows_hardly_change_the_estimates(correlated):
    rows, hidden = hide(correlated[1500:])
    errors = []
    for fitted in (correlated[:1500], hide(correlated[:1500], seed=2)[0]):
        filled = GapModel.fit(fitted, range(6)).fill(rows)
        errors.append(np.mean((filled - correlated[1500:])[hidden] ** 2))
    assert errors[1] < 1.1 * errors[0]


def test_arrays_of_another_table_are_invalid(correlated):
    model = GapModel.fit(correlated, range(6))
    model.validate(range(6), 6)
    with pytest.raises(ValueError, match="fit the columns"):
        model.validate(range(5), 6)
