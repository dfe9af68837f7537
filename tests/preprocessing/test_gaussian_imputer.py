from __future__ import annotations

import numpy as np
import pytest

from latentmap.preprocessing.gaussian_imputer import GaussianImputer


@pytest.fixture(scope="module")
def correlated():
    """Return 2,000 rows of six numbers that depend on two latent numbers, and on noise."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 2)) @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(2000, 6))
    return (rows / rows.std(axis=0)).astype(np.float32)


def mask(rows, share=0.2, seed=1):
    masked = np.random.default_rng(seed).random(rows.shape) < share
    return np.where(masked, np.nan, rows).astype(np.float32), masked


def test_estimates_are_near_linear_regression(correlated):
    imputer = GaussianImputer.fit(correlated[:1500], range(6))
    test = correlated[1500:].copy()
    x, y = correlated[:1500, 1:].astype(float), correlated[:1500, 0].astype(float)
    coefficients = np.linalg.lstsq(np.column_stack([x, np.ones(1500)]), y, rcond=None)[0]
    expected = test[:, 1:] @ coefficients[:-1] + coefficients[-1]
    true = test[:, 0].copy()
    test[:, 0] = np.nan
    error = np.mean((imputer.impute(test)[:, 0] - true) ** 2)
    assert error < 1.1 * np.mean((expected - true) ** 2)
    assert error < 0.3 * true.var()


def test_known_values_stay_and_rows_do_not_depend_on_each_other(correlated):
    imputer = GaussianImputer.fit(correlated, range(6))
    rows, masked = mask(correlated[:50])
    filled = imputer.impute(rows)
    assert np.array_equal(filled[~masked], rows[~masked])
    assert np.array_equal(filled, np.vstack([imputer.impute(row[None]) for row in rows]))


def test_rows_without_known_values_get_the_mean(correlated):
    imputer = GaussianImputer.fit(correlated + 5, range(6))
    filled = imputer.impute(np.full((1, 6), np.nan, np.float32))
    assert np.allclose(filled, imputer.mean)


def test_missing_values_in_the_fitted_rows_hardly_change_the_estimates(correlated):
    rows, masked = mask(correlated[1500:])
    errors = []
    for fitted in (correlated[:1500], mask(correlated[:1500], seed=2)[0]):
        filled = GaussianImputer.fit(fitted, range(6)).impute(rows)
        errors.append(np.mean((filled - correlated[1500:])[masked] ** 2))
    assert errors[1] < 1.1 * errors[0]


def test_arrays_of_another_table_are_invalid(correlated):
    imputer = GaussianImputer.fit(correlated, range(6))
    imputer.validate(range(6), 6)
    with pytest.raises(ValueError, match="fit the columns"):
        imputer.validate(range(5), 6)
